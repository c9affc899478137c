/** The process without its kernel: from the state file to the status file. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { UdpService } from '../../../ipip/udp/service.js';
import { udpStatePath, udpStatusPath } from '../../../ipip/udp/state-file.js';
import { decodeUdpStatus } from '../../../ipip/udp/status.js';
import type { TunnelPorts } from '../../../ipip/udp/tunnel.js';
import { eventually } from '../../support/eventually.js';

const state = {
  version: 1,
  device: { name: 'margay.udp', mtu: 1472 },
  port: 8285,
  local: '10.0.0.1',
  tunnelAddress: null,
  routes: [['10.244.2.0/24', '10.0.0.2']],
  knownHosts: ['10.0.0.2'],
};

/** Everything opens, nothing carries. */
const ports: TunnelPorts = {
  openDevice: () => ({ read: () => -11, write: () => -11, close: () => {} }),
  bringUp: async () => '',
  openSocket: () => ({
    receive: () => -11,
    sender: 0,
    senderPort: 0,
    send: () => -11,
    sendInFragments: () => -11,
    close: () => {},
  }),
  portHolder: () => undefined,
  pathMtu: () => undefined,
  openAnswers: () => ({ send: () => -11, close: () => {} }),
};

function start(t: ExecutionContext, prepare: (folder: string) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-udp-service-'));
  prepare(folder);
  const [statePath, statusPath] = [udpStatePath(folder), udpStatusPath(folder)];
  const lines: string[] = [];
  const logged: string[] = [];
  const service = new UdpService({
    statePath,
    statusPath,
    pid: process.pid,
    ports,
    clock: systemClock,
    nowMs: Date.now,
    log: (level, message) => logged.push(`${level} ${message}`),
    told: line => lines.push(line),
  });
  t.teardown(async () => {
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const status = () => {
    try {
      return decodeUdpStatus(readFileSync(statusPath, 'utf8'));
    } catch {
      return undefined;
    }
  };
  return { service, statePath, statusPath, lines, logged, status };
}

const put = (path: string) => writeFileSync(path, JSON.stringify(state));

test('ready with what is there; the status says so at once, and is gone with the process', async t => {
  const { service, status, statusPath } = start(t, folder => put(udpStatePath(folder)));
  t.is(await service.ready, 'margay.udp, port 8285, routes 1');
  t.true(await eventually(() => status()?.device === 'margay.udp', 900));
  t.like(status(), { pid: process.pid, port: 8285, routes: 1, problems: [], lastError: null });
  await service.close();
  t.false(existsSync(statusPath));
});

test('ready without a state file, too; it is told when there is one', async t => {
  const { service, statePath, lines, status } = start(t);
  t.regex(await service.ready, /^idle; state file: it is not there/);
  put(statePath);
  t.true(await eventually(() => lines.at(-1) === 'margay.udp, port 8285, routes 1'));
  t.true(await eventually(() => status()?.problems.length === 0));
  t.regex(status()?.lastError?.message ?? '', /^state file: /);
});

test('what is wrong with the file is in the line, the status and the log; the table stays', async t => {
  const { service, statePath, lines, logged, status } = start(t, folder => put(udpStatePath(folder)));
  await service.ready;
  writeFileSync(statePath, JSON.stringify({ ...state, port: 0 }));
  t.true(await eventually(() => status()?.problems.length === 1));
  t.regex(status()!.problems[0]!, /^state file: port: 0 is not /);
  t.true(lines.at(-1)?.startsWith('margay.udp, port 8285, routes 1; state file: port: 0 '));
  t.true(logged.some(line => line.startsWith('warn state file: port: 0 ')));
  put(statePath);
  t.true(await eventually(() => logged.includes('info state file: all is well again')));
});

test('a status file that cannot be written is said, and written once it can', async t => {
  const { service, statusPath, lines, status } = start(t, folder => {
    put(udpStatePath(folder));
    mkdirSync(udpStatusPath(folder));
  });
  await service.ready;
  t.true(await eventually(() => lines.at(-1)?.includes('status file: ') === true));
  rmdirSync(statusPath);
  t.true(await eventually(() => status()?.problems.length === 0));
});
