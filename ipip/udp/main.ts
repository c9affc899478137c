/**
 * SHELL: the process `margay-udp`, the data path of UDP encapsulation: arguments, adapters, signals, the service manager. It reads what
 * the agent has written and needs no agent to run; when it ends, the device and the routes on it stay.
 */
import { hostname } from 'node:os';
import { type Program, parseArguments } from '../../agent/arguments.js';
import { readConfigurationFile } from '../../agent/config/file.js';
import { loadConfiguration } from '../../agent/config/load.js';
import type { Settings } from '../../agent/config/setting.js';
import { settings as allSettings } from '../../agent/config/settings.js';
import { newLog } from '../../agent/log.js';
import { packageVersion } from '../../agent/package-version.js';
import { systemClock } from '../../bgp/speaker/system-clock.js';
import { portHolder } from '../../linux/port-holder.js';
import { nameProcess } from '../../linux/process-files.js';
import { openRawSocket } from '../../linux/raw-socket.js';
import { serviceManager } from '../../linux/sd-notify.js';
import { checkTun, openTun } from '../../linux/tun.js';
import { openUdpSocket, pathMtu } from '../../linux/udp-socket.js';
import { bringUp } from './link.js';
import { UdpService } from './service.js';
import { readUdpState, udpStatePath, udpStatusPath } from './state-file.js';
import type { TunnelPorts } from './tunnel.js';

const exitCode = { fine: 0, failed: 1, usage: 2 } as const;

const keys = ['nodeName', 'stateDirectory', 'logLevel', 'logFormat'] as const;
type UdpSettings = Pick<Settings, (typeof keys)[number]>;

const udpProgram: Program<never> = {
  name: 'margay-udp',
  usage:
    'Carries packets between this host and others in UDP datagrams, as the agent has written it down, until it is told to end.',
  commands: [],
  check: 'say whether this host can do it and what is wrong with what the agent has written, and end',
  settings: allSettings.filter(({ key }) => keys.some(one => one === key)),
};

/** Runs until it is told to end; resolves to the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  nameProcess('margay-udp');
  const parsed = parseArguments(udpProgram, words, packageVersion());
  if (parsed.kind === 'said') return exitCode.fine;
  if (parsed.kind === 'invalid') {
    for (const problem of parsed.problems) complain(problem);
    process.stderr.write('Try: margay-udp --help\n');
    return exitCode.usage;
  }
  const found = readConfigurationFile(parsed.config);
  if (found.kind === 'unreadable') {
    complain(found.problem);
    return exitCode.usage;
  }
  const sources = { file: found.file, environment: process.env, flags: parsed.flags, hostName: hostname() };
  const configuration = loadConfiguration(sources, keys);
  const remarks = configuration.kind === 'invalid' ? configuration.problems : configuration.warnings;
  for (const { place, message } of remarks) complain(`${place}: ${message}`);
  if (configuration.kind === 'invalid') return exitCode.usage;
  if (parsed.check) return await check(configuration.settings);
  await run(configuration.settings);
  return exitCode.fine;
}

async function check({ stateDirectory }: UdpSettings): Promise<number> {
  const problems: string[] = [];
  try {
    checkTun();
  } catch (error) {
    problems.push((error as Error).message);
  }
  const path = udpStatePath(stateDirectory);
  const found = await readUdpState(path);
  if (found.kind === 'invalid') problems.push(...found.problems.map(problem => `${path}: ${problem}`));
  if (found.kind === 'unreadable') problems.push(`${path}: ${found.message}`);
  for (const problem of problems) complain(problem);
  if (problems.length > 0) return exitCode.failed;
  const instead = found.kind === 'absent' ? ` (${path} is not there yet: the agent writes it)` : '';
  process.stdout.write(`margay-udp: all is fine${instead}\n`);
  return exitCode.fine;
}

async function run(settings: UdpSettings): Promise<void> {
  const log = newLog(settings);
  const manager = serviceManager(process.env, process.pid);
  const ports: TunnelPorts = {
    openDevice: openTun,
    bringUp,
    openSocket: openUdpSocket,
    portHolder: port => portHolder(port, 'udp'),
    pathMtu,
    openAnswers: openRawSocket,
  };
  const service = new UdpService({
    statePath: udpStatePath(settings.stateDirectory),
    statusPath: udpStatusPath(settings.stateDirectory),
    pid: process.pid,
    ports,
    clock: systemClock,
    nowMs: Date.now,
    log: (level, message, detail) => log[level](detail, message),
    told: status => manager.status(status),
  });
  log.info({ pid: process.pid }, 'UDP encapsulation started');
  void service.ready.then(status => manager.ready(status));
  const interval = manager.watchdogIntervalMs;
  const watchdog = interval === undefined ? undefined : setInterval(() => manager.watchdog(), interval);
  const why = await new Promise<string>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  manager.stopping();
  log.info({ why }, 'UDP encapsulation ends; the device and its routes stay');
  clearInterval(watchdog);
  await service.close();
}

function complain(text: string): void {
  process.stderr.write(`margay-udp: ${text}\n`);
}
