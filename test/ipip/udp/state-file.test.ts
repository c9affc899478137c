import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { newCounters } from '../../../ipip/udp/forwarder.js';
import type { TunnelState } from '../../../ipip/udp/state.js';
import {
  type FoundState,
  readUdpState,
  readUdpStatus,
  UdpStateWatch,
  udpStatePath,
  udpStatusPath,
  writeUdpState,
  writeUdpStatus,
} from '../../../ipip/udp/state-file.js';
import { decodeUdpStatus, type UdpStatus } from '../../../ipip/udp/status.js';
import { eventually } from '../../support/eventually.js';

const state: TunnelState = {
  device: { name: 'margay.udp', mtu: 1472 },
  port: 8285,
  local: '10.0.0.1' as Ipv4Address,
  tunnelAddress: undefined,
  routes: [],
  knownHosts: [],
};

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mgy-udp-state-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function watching(t: ExecutionContext, path: string): FoundState[] {
  const found: FoundState[] = [];
  const watch = new UdpStateWatch(path, systemClock, one => found.push(one));
  t.teardown(() => watch.close());
  return found;
}

test('what is written is read; the same again is not written; no litter is left', async t => {
  const path = udpStatePath(join(folder(t), 'not', 'yet'));
  t.deepEqual(await readUdpState(path), { kind: 'absent' });
  t.true(await writeUdpState(path, state));
  t.deepEqual(await readUdpState(path), { kind: 'ok', state });
  const { mtimeNs, ino } = statSync(path, { bigint: true });
  t.false(await writeUdpState(path, state));
  t.is(statSync(path, { bigint: true }).mtimeNs, mtimeNs);
  t.true(await writeUdpState(path, { device: undefined }));
  t.not(statSync(path, { bigint: true }).ino, ino);
  t.deepEqual(readdirSync(join(path, '..')), ['udp-routes.json']);
});

test('writes that are not waited for come in their order', async t => {
  const path = udpStatePath(folder(t));
  const writes = Array.from({ length: 50 }, (_, i) => writeUdpState(path, { ...state, port: i + 1 }));
  await Promise.all(writes);
  t.deepEqual(await readUdpState(path), { kind: 'ok', state: { ...state, port: 50 } });
  t.deepEqual(readdirSync(join(path, '..')), ['udp-routes.json']);
});

test('a reader beside a writer never sees half a file', async t => {
  const path = udpStatePath(folder(t));
  const knownHosts = Array.from({ length: 2000 }, (_, i) => `10.1.${i >> 8}.${i & 255}` as Ipv4Address);
  await writeUdpState(path, { ...state, knownHosts });
  let over = false;
  const writer = (async () => {
    for (let i = 1; i <= 200; i++) await writeUdpState(path, { ...state, port: i, knownHosts });
    over = true;
  })();
  let reads = 0;
  while (!over) {
    t.is((await readUdpState(path)).kind, 'ok');
    reads++;
  }
  await writer;
  t.true(reads > 10, `${reads} reads`);
});

test('a file that cannot be read, or says nothing of use, is that', async t => {
  const path = udpStatePath(folder(t));
  mkdirSync(path);
  t.is((await readUdpState(path)).kind, 'unreadable');
  rmSync(path, { recursive: true });
  writeFileSync(path, '{"version":1,');
  t.is((await readUdpState(path)).kind, 'invalid');
});

test('the watch tells what is there, then each change within a moment, and nothing twice', async t => {
  const path = udpStatePath(folder(t));
  const found = watching(t, path);
  t.true(await eventually(() => found.length === 1));
  t.deepEqual(found[0], { kind: 'absent' });
  await writeUdpState(path, state);
  t.true(await eventually(() => found.length === 2, 1000));
  t.deepEqual(found[1], { kind: 'ok', state });
  writeFileSync(path, '{"ver');
  t.true(await eventually(() => found.at(-1)?.kind === 'invalid', 1000));
  await writeUdpState(path, { device: undefined });
  t.true(await eventually(() => found.at(-1)?.kind === 'ok', 1000));
  rmSync(path);
  t.true(await eventually(() => found.at(-1)?.kind === 'absent', 1000));
  const { length } = found;
  await new Promise(resolve => setTimeout(resolve, 2500));
  t.is(found.length, length);
});

test('a directory that comes later, or is another one, is found by looking', async t => {
  const directory = join(folder(t), 'later');
  const path = udpStatePath(directory);
  const found = watching(t, path);
  t.true(await eventually(() => found.length === 1));
  await writeUdpState(path, state);
  t.true(await eventually(() => found.at(-1)?.kind === 'ok', 2500));
  rmSync(directory, { recursive: true });
  t.true(await eventually(() => found.at(-1)?.kind === 'absent', 2500));
  await writeUdpState(path, { device: undefined });
  t.true(await eventually(() => found.at(-1)?.kind === 'ok', 2500));
});

const status: UdpStatus = {
  pid: process.pid,
  since: '2026-01-01T00:00:00.000Z',
  device: 'margay.udp',
  port: 8285,
  routes: 3,
  counters: { ...newCounters(), in: 7 },
  problems: ['socket: taken'],
  lastError: { at: '2026-01-01T00:00:01.000Z', message: 'socket: taken' },
};

test('the status is read while its process lives', async t => {
  const path = udpStatusPath(folder(t));
  t.is(await readUdpStatus(path), undefined);
  await writeUdpStatus(path, status);
  t.deepEqual(await readUdpStatus(path), status);
  // Beyond what Linux gives out (PID_MAX_LIMIT).
  await writeUdpStatus(path, { ...status, pid: 4194305 });
  t.is(await readUdpStatus(path), undefined);
  t.true(existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'));
});

test('a status of another version is read as far as it goes, what is none is none', t => {
  const { in: received, ...others } = newCounters();
  const short = { pid: 1, since: status.since, counters: { out: 5 } };
  t.deepEqual(decodeUdpStatus(JSON.stringify(short))?.counters, { ...others, in: received, out: 5 });
  for (const text of ['', '{', 'null', '7', '[]', '{"pid":"1"}', '{"pid":1}']) {
    t.is(decodeUdpStatus(text), undefined, text);
  }
});
