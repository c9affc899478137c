/** SHELL: the process `margay-agent`: arguments, configuration, adapters, signals, the service manager. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import yargs from 'yargs';
import { systemClock } from '../bgp/speaker/system-clock.js';
import { iptablesFirewall } from '../ipip/forward-firewall.js';
import { Forwarding } from '../ipip/forwarding.js';
import { tryLock, unlock } from '../linux/flock.js';
import { portHolder } from '../linux/port-holder.js';
import { type ServiceManager, serviceManager } from '../linux/sd-notify.js';
import { FileStore } from '../store/file/file-store.js';
import { Agent, type Log } from './agent.js';
import { changedSysctlsFile, cleanUp } from './cleanup.js';
import { loadConfiguration } from './config/load.js';
import { type Settings, settings as settingTable } from './config/settings.js';
import { startControlServer } from './control/server.js';
import { SocketTakenError } from './control/socket-claim.js';
import { AgentBackend } from './control-backend.js';
import { surveyHost } from './host.js';
import { newLog } from './log.js';
import { chooseNodeAddress } from './node-address.js';
import { SpeakerThread } from './speaker-host.js';

const DEFAULT_FILE = '/etc/margay/agent.yaml';
const exitCode = { fine: 0, failed: 1, usage: 2 } as const;

/** Runs until it is told to end; resolves to the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(words);
  if (typeof parsed === 'number') return parsed;
  const configuration = loadConfiguration({
    file: readConfigurationFile(parsed.config),
    environment: process.env,
    flags: parsed.flags,
    hostName: hostname(),
  });
  if (configuration.kind === 'invalid') {
    for (const { place, message } of configuration.problems) complain(`${place}: ${message}`);
    return exitCode.usage;
  }
  const { settings, warnings } = configuration;
  for (const { place, message } of warnings) complain(`${place}: ${message}`);
  if (parsed.check) {
    process.stdout.write('margay-agent: the configuration is fine\n');
    return exitCode.fine;
  }
  if (settings.dataplane === 'linux' && process.getuid?.() !== 0) {
    complain('not root: writing routes needs CAP_NET_ADMIN (or run the speaker alone: --dataplane none)');
    return exitCode.failed;
  }
  if (parsed.command === 'cleanup') return await cleanUp(settings, text => process.stdout.write(`${text}\n`));
  return await run(settings);
}

interface ParsedArguments {
  readonly command: 'run' | 'cleanup';
  readonly config: string | undefined;
  readonly check: boolean;
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** A number is an exit code: everything has been said. */
function parseArguments(words: readonly string[]): ParsedArguments | number {
  let failure: string | undefined;
  const parser = yargs([...words])
    .scriptName('margay-agent')
    .usage("$0 [command] [flags]\n\nRuns this host's agent until it is told to end.")
    .command('cleanup', 'take everything away that the agent has written to this host')
    .option('config', { type: 'string', describe: `configuration file (default ${DEFAULT_FILE})` })
    .option('check', { type: 'boolean', describe: 'say what is wrong with the configuration, and end' })
    .version(packageVersion())
    .strict()
    .recommendCommands()
    .exitProcess(false)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail(message => {
      failure = message;
    });
  for (const { flag, describe, fallback, fallbackWords } of settingTable) {
    const usual = fallback ?? fallbackWords;
    parser.option(flag, {
      type: 'string',
      describe: `${describe.split('. ')[0]} [${usual}]`,
      requiresArg: true,
    });
  }
  const given = parser.parseSync() as Record<string, unknown> & { readonly _: readonly (string | number)[] };
  if (given.help === true || given.version === true) return exitCode.fine;
  if (failure !== undefined) {
    complain(`${failure}\nTry: margay-agent --help`);
    return exitCode.usage;
  }
  const flags = Object.fromEntries(settingTable.map(({ flag }) => [flag, given[flag] as string | undefined]));
  return {
    command: given._[0] === 'cleanup' ? 'cleanup' : 'run',
    config: given.config as string | undefined,
    check: given.check === true,
    flags,
  };
}

