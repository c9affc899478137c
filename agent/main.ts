/** SHELL: the process `margay-agent`: arguments, configuration, adapters, signals, the service manager. */
import { hostname } from 'node:os';
import { FAMILIES } from '../bgp/family.js';
import { NetTransport } from '../bgp/speaker/net-transport.js';
import { systemClock } from '../bgp/speaker/system-clock.js';
import { warmUp } from '../bgp/speaker/warm-up.js';
import type { DurableRecord } from '../ipam/host-record.js';
import { pingProber } from '../ipip/check/ping.js';
import { iptablesFirewall } from '../ipip/forward-firewall.js';
import { Forwarding } from '../ipip/forwarding.js';
import { guardFirewall } from '../ipip/guard-firewall.js';
import { ReversePath } from '../ipip/reverse-path.js';
import { TunnelGuard } from '../ipip/tunnel-guard.js';
import { uplinksOf } from '../ipip/uplinks.js';
import { settleVxlanChecksums } from '../ipip/vxlan-checksums.js';
import { claimHost } from '../linux/host-claim.js';
import { portHolder } from '../linux/port-holder.js';
import { nameProcess } from '../linux/process-files.js';
import { type ServiceManager, serviceManager } from '../linux/sd-notify.js';
import type { Store } from '../store/port.js';
import { Agent } from './agent.js';
import { agentProgram, parseArguments } from './arguments.js';
import { BfdThread } from './bfd-host.js';
import { changedSysctlsFile, cleanUp } from './cleanup.js';
import { readConfigurationFile } from './config/file.js';
import { loadConfiguration } from './config/load.js';
import type { Settings } from './config/setting.js';
import { startControlServer } from './control/server.js';
import { SocketTakenError } from './control/socket-claim.js';
import { AgentBackend } from './control-backend.js';
import { filterPorts } from './filter/filter-ports.js';
import { removeFilter } from './filter/remove-filter.js';
import { type HostSurvey, surveyHost } from './host.js';
import { hostIdentity } from './host-identity.js';
import { readPassword } from './host-passwords.js';
import { addressRecordPath, openAddressRecord } from './ipam/address-record.js';
import { linuxSockets } from './linux-sockets.js';
import { newLog } from './log.js';
import { MainThreadSpeaker } from './main-thread-speaker.js';
import { type MetricsServer, serveMetrics } from './metrics/server.js';
import { METRICS_CONTENT_TYPE } from './metrics/text.js';
import { chooseNodeAddress } from './node-address.js';
import { openStore, storeFilesProblems, storeLocation } from './open-store.js';
import type { AgentTunnels, Log } from './options.js';
import { packageVersion } from './package-version.js';
import { PeerShutdowns, peerShutdownsPath } from './peer-shutdowns.js';
import { ReflectorMark } from './reflector-mark.js';
import { sleeplessClock } from './sleepless-clock.js';
import { type SpeakerHost, type SpeakerHostHandler, SpeakerThread } from './speaker-host.js';
import { StateProblems } from './state-problems.js';
import { TunnelGuards } from './tunnel-guards.js';
import { UdpDataPath } from './udp-data-path.js';

const exitCode = { fine: 0, failed: 1, usage: 2 } as const;

/** Runs until it is told to end; resolves to the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  nameProcess('margay-agent');
  const parsed = parseArguments(agentProgram, words, packageVersion());
  if (parsed.kind === 'said') return exitCode.fine;
  if (parsed.kind === 'invalid') {
    for (const problem of parsed.problems) complain(problem);
    process.stderr.write('Try: margay-agent --help\n');
    return exitCode.usage;
  }
  const found = readConfigurationFile(parsed.config);
  if (found.kind === 'unreadable') {
    complain(found.problem);
    return exitCode.usage;
  }
  const configuration = loadConfiguration({
    file: found.file,
    environment: process.env,
    flags: parsed.flags,
    hostName: hostname(),
  });
  const remarks = configuration.kind === 'invalid' ? configuration.problems : configuration.warnings;
  for (const { place, message } of remarks) complain(`${place}: ${message}`);
  if (configuration.kind === 'invalid') return exitCode.usage;
  if (parsed.check) {
    const problems = storeFilesProblems(configuration.settings);
    for (const problem of problems) complain(problem);
    if (problems.length > 0) return exitCode.usage;
    process.stdout.write('margay-agent: the configuration is fine\n');
    return exitCode.fine;
  }
  const settings = inForce(configuration.settings);
  const cleanup = parsed.command === 'cleanup';
  if ((cleanup || settings.dataplane === 'linux') && process.getuid?.() !== 0) {
    const instead = cleanup ? '' : ' (or run the speaker alone: --dataplane none)';
    complain(`not root: writing routes needs CAP_NET_ADMIN${instead}`);
    return exitCode.failed;
  }
  if (cleanup) return await cleanUp(settings, text => process.stdout.write(`${text}\n`));
  return await run(settings);
}

/** A reflector forwards nothing. */
function inForce(settings: Settings): Settings {
  return settings.mode === 'node' ? settings : { ...settings, dataplane: 'none' };
}

