/** `bgpctl ipam` as a process against an agent of canned answers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type ControlServer, startControlServer } from '../../agent/control/server.js';
import { formatAddress, formatAddresses, formatCheck, formatIpam } from '../../bgpctl/format/ipam.js';
import { fakeBackend, NOW } from '../agent/control/fake-backend.js';
import { fakeIpam, poolUsages } from '../agent/control/fake-ipam.js';
import { address } from '../ipam/hosts.js';

const launcher = fileURLToPath(new URL('../../../bin/bgpctl', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'mgy-ipam-'));
const socketPath = join(directory, 'control.sock');
const backend = fakeBackend();
const plain = { width: 80, colour: false };

let server: ControlServer | undefined;

test.before(async () => {
  server = await startControlServer(socketPath, backend, error => console.error(error));
});
test.after.always(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ipam(...words: string[]): Promise<Result> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [launcher, 'ipam', ...words], {
      env: { ...process.env, MARGAY_SOCKET: socketPath, COLUMNS: '80' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', chunk => (stdout += chunk));
    child.stderr.on('data', chunk => (stderr += chunk));
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

test('show: pools, and with --blocks whose blocks they are', t => {
  const view = { pools: poolUsages };
  t.is(
    formatIpam(view, false, plain),
    [
      'POOL   CIDR                 TOTAL    IN USE  RESERVED      FREE',
      'pods   10.244.0.0/16        65536  66 (<1%)         4     65466',
      'pods6  fd00:10:244::/64  1.84e+19    0 (0%)         0  1.84e+19',
      '',
    ].join('\n'),
  );
  const lines = formatIpam(view, true, { ...plain, width: 120 }).split('\n');
  t.regex(lines[2] ?? '', /^ {2}block {2}10\.244\.0\.0\/26 .* 64 \(100%\) +0 +0 {2}host-a +3$/);
  t.regex(lines[3] ?? '', /host-b \(by hand\)$/);
  t.regex(lines[4] ?? '', /nobody's$/);
  const narrow = formatIpam(view, true, plain).split('\n');
  t.true(narrow.every(line => line.length <= 80));
  t.is(formatIpam({ pools: [] }, false, plain), 'There are no pools.\n');
});

test('show --ip: who has it, since when, and what for', async t => {
  const view = await fakeIpam([]).address(address('10.244.0.5'));
  t.is(
    formatAddress(view, NOW, plain),
    [
      '10.244.0.5 is in use',
      '    handle    k8s-pod-network.abc',
      '    on        host-b (borrowed)',
      '    since     2026-01-02T11:00:00.000Z (1h00m ago)',
      '    for       namespace shop, pod web',
      '    used by   WorkloadEndpoint/shop/web',
      '    block     10.244.0.0/26 of host-a',
      '    pool      pods',
      '',
    ].join('\n'),
  );
});

test('show --addresses: each that is given out, on which host and what for; --node: those of one host', async t => {
  const { addresses } = await fakeIpam([]).addresses();
  t.is(
    formatAddresses(addresses, NOW, { ...plain, width: 100 }),
    [
      'ADDRESS     NODE               SINCE  HANDLE               FOR',
      '10.244.0.5  host-b (borrowed)  1h00m  k8s-pod-network.abc  namespace shop, pod web',
      '10.244.0.6  host-b             1h00m  k8s-pod-network.abc  namespace shop, pod web',
      '',
    ].join('\n'),
  );
  const shown = await ipam('show', '--node', 'host-b');
  t.is(shown.code, 0, shown.stderr);
  t.true(shown.stdout.split('\n').every(line => line.length <= 80));
  t.regex(shown.stdout, /^10\.244\.0\.6 .*\n {4}namespace shop, pod web$/m);
  t.is((await ipam('show', '--node', 'host-x')).stdout, 'No address is given out.\n');
  const json = JSON.parse((await ipam('show', '--addresses', '-o', 'json')).stdout) as unknown[];
  t.is(json.length, 2);
  const both = await ipam('show', '--addresses', '--blocks');
  t.is(both.code, 2);
  t.regex(both.stderr, /one of --blocks, --addresses \(or --node\) and --ip at a time/);
});

test('check: what was looked at, each kind of problem with who puts it right', async t => {
  t.is(
    formatCheck(await fakeIpam([]).check(), plain),
    [
      'Looked at 2 pools, 3 blocks, 66 addresses, 60 handles, 58 endpoints.',
      'Addresses by host: most 61 (host-a), median 5.',
      '',
      'leaked-address (1): the controller releases it after 15 minutes',
      '    10.244.0.9 on host-a (h9) has no endpoint',
      '',
      'handle-without-address (1): the controller removes it after 15 minutes',
      '    handle h8 has no address',
      '',
      '2 problems found.',
      '',
    ].join('\n'),
  );
});

test('check is a finding where there are problems, and its report can be released', async t => {
  const found = await ipam('check', '-o', 'json');
  t.is(found.code, 1);
  const report = join(directory, 'report.json');
  writeFileSync(report, found.stdout);
  const released = await ipam('release', '--from-report', report);
  t.is(released.code, 0, released.stderr);
  t.is(released.stdout, '10.244.0.9 released\n');
  t.true(backend.calls.includes('release [{"handle":"h9","address":"10.244.0.9","sequence":12}]'));
  for (const damaged of ['{}', '{"problems":[null]}', '[]', 'null']) {
    writeFileSync(report, damaged);
    const { code, stderr } = await ipam('release', '--from-report', report);
    t.is(code, 2, damaged);
    t.regex(stderr, /is not what "bgpctl ipam check -o json" writes/, damaged);
  }
});

test('assign: an address a line, or JSON; what has no use of its own is kept by bgpctl', async t => {
  const both = await ipam('assign', '--handle', 'vm', '--ipv4', '--ipv6');
  t.is(both.stdout, '10.244.0.5\nfd00:10:244::5\n');
  const sent = '{"handle":"vm","ipv4":1,"ipv6":1,"attributes":{"kept-by":"bgpctl"}}';
  t.true(backend.calls.includes(`assign ${sent}`));
  const json = await ipam('assign', '--handle', 'vm', '--node', 'n', '--ip', '10.244.0.5', '-o', 'json');
  t.is(JSON.parse(json.stdout).addresses[1].address, 'fd00:10:244::5');
  const pod = ['--attribute', 'namespace=shop', '--attribute', 'pod=web', '--pool', 'pods'];
  await ipam('assign', '--handle', 'vm', ...pod);
  const words = '"pools":["pods"],"attributes":{"namespace":"shop","pod":"web"}';
  t.true(backend.calls.some(call => call.includes(words)));
  const none = await ipam('assign', '--handle', 'full');
  t.is(none.code, 1);
  t.regex(none.stderr, /no address: 2 of a's own blocks/);
});

test('release: by address, by handle, of what is not there, and of what is somebody else’s', async t => {
  t.is((await ipam('release', '--ip', '10.244.0.5')).stdout, '10.244.0.5 released\n');
  const gone = await ipam('release', '--handle', 'gone');
  t.is(gone.code, 0);
  t.is(gone.stdout, 'handle gone: nothing is given out, so nothing was released\n');
  const theirs = await ipam('release', '--ip', '10.244.0.7', '--handle', 'mine');
  t.is(theirs.code, 1);
  t.regex(theirs.stdout, /^not released: 10\.244\.0\.7 is in use by handle h7/);
});

for (const [name, ...words] of [
  ['nothing'],
  ['an option of another word', 'show', '--handle', 'h'],
  ['no handle', 'assign', '--ipv4'],
  ['an address and a family', 'assign', '--handle', 'h', '--ip', '10.0.0.1', '--ipv4'],
  ['an attribute without a value', 'assign', '--handle', 'h', '--attribute', 'pod'],
  ['no address', 'show', '--ip', '10.244.0.300'],
  ['nothing to release', 'release'],
  ['a report beside an address', 'release', '--ip', '10.0.0.1', '--from-report', 'x'],
] as const) {
  test(`usage: ${name}`, async t => {
    const result = await ipam(...words);
    t.is(result.code, 2, result.stdout);
    t.not(result.stderr, '');
  });
}