function readConfigurationFile(name: string | undefined): { name: string; content: string } | undefined {
  const file = name ?? DEFAULT_FILE;
  try {
    return { name: file, content: readFileSync(file, 'utf8') };
  } catch (error) {
    if (name === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`cannot read ${file}: ${(error as Error).message}`);
  }
}

async function run(settings: Settings): Promise<number> {
  const log = newLog(settings);
  const manager = serviceManager(process.env, process.pid);
  const survey = await surveyHost();
  const address = () => chooseNodeAddress(survey.addresses, settings.nodeAddress);
  const forwarding = settings.dataplane === 'linux' ? newForwarding(settings, log) : undefined;
  forwarding?.start();
  const agent = new Agent({
    nodeName: settings.nodeName,
    store: new FileStore({ directory: settings.storeDirectory, lock: { tryLock, unlock } }),
    storeLocation: settings.storeDirectory,
    clock: systemClock,
    log,
    gracefulRestart: {
      restartTimeSeconds: settings.restartTimeSeconds,
      staleTimeSeconds: settings.staleTimeSeconds,
      selectionDeferralSeconds: settings.staleTimeSeconds,
      forwardingPreserved: survey.ownRoutes > 0 ? ['ipv4-unicast', 'ipv6-unicast'] : [],
    },
    restarting: survey.ownRoutes > 0,
    dataplane: settings.dataplane,
    metric: settings.routeMetric,
    nodeAddress: address,
    portHolder,
    hostConditions: () =>
      (forwarding?.problems() ?? []).map(({ object, ...problem }) => ({ ...problem, objects: [object] })),
    intentChanged: ({ pools }) => forwarding?.setPools(pools.map(({ cidr }) => cidr)),
    startSpeaker: handler => new SpeakerThread(new URL('speaker-worker.js', import.meta.url), handler),
  });
  let ended: ((ending: Ending) => void) | undefined;
  const ending = new Promise<Ending>(resolve => {
    ended = resolve;
  });
  const backend = new AgentBackend(agent, packageVersion(), () =>
    ended?.({ goodbye: 'cease', why: 'shut down' }),
  );
  try {
    const control = await startControlServer(settings.controlSocket, backend, error =>
      log.warn({ error: String(error) }, 'control API'),
    );
    log.info({ pid: process.pid, ownRoutes: survey.ownRoutes }, 'agent started');
    const stopTelling = tellManager(manager, agent);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => ended?.({ goodbye: 'silent', why: signal }));
    }
    void agent.run().catch(error => ended?.({ goodbye: 'silent', why: String(error) }));
    const { goodbye, why } = await ending;
    manager.stopping();
    log.info({ why, goodbye }, 'agent ends; routes stay in the kernel');
    stopTelling();
    forwarding?.close();
    await Promise.all([control.close(), agent.stop(goodbye, why)]);
    return exitCode.fine;
  } catch (error) {
    if (!(error instanceof SocketTakenError)) throw error;
    complain(error.message);
    await agent.stop('silent', '');
    return exitCode.failed;
  }
}

function newForwarding(settings: Settings, log: Log): Forwarding {
  return new Forwarding({
    stateFile: changedSysctlsFile(settings),
    acceptPools: settings.acceptForwarding,
    clock: systemClock,
    firewall: iptablesFirewall(),
    log: (level, message, detail) => log[level]({ detail }, message),
  });
}

interface Ending {
  readonly goodbye: 'silent' | 'cease';
  readonly why: string;
}

/** READY once in sync; then signs of life. */
function tellManager(manager: ServiceManager, agent: Agent): () => void {
  void agent.inSync.then(() => manager.ready('in sync'));
  const interval = manager.watchdogIntervalMs;
  const watchdog = interval === undefined ? undefined : setInterval(() => manager.watchdog(), interval);
  return () => clearInterval(watchdog);
}

function complain(text: string): void {
  process.stderr.write(`margay-agent: ${text}\n`);
}

function packageVersion(): string {
  // From dist/agent/main.js.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
