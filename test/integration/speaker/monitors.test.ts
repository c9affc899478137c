/** MRT files and BMP sessions as other people's programs read them: bgpdump, and pmacct's pmbmpd. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDaemons } from '../../../bench/daemons/programs.js';
import {
  type BmpStationOption,
  createSpeaker,
  type PeerOptions,
  type RoutePolicy,
  type Speaker,
} from '../../../bgp/index.js';
import { eventually } from '../../support/eventually.js';

const acceptAll: Pick<PeerOptions, 'import' | 'export'> = { import: () => 'accept', export: () => 'accept' };
const daemons = await loadDaemons();

let directory = '';
test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'mgy-monitors-'));
});
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

async function freePort(address: string): Promise<number> {
  const server = net.createServer();
  await new Promise<void>(resolve => server.listen({ host: address, port: 0 }, resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Two speakers on loopback, of which the second has told the first. */
async function pair(
  options: { readonly bmpPort?: number; readonly adjRibIn?: BmpStationOption['adjRibIn'] } = {},
): Promise<readonly [Speaker, Speaker, (policy: RoutePolicy) => void]> {
  const [one, other] = ['127.77.0.1', '127.77.0.2'];
  const port = await freePort(one);
  const { bmpPort, adjRibIn = 'pre-policy' } = options;
  const bmpStations =
    bmpPort === undefined ? [] : [{ address: one, port: bmpPort, sysName: 'host-a', adjRibIn }];
  const a = createSpeaker({ asn: 64512, routerId: '10.0.0.1', listen: { address: one, port }, bmpStations });
  const b = createSpeaker({ asn: 4_200_000_001, routerId: '10.0.0.2' });
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  const peer = { address: other, asn: 4_200_000_001, passive: true, families, ...acceptAll };
  a.addPeer(peer);
  b.addPeer({ address: one, asn: 64512, port, localAddress: other, families, nextHop: 'keep', ...acceptAll });
  for (let i = 0; i < 1500; i++) b.announce(`10.${i >> 8}.${i & 255}.0/24`, { nextHop: '192.0.2.1' });
  b.announce('10.244.2.0/24', { nextHop: '192.0.2.2', communities: ['64512:7'] });
  b.announce('fd10:244:2::/64', { nextHop: 'fd00::2' });
  return [a, b, policy => void a.addPeer({ ...peer, import: policy })];
}

const count = (speaker: Speaker) => speaker.peers()[0]?.routes.received ?? 0;

function bgpdump(file: string): string[] {
  const { command, args, env } = daemons.launch('bgpdump', 'bgpdump', ['-m', file]);
  const output = execFileSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return output.trim().split('\n');
}

test('bgpdump reads a table dump: every prefix, its peer, path, next hop and communities', async t => {
  const [a, b] = await pair();
  t.true(await eventually(() => count(a) === 1502, 20_000));
  const file = join(directory, 'table.mrt');
  writeFileSync(file, Buffer.concat([...a.dumpTable()]));
  const lines = bgpdump(file);
  await Promise.all([a.close(), b.close()]);
  t.is(lines.length, 1502);
  const fields = (prefix: string) =>
    lines
      .find(line => line.split('|')[5] === prefix)
      ?.split('|')
      .slice(2);
  t.deepEqual(fields('10.244.2.0/24')?.slice(0, 7), [
    'B',
    '127.77.0.2',
    '4200000001',
    '10.244.2.0/24',
    '4200000001',
    'IGP',
    '192.0.2.2',
  ]);
  t.true(fields('10.244.2.0/24')?.includes('64512:7'));
  t.is(fields('fd10:244:2::/64')?.[6], 'fd00::2');
});

test('bgpdump reads a recording: announcements, a withdrawal, changes of state', async t => {
  const [a, b] = await pair();
  const pieces: Uint8Array[] = [];
  const stop = a.recordSessions(records => pieces.push(records));
  t.true(await eventually(() => count(a) === 1502, 20_000));
  b.withdraw('10.244.2.0/24');
  t.true(await eventually(() => count(a) === 1501, 20_000));
  await b.close();
  t.true(await eventually(() => a.peers()[0]?.state !== 'Established', 10_000));
  stop();
  const file = join(directory, 'sessions.mrt');
  writeFileSync(file, Buffer.concat(pieces));
  const lines = bgpdump(file).map(line => line.split('|'));
  await a.close();
  const ofType = (type: string) => lines.filter(line => line[2] === type);
  t.is(ofType('A').length, 1502);
  t.deepEqual(
    ofType('W').map(line => line[5]),
    ['10.244.2.0/24'],
  );
  t.true(ofType('STATE').some(line => line.at(-1) === '6' || line.at(-2) === '6'));
});