async function run(settings: Settings): Promise<number> {
  const log = newLog(settings);
  const manager = serviceManager(process.env, process.pid);
  const survey = await surveyHost();
  // As the kernel was read last.
  const host = { ...survey };
  const forwarding = settings.dataplane === 'linux' ? newForwarding(settings, log, host) : undefined;
  // A speaker in a thread of its own warms up there.
  if (settings.mode === 'route-reflector') await warmUp(new NetTransport(linuxSockets));
  const mark = settings.mode === 'route-reflector' ? new ReflectorMark(settings.stateDirectory) : undefined;
  const restarting = host.ownRoutes > 0 || mark?.isRestart(settings.restartTimeSeconds) === true;
  const state = new StateProblems(log);
  const store = await openStore(settings, log, state).catch((error: Error) => error);
  if (store instanceof Error) {
    complain(store.message);
    return exitCode.usage;
  }
  const withheld = (reason: string) => manager.ready(reason);
  const { stateDirectory, nodeName } = settings;
  const recordPath = addressRecordPath(stateDirectory, nodeName, storeLocation(settings));
  const addressRecord = await openAddressRecord(recordPath, log);
  const seen = { host, forwarding, restarting };
  const agent = newAgent({ settings, log, state, store, ...seen, withheld, addressRecord });
  let ended: ((ending: Ending) => void) | undefined;
  const ending = new Promise<Ending>(resolve => {
    ended = resolve;
  });
  const shutdown = () => ended?.({ goodbye: 'cease', why: 'shut down', code: exitCode.fine });
  const backend = new AgentBackend(agent, shutdown);
  const control = await startControlServer(settings.controlSocket, backend, error =>
    log.warn({ error: String(error) }, 'control API'),
  ).catch((error: NodeJS.ErrnoException) => error);
  if (control instanceof Error) {
    complain(control instanceof SocketTakenError ? control.message : `control socket: ${control.message}`);
    await agent.stop('silent', '');
    return exitCode.failed;
  }
  const claim = settings.dataplane === 'linux' ? claimHost() : undefined;
  if (claim?.kind === 'taken') {
    const pid = claim.pid === undefined ? '' : ` (pid ${claim.pid})`;
    complain(
      `another margay-agent${pid} writes this host's routes: stop it first, or let this one be --dataplane none`,
    );
    await Promise.all([control.close(), agent.stop('silent', '')]);
    return exitCode.failed;
  }
  forwarding?.start();
  if (settings.dataplane === 'linux' && settings.policy === 'off') void liftPolicy(log);
  const problem = mark?.begin();
  if (problem !== undefined) log.warn({ problem }, 'peers will not keep our routes over a restart');
  log.info({ pid: process.pid, ownRoutes: survey.ownRoutes }, 'agent started');
  const metrics = offerMetrics(settings, backend, log);
  const stopTelling = tellManager(manager, agent);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => ended?.({ goodbye: 'silent', why: signal, code: exitCode.fine }));
  }
  // With peers that keep our routes: the service manager starts the agent again.
  void agent.run().catch(error => ended?.({ goodbye: 'silent', why: String(error), code: exitCode.failed }));
  const { goodbye, why, code } = await ending;
  manager.stopping();
  log.info({ why, goodbye }, 'agent ends; routes stay in the kernel');
  stopTelling();
  forwarding?.close();
  metrics?.close();
  await Promise.all([control.close(), agent.stop(goodbye, why)]);
  mark?.end(goodbye === 'silent');
  claim?.release();
  return code;
}

