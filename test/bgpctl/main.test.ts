import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type ControlServer, startControlServer } from '../../agent/control/server.js';
import type { SessionEffectView } from '../../agent/control/types.js';
import { parseArguments } from '../../bgpctl/arguments.js';
import { commands } from '../../bgpctl/commands.js';
import { explainArguments } from '../../bgpctl/explain.js';
import { nearest } from '../../core/nearest-word.js';
import { fakeBackend, peerStatus, routeView, tunnelCheck } from '../agent/control/fake-backend.js';
import { pool } from '../agent/documents.js';
import { eventually } from '../support/eventually.js';

const launcher = fileURLToPath(new URL('../../../bin/bgpctl', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'mgy-bgpctl-'));
const socketPath = join(directory, 'control.sock');
const backend = fakeBackend();

let server: ControlServer | undefined;

test.after.always(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

test.before(async () => {
  backend.peerList = [
    peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2', name: 'b', state: 'Established' }),
    peerStatus({ key: 'Mesh_10_0_0_3', address: '10.0.0.3', name: 'c', state: 'Active' }),
  ];
  const lost = {
    small: 'silent',
    full: 'silent',
    rttMs: null,
    finding: 'not-arriving',
    words: 'filtered',
  } as const;
  backend.checkList = [tunnelCheck('b'), tunnelCheck('c', lost)];
  backend.routeList = Array.from({ length: 2500 }, (_, i) => routeView(`10.${i >> 8}.${i & 255}.0/24`));
  server = await startControlServer(socketPath, backend, error => console.error(error));
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bgpctl(words: readonly string[], input = '', socket = socketPath): Promise<Result> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [launcher, ...words], {
      env: { ...process.env, MARGAY_SOCKET: socket, COLUMNS: '80' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => (stdout += chunk));
    child.stderr.on('data', chunk => (stderr += chunk));
    child.on('close', code => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

for (const [name, text, pattern] of [
  ['tabs', 'kind: Node\nmetadata:\n\tname: a\n', /standard input: .*Tabs/],
  ['aliases without end', aliasBomb(), /standard input: .*alias/],
] as const) {
  test(`apply: a document with ${name} is a finding that names where it stands`, async t => {
    const result = await bgpctl(['apply', '-f', '-'], text);
    t.is(result.code, 1, result.stderr);
    t.regex(result.stderr, pattern);
  });
}

function aliasBomb(): string {
  const lines = ['a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]'];
  for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  return lines.join('\n');
}

test('topology: as a table, for machines and as a drawing; an unknown node is refused with those there are', async t => {
  const table = await bgpctl(['topology']);
  t.is(table.code, 0);
  t.regex(table.stdout, /^4 hosts peer through 3 reflectors/);
  t.is(JSON.parse((await bgpctl(['topology', '-o', 'json'])).stdout).plan.generation, 4);
  t.regex((await bgpctl(['topology', '-o', 'dot'])).stdout, /^graph topology/);
  t.regex((await bgpctl(['topology', '-o', 'mermaid'])).stdout, /^graph LR/);
  t.regex((await bgpctl(['topology', '--explain', 'host2'])).stdout, /^host2 is a client/);
  const unknown = await bgpctl(['topology', '--explain', 'host7']);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /host7.*host2/);
  t.is((await bgpctl(['topology', '--explain', 'host2', '-o', 'dot'])).code, 2);
  t.is((await bgpctl(['topology', '--explain', 'host2', '--watch'])).code, 2);
  t.is((await bgpctl(['topology', '-o', 'dot', '--watch'])).code, 2);
  t.is((await bgpctl(['topology', '-o', 'svg'])).code, 2);
  t.is((await bgpctl(['topology', '--check'])).code, 0);
});

test('explain: a packet that is denied is a finding, and one port is enough', async t => {
  const denied = await bgpctl(['explain', 'shop/web', '[fd00::1]:443/tcp']);
  t.is(denied.code, 1);
  t.regex(denied.stdout, /^DENIED/);
  t.true(backend.calls.includes('explain {"from":"shop/web","to":"fd00::1","port":"443/tcp"}'));
  t.is((await bgpctl(['explain', 'shop/web', 'shop/db:443/tcp', '80/tcp'])).code, 2);
  t.is((await bgpctl(['explain', 'shop/web'])).code, 2);
});

test('a full disk behind the output is a failure', async t => {
  const child = spawn(process.execPath, [launcher, 'peers'], {
    env: { ...process.env, MARGAY_SOCKET: socketPath },
    stdio: ['ignore', openSync('/dev/full', 'w'), 'ignore'],
  });
  t.is(await new Promise(resolve => child.on('close', resolve)), 1);
});

for (const [words, code, pattern] of [
  ['peers', 0, undefined],
  ['peers --check', 1, undefined],
  ['peers 10.0.0.2 --check', 0, undefined],
  ['peers 10.0.0.3 --check', 1, undefined],
  ['peers 10.0.0.9', 1, undefined],
  ['status --check', 0, undefined],
  ['status --chek', 2, /--check/],
  ['peesr', 2, /"peers"/],
  ['peers -o jsn', 2, /"json"/],
  ['get nodse', 2, /"node"/],
  ['get', 2, /needs a KIND: /],
  ['enable', 2, /needs a PEER: /],
  ['shutdown 10.0.0.2 moving', 0, undefined],
  ['shutdown 10.0.0.9', 1, /10\.0\.0\.9/],
  ['clear', 2, /needs a PEER: /],
  ['clear 10.0.0.2 cable', 0, undefined],
  ['clear 10.0.0.2 --soft in', 0, undefined],
  ['clear 10.0.0.2 --soft sideways', 2, /"sideways"/],
  ['clear 10.0.0.2 cable --soft in', 2, /only for a reset/],
  ['', 2, undefined],
  ['apply', 2, /-f/],
  ['apply -f /nonexistent', 2, undefined],
  ['routes --received 10.0.0.2 --advertised 10.0.0.2', 2, undefined],
  ['routes 10.0.0/8', 2, /10\.0\.0\/8 is not a prefix/],
  ['get felixconfgi', 2, /"felixconfig"/],
  ['delete bgppeer tor', 0, undefined],
  ['check', 2, /bgpctl check tunnels/],
  ['check tunnels', 1, undefined],
  ['metrics', 0, undefined],
  ['mrt', 2, /needs a WHAT: /],
  ['mrt tabel', 2, /table/],
  ['mrt table /nonexistent/rib.mrt', 1, /no such file/],
  ['mrt table /dev/full', 1, /no space left/],
  ['check tunnels b', 0, undefined],
  ['check tunnels c', 1, undefined],
  ['check tunnels nobody', 1, /b, c/],
  ['check tunels', 2, /"tunnels"/],
  ['delete FelixConfig/default', 0, undefined],
  ['node', 2, /bgpctl node list/],
  ['node delete', 2, /which node/],
  ['node list host2', 2, /bgpctl get node host2/],
  ['node remove host2', 2, /"delete"|list, delete/],
  ['peers 10.0.0.2 --all', 2, /--all/],
] as const) {
  test(`bgpctl ${words} exits ${code}`, async t => {
    const result = await bgpctl(words.split(' ').filter(word => word !== ''));
    t.is(result.code, code, result.stderr);
    if (pattern !== undefined) t.regex(result.stderr, pattern);
  });
}

test('delete of a Node says that it is the document alone, and what takes the rest', async t => {
  const { code, stdout, stderr } = await bgpctl(['delete', 'node', 'host2']);
  t.is(code, 0, stderr);
  t.is(stdout, 'Node/host2 deleted\n');
  t.regex(stderr, /the document alone.*bgpctl node delete host2\n$/);
  t.is((await bgpctl(['delete', 'ippool', 'pods'])).stderr, '');
});

test('hosts: as a table and for machines; a deletion says what it deleted', async t => {
  for (const words of [
    ['status', '--all'],
    ['peers', '--all'],
    ['node', 'list'],
  ]) {
    const { code, stdout } = await bgpctl([...words, '--check'].slice(0, words[0] === 'node' ? 2 : 3));
    t.is(code, 0, words.join(' '));
    t.true(stdout.startsWith('2 hosts: 2 alive; controller: host2\n'), stdout);
    const json = JSON.parse((await bgpctl([...words, '-o', 'json'])).stdout) as { hosts: { node: string }[] };
    t.deepEqual(
      json.hosts.map(({ node }) => node),
      ['host1', 'host2'],
    );
  }
  const { stdout } = await bgpctl(['node', 'delete', 'host2', '--force']);
  t.is(stdout, 'host2 deleted: 2 BlockAffinities\n');
  t.true(backend.calls.includes('delete host host2 by force'));
});

test('documents of a store that is away are shown, and that it is so is said beside them', async t => {
  const socket = join(directory, 'away.sock');
  const storeAway = { sinceUnixMs: Date.now() - 60_000, detail: 'connection refused' };
  const view = { resource: pool('pods', '10.1.0.0/16'), revision: '' };
  const away = fakeBackend();
  Object.assign(away, {
    listResources: async () => ({ resources: [view], storeAway }),
    getResource: async () => ({ ...view, storeAway }),
  });
  const other = await startControlServer(socket, away, error => t.log(String(error)));
  for (const words of [
    ['get', 'ippools'],
    ['get', 'ippool', 'pods', '-o', 'json'],
    ['describe', 'ippool', 'pods'],
  ]) {
    const { code, stdout, stderr } = await bgpctl(words, '', socket);
    t.is(code, 0, stderr);
    t.regex(stdout, /pods/);
    t.notRegex(stdout, /away|revision/);
    t.regex(
      stderr,
      /^The store has been away for 1m\d\ds: connection refused\. .* in force on this host\.\n$/,
    );
  }
  await other.close();
});

test('an agent that is not there: exit 3 and how to start it', async t => {
  const { code, stderr } = await bgpctl(['peers'], '', join(directory, 'nowhere'));
  t.is(code, 3);
  t.regex(stderr, /systemctl start margay-agent/);
});

test('routes arrive whole through every format', async t => {
  const table = await bgpctl(['routes']);
  t.is(table.stdout.trimEnd().split('\n').length, 2501);
  const json = JSON.parse((await bgpctl(['routes', '-o', 'json'])).stdout) as unknown[];
  t.is(json.length, 2500);
  const yaml = (await bgpctl(['routes', '-o', 'yaml'])).stdout;
  t.is([...yaml.matchAll(/^- prefix:/gm)].length, 2500);
});

test('a reader that goes away early is no error', async t => {
  const code = await new Promise<number | null>(resolve => {
    const child = spawn(process.execPath, [launcher, 'routes', '-o', 'json'], {
      env: { ...process.env, MARGAY_SOCKET: socketPath },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.once('data', () => child.stdout.destroy());
    child.on('close', resolve);
  });
  t.is(code, 0);
});

test('a check is a list in every format; what is wrong stands below its line', async t => {
  const { stdout } = await bgpctl(['check', 'tunnels']);
  t.deepEqual(
    stdout.split('\n').map(line => line.split(/ {2,}/)[0]),
    ['HOST', 'b', 'c', '', ''],
  );
  const json = JSON.parse((await bgpctl(['check', 'tunnels', '-o', 'json'])).stdout) as unknown[];
  t.deepEqual(json, backend.checkList);
  const yaml = (await bgpctl(['check', 'tunnels', '-o', 'yaml'])).stdout;
  t.is([...yaml.matchAll(/^- node:/gm)].length, 2);
});

test('Ctrl-C ends a check, and what is not known is not fine', async t => {
  const socket = join(directory, 'hanging.sock');
  const hanging = fakeBackend();
  hanging.checkList = [tunnelCheck('b')];
  hanging.checkHangs = true;
  const other = await startControlServer(socket, hanging, error => t.log(String(error)));
  const child = spawn(process.execPath, [launcher, 'check', 'tunnels'], {
    env: { ...process.env, MARGAY_SOCKET: socket },
  });
  child.stdout.once('data', () => child.kill('SIGINT'));
  t.is(await new Promise(resolve => child.on('close', resolve)), 1);
  t.true(await eventually(() => hanging.calls.includes('check ended')));
  await other.close();
});

test('an MRT file goes to a file or on; a recording goes on until Ctrl-C', async t => {
  const file = join(directory, 'rib.mrt');
  t.is((await bgpctl(['mrt', 'table', file])).code, 0);
  t.deepEqual([...readFileSync(file)], [1, 2, 3]);
  t.is((await bgpctl(['mrt', 'table'])).stdout, '\u0001\u0002\u0003');
  const child = spawn(process.execPath, [launcher, 'mrt', 'sessions'], {
    env: { ...process.env, MARGAY_SOCKET: socketPath },
  });
  child.stdout.once('data', () => child.kill('SIGINT'));
  t.is(await new Promise(resolve => child.on('close', resolve)), 0);
  t.true(await eventually(() => backend.calls.includes('recording ended')));
});

test('apply reads files, directories, standard input and calicoctl lists', async t => {
  const document = 'kind: Node\nmetadata: {name: a}\n';
  writeFileSync(join(directory, 'two.yaml'), `${document}---\n${document}`);
  t.is(
    (await bgpctl(['apply', '-f', join(directory, 'two.yaml')])).stdout,
    'Node/x created\nNode/x created\n',
  );
  const list = JSON.stringify({ kind: 'NodeList', items: [{}, {}, {}] });
  t.is((await bgpctl(['apply', '-f', '-'], list)).stdout.split('\n').length, 4);
  const broken = await bgpctl(['apply', '-f', '-'], 'a: [');
  t.is(broken.code, 1);
});

test('an empty peer does not end the whole host', async t => {
  const result = await bgpctl(['shutdown', '']);
  t.is(result.code, 2);
  t.regex(result.stderr, /peer is empty/);
});

test('a message that is too long is sent, with a warning', async t => {
  const result = await bgpctl(['shutdown', '10.0.0.2', 'x'.repeat(300)]);
  t.is(result.code, 0);
  t.regex(result.stderr, /300 octets/);
});

test('a dry run of apply says what becomes of sessions, those that fare alike on one line', async t => {
  const document = 'kind: Node\nmetadata: {name: a}\n';
  const dryRun = async () => (await bgpctl(['apply', '-f', '-', '--dry-run'], document)).stdout;
  t.is(await dryRun(), "Node/x created (dry run)\nNone of this host's sessions would change.\n");
  const effect = (i: number, more: Partial<SessionEffectView>): SessionEffectView => ({
    peer: `Mesh_10_0_0_${i}`,
    name: `host${i}`,
    address: `10.0.0.${i}`,
    effect: 'changes-live',
    fields: ['exportPolicy'],
    why: '',
    ...more,
  });
  backend.sessionEffects = [
    effect(1, {}),
    effect(2, { effect: 'resets', fields: ['families'], why: 'families are agreed upon in OPEN' }),
    ...[3, 4, 5, 6, 7, 8].map(i => effect(i, {})),
  ];
  t.is(
    await dryRun(),
    `Node/x created (dry run)
1 session would be reset: families; families are agreed upon in OPEN
  host2 (10.0.0.2)
7 sessions would change without a reset: exportPolicy
  host1 (10.0.0.1), host3 (10.0.0.3), host4 (10.0.0.4), host5 (10.0.0.5), host6 (10.0.0.6) and 2 more
`,
  );
  backend.sessionEffects = [
    effect(1, { name: 'rack', address: '10.9.0.0/16', effect: 'starts', fields: [] }),
  ];
  t.true((await dryRun()).endsWith('1 range would take peers that dial\n  rack (10.9.0.0/16)\n'));
});

test('completion knows the kinds where one is to be given', async t => {
  const words = async (...line: string[]) =>
    (await bgpctl(['--get-yargs-completions', 'bgpctl', ...line])).stdout.split('\n');
  const found = await words('get', '');
  for (const kind of ['bgpfilter', 'secret', 'bgppeerrange', 'node']) t.true(found.includes(kind), kind);
  t.deepEqual(
    (await words('describe', 'bgpp')).filter(word => word.startsWith('bgp')),
    ['bgppeer', 'bgppeerrange'],
  );
  t.false((await words('peers', '')).includes('bgpfilter'));
  t.false((await words('get', 'bgppeer', '')).includes('bgpfilter'));
});

// ---------------------------------------------------------------- the two parsers

const lines = [
  'peers',
  'peers 10.0.0.2',
  'peers 10.0.0.2 --check -o json',
  'peers --output=wide --watch',
  'peers -w -o yaml --socket /x',
  'routes 10.0.0.0/8 --why',
  'routes --received 10.0.0.2 --family ipv4',
  'apply -f a -f b --dry-run',
  'apply -f -',
  'get node',
  'get node/a -o yaml',
  'delete bgppeer tor',
  'shutdown',
  'shutdown 10.0.0.2 moving',
  'clear 10.0.0.2 --soft in',
  'check tunnels',
  'check tunnels host-b -o json',
  'check',
];

for (const line of lines) {
  test.serial(`both parsers read "${line}" alike`, async t => {
    const words = line.split(' ');
    const fast = parseArguments(await commands[words[0] as string]!(), words.slice(1));
    const slow = await explainArguments(words, '0.0.0');
    t.truthy(fast);
    t.deepEqual({ ...fast }, { ...slow?.given });
  });
}

for (const line of [
  'peers a b',
  'peers --chek',
  'peers -o',
  'peers -o jsn',
  'get',
  'peers -o json -o yaml',
  'peers --help',
  'peers --socket',
  'check tunels',
]) {
  test(`the fast parser leaves "${line}" to yargs`, async t => {
    const words = line.split(' ');
    t.is(parseArguments(await commands[words[0] as string]!(), words.slice(1)), undefined);
  });
}

test('the nearest word is a slip of the fingers away, or none', t => {
  const known = ['peers', 'routes', 'status'];
  t.is(nearest('peres', known), 'peers');
  t.is(nearest('stauts', known), 'status');
  t.is(nearest('route', known), 'routes');
  t.is(nearest('frobnicate', known), undefined);
});