interface Line {
  readonly is_post?: number | string;
  readonly event_type: string;
  readonly bmp_msg_type?: string;
  readonly log_type?: string;
  readonly ip_prefix?: string;
  readonly bgp_nexthop?: string;
  readonly comms?: string;
}

/** pmbmpd, which writes what it hears into a file. */
async function startStation(t: ExecutionContext, file: string) {
  const port = await freePort('127.77.0.1');
  const log = join(directory, file);
  const { command, args, env } = daemons.launch('pmacct', 'pmbmpd', [
    '-L',
    '127.77.0.1',
    '-l',
    `${port}`,
    '-o',
    log,
  ]);
  const station = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore', cwd: directory });
  t.teardown(() => void station.kill('SIGKILL'));
  const heard = (): Line[] => {
    try {
      return readFileSync(log, 'utf8')
        .split('\n')
        .filter(line => line.endsWith('}'))
        .map(line => JSON.parse(line) as Line);
    } catch {
      return [];
    }
  };
  const prefixes = (type: string) =>
    heard().filter(
      line => line.bmp_msg_type === 'route_monitor' && line.log_type === type && line.ip_prefix !== undefined,
    );
  return { port, heard, prefixes };
}

test('pmbmpd hears of the session, of every prefix, of a withdrawal and of the end', async t => {
  const { port, heard, prefixes } = await startStation(t, 'bmp.json');
  const [a, b] = await pair({ bmpPort: port });
  t.teardown(() => Promise.all([a.close(), b.close()]));
  t.true(
    await eventually(() => new Set(prefixes('update').map(line => line.ip_prefix)).size >= 1502, 30_000, 200),
    `${prefixes('update').length} prefixes`,
  );
  t.true(heard().some(line => line.bmp_msg_type === 'init'));
  t.true(heard().some(line => line.bmp_msg_type === 'peer_up'));
  t.like(
    prefixes('update').find(line => line.ip_prefix === '10.244.2.0/24'),
    { bgp_nexthop: '192.0.2.2', comms: '64512:7' },
  );
  b.withdraw('10.244.2.0/24');
  t.true(
    await eventually(
      () => prefixes('withdraw').some(line => line.ip_prefix === '10.244.2.0/24'),
      10_000,
      200,
    ),
  );
  await b.close();
  t.true(await eventually(() => heard().some(line => line.bmp_msg_type === 'peer_down'), 10_000, 200));
});

test('pmbmpd hears what the import policy leaves of routes as post-policy ones, and what a change of it does', async t => {
  const { port, heard, prefixes } = await startStation(t, 'post.json');
  const [a, b, setPolicy] = await pair({ bmpPort: port, adjRibIn: 'both' });
  t.teardown(() => Promise.all([a.close(), b.close()]));
  const isPost = ({ is_post: flag }: Line) => `${flag}` === '1';
  const after = (type: string) => prefixes(type).filter(isPost);
  const told = (type: string) => new Set(after(type).map(line => line.ip_prefix)).size;
  t.true(await eventually(() => told('update') >= 1502, 30_000, 200), `${told('update')} prefixes`);
  t.true(
    new Set(
      prefixes('update')
        .filter(line => !isPost(line))
        .map(line => line.ip_prefix),
    ).size >= 1502,
  );
  const operations = [{ kind: 'add-communities', communities: ['64512:99'] }] as const;
  const within = { prefix: '10.244.2.0/24', minLength: 24, maxLength: 24 } as never;
  const rule = { within, source: 'any', action: 'accept', operations, reason: 'test' } as const;
  setPolicy({ rules: [rule], otherwise: 'reject' });
  t.true(await eventually(() => told('withdraw') === 1501, 20_000, 200), `${told('withdraw')} withdrawn`);
  const changed = after('update').filter(({ ip_prefix: prefix }) => prefix === '10.244.2.0/24');
  t.deepEqual(changed.map(({ comms }) => comms).sort(), ['64512:7', '64512:7 64512:99']);
  t.is(prefixes('withdraw').length, 1501);
  t.true(heard().some(line => line.bmp_msg_type === 'peer_up'));
});