/** @param restarting peers may keep the routes of a process before this one */
function newAgent({
  settings,
  log,
  state,
  store,
  host,
  forwarding,
  restarting,
  withheld,
  addressRecord,
}: {
  readonly settings: Settings;
  readonly log: Log;
  readonly state: StateProblems;
  readonly store: Store;
  readonly host: SeenHost;
  readonly forwarding: Forwarding | undefined;
  readonly restarting: boolean;
  readonly withheld: (reason: string) => void;
  readonly addressRecord: DurableRecord;
}): Agent {
  const { restartTimeSeconds, staleTimeSeconds } = settings;
  const wishes = { ipv4: settings.ipv4Address, ipv6: settings.ipv6Address };
  return new Agent({
    nodeName: settings.nodeName,
    version: packageVersion(),
    store,
    storeLocation: storeLocation(settings),
    clock: systemClock,
    sleeplessClock,
    identity: hostIdentity(settings.stateDirectory, problem =>
      state.tell('instance', 'the identity of this host', problem),
    ),
    log,
    gracefulRestart: {
      restartTimeSeconds,
      staleTimeSeconds,
      selectionDeferralSeconds: staleTimeSeconds,
      forwardingPreserved: restarting ? ['ipv4-unicast', 'ipv6-unicast'] : [],
    },
    restarting,
    addressRecord,
    bmpStations: settings.bmpStations,
    mode: settings.mode,
    readPassword,
    dataplane: settings.dataplane,
    metric: settings.routeMetric,
    nodeAddress: family => chooseNodeAddress(host.addresses, family, wishes[family]),
    ...(settings.asNumber === 'auto' ? {} : { asNumber: settings.asNumber }),
    looked: facts => {
      host.addresses = { links: facts.links, addresses: facts.addresses, routes: facts.foreignRoutes };
      forwarding?.review();
    },
    ...(settings.dataplane === 'linux' ? { tunnels: agentTunnels(settings, log) } : {}),
    ...(settings.policy === 'on' && settings.dataplane === 'linux'
      ? { filter: filterPorts(systemClock, log) }
      : {}),
    portHolder,
    withheld: reason => {
      if (process.stderr.isTTY) complain(reason);
      withheld(reason);
    },
    hostConditions: () => [
      ...(forwarding?.problems() ?? []).map(({ object, ...problem }) => ({ ...problem, objects: [object] })),
      ...state.conditions(),
    ],
    intentChanged: ({ pools }) => forwarding?.setPools(pools.map(({ cidr }) => cidr)),
    startBfd: handler => new BfdThread(new URL('bfd-worker.js', import.meta.url), handler),
    peerShutdowns: new PeerShutdowns(peerShutdownsPath(settings.stateDirectory), problem =>
      log.error({ problem }, 'which peers were shut down cannot be read: none are'),
    ),
    startSpeaker: handler => startSpeaker(settings, handler),
  });
}

function startSpeaker({ mode, dataplane }: Settings, handler: SpeakerHostHandler): SpeakerHost {
  if (mode === 'route-reflector') return new MainThreadSpeaker(new NetTransport(linuxSockets), handler);
  const entry = new URL('speaker-worker.js', import.meta.url);
  return new SpeakerThread(entry, handler, dataplane === 'linux' ? FAMILIES : []);
}

function agentTunnels(settings: Settings, log: Log): AgentTunnels {
  const say = (level: 'info' | 'warn', message: string, detail: string) => log[level]({ detail }, message);
  const reversePath = new ReversePath({
    stateFile: changedSysctlsFile(settings),
    clock: systemClock,
    log: say,
  });
  return {
    host: {
      looseReversePath: names => reversePath.loosen(names),
      settleChecksums: name => settleVxlanChecksums(name, settings.vxlanChecksums),
    },
    prober: pingProber(),
    newGuards: changed => {
      const options = { clock: systemClock, firewall: guardFirewall(), log: say, changed };
      return new TunnelGuards({
        ipv4: new TunnelGuard({ ...options, family: 'ipv4' }),
        ipv6: new TunnelGuard({ ...options, family: 'ipv6' }),
      });
    },
    newUdp: changed =>
      new UdpDataPath({ stateDirectory: settings.stateDirectory, clock: systemClock, changed, log: say }),
    externalNodes: settings.externalNodes,
    close: () => reversePath.close(),
  };
}

/** What was enforced while policy was switched on. */
async function liftPolicy(log: Log): Promise<void> {
  const removal = await removeFilter(systemClock);
  if (removal.kind === 'removed') log.info({}, 'network policy is off: what was enforced is taken away');
  if (removal.kind === 'failed')
    log.error({ problem: removal.problem }, 'network policy is off but still there');
}

function offerMetrics({ metrics }: Settings, backend: AgentBackend, log: Log): MetricsServer | undefined {
  if (metrics === 'none') return undefined;
  const { address, port } = metrics;
  return serveMetrics(
    metrics,
    () => backend.metrics(),
    METRICS_CONTENT_TYPE,
    problem => {
      if (problem === undefined) log.info({ address, port }, 'metrics are served');
      else log.error({ address, port, problem }, 'metrics cannot be served, trying again');
    },
  );
}

function newForwarding(settings: Settings, log: Log, host: SeenHost): Forwarding {
  return new Forwarding({
    stateFile: changedSysctlsFile(settings),
    acceptPools: settings.acceptForwarding,
    clock: systemClock,
    firewall: iptablesFirewall(),
    uplinks: () => uplinksOf(host.addresses),
    log: (level, message, detail) => log[level]({ detail }, message),
  });
}

interface SeenHost extends HostSurvey {
  addresses: HostSurvey['addresses'];
}

interface Ending {
  readonly goodbye: 'silent' | 'cease';
  readonly why: string;
  readonly code: number;
}

/** READY once in sync, or where this host may not announce itself: to be started again would help nobody. Then signs of life. */
function tellManager(manager: ServiceManager, agent: Agent): () => void {
  void agent.inSync.then(() => manager.ready('in sync'));
  const interval = manager.watchdogIntervalMs;
  const watchdog = interval === undefined ? undefined : setInterval(() => manager.watchdog(), interval);
  return () => clearInterval(watchdog);
}

function complain(text: string): void {
  process.stderr.write(`margay-agent: ${text}\n`);
}
