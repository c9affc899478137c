import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { keeping, UdpDataPath } from '../../agent/udp-data-path.js';
import { FakeClock } from '../../bgp/testing/index.js';
import type { Clock } from '../../core/clock.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import type { Ipv4Prefix } from '../../core/prefix.js';
import { decodeUdpState, encodeUdpState, type UdpState } from '../../ipip/udp/state.js';
import { udpStatePath, udpStatusPath } from '../../ipip/udp/state-file.js';
import { eventually } from '../support/eventually.js';

const ip = (text: string) => text as Ipv4Address;

function carrying(...numbers: readonly number[]): Extract<UdpState, { port: number }> {
  return {
    device: { name: 'margay.udp', mtu: 1472 },
    port: 8285,
    local: ip('10.0.0.1'),
    tunnelAddress: ip('10.244.1.0'),
    routes: numbers.map(n => [`10.244.${n}.0/24` as Ipv4Prefix, ip(`10.0.0.${n}`)] as const),
    knownHosts: numbers.map(n => ip(`10.0.0.${n}`)),
  };
}

const found = (state: UdpState) => decodeUdpState(encodeUdpState(state));

test('until all is in sync a table only grows, by what is known better', t => {
  t.deepEqual(keeping({ kind: 'absent' }, carrying(2)), carrying(2));
  t.deepEqual(keeping(found(carrying(2, 3)), carrying(3, 4)), carrying(2, 3, 4));
  t.is(keeping(found(carrying(2)), { device: undefined }), undefined);
  t.is(keeping(found(carrying(2)), undefined), undefined);
  const moved = { ...carrying(2), routes: [['10.244.2.0/24' as Ipv4Prefix, ip('10.0.0.9')] as const] };
  t.deepEqual((keeping(found(carrying(2)), moved) as typeof moved).routes, moved.routes);
});

function start(t: ExecutionContext, before?: UdpState) {
  const directory = mkdtempSync(join(tmpdir(), 'mgy-udp-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const stateFile = udpStatePath(directory);
  if (before !== undefined) writeFileSync(stateFile, encodeUdpState(before));
  const fake = new FakeClock();
  let scheduled = 0;
  const clock: Clock = {
    now: () => fake.now(),
    schedule: (milliseconds, callback) => {
      scheduled++;
      return fake.schedule(milliseconds, callback);
    },
  };
  /** One more look at the process: it has ended when the next one is arranged. */
  const look = async () => {
    const before = scheduled;
    fake.advance(2000);
    await eventually(() => scheduled > before);
  };
  const logged: string[] = [];
  const path = new UdpDataPath({
    stateDirectory: directory,
    clock,
    changed: () => {},
    log: (_, message) => logged.push(message),
  });
  t.teardown(() => path.close());
  const written = () => readFileSync(stateFile, 'utf8');
  const says = (status: object) => writeFileSync(udpStatusPath(directory), JSON.stringify(status));
  const silence = () => rmSync(udpStatusPath(directory), { force: true });
  return { path, look, written, says, silence, logged, directory };
}

const running = {
  pid: process.pid,
  since: '2026-01-01T00:00:00Z',
  device: 'margay.udp',
  port: 8285,
  problems: [],
};

test('what an earlier agent wrote is carried on until removals are allowed', async t => {
  const { path, written } = start(t, carrying(2, 3));
  path.want(carrying(3));
  t.true(await eventually(() => written() === encodeUdpState(carrying(2, 3))));
  path.allowRemovals();
  t.true(await eventually(() => written() === encodeUdpState(carrying(3))));
});

test('a process that does not run is a problem, one that is away for a moment is none', async t => {
  const { path, look, says, silence } = start(t);
  says(running);
  path.want(carrying(2));
  await path.looked();
  t.is(path.problem, undefined);
  silence();
  await look();
  t.is(path.problem, undefined);
  says(running);
  await look();
  silence();
  await look();
  await look();
  t.true(path.problem?.includes('margay-udp'));
  says({ ...running, port: null, problems: ['UDP port 8285 is taken by flanneld (pid 42)'] });
  await look();
  t.is(path.problem, 'UDP port 8285 is taken by flanneld (pid 42)');
});

test('one that has never run is a problem from the first look on', async t => {
  const { path } = start(t);
  path.want(carrying(2));
  await path.looked();
  t.true(path.problem?.includes('systemctl'));
});

test('a table that cannot be written is said once, tried again, and written in the end', async t => {
  const { path, look, written, logged, directory } = start(t);
  // Nothing can be renamed to where a directory stands.
  mkdirSync(udpStatePath(directory));
  path.want(carrying(2));
  path.allowRemovals();
  t.true(await eventually(() => path.problem?.includes('cannot be written') === true));
  for (let i = 0; i < 3; i++) await look();
  t.is(logged.length, 1);
  rmdirSync(udpStatePath(directory));
  // A try from before may still be under way: the next look is another one.
  const isWritten = () => existsSync(udpStatePath(directory)) && written() === encodeUdpState(carrying(2));
  t.true(
    await eventually(async () => {
      await look();
      return isWritten();
    }),
  );
});
