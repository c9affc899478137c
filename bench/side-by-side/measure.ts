/**
 * One measurement: start a speaker alone, let it settle, bring up the peers, do the work, take the difference.
 *
 * Start-up (and Margay's warm-up, which ends before it listens) is outside every figure. Memory is what the resident set grew
 * by over the same process without peers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Transfer } from '../load/plan.js';
import { type RemoteGenerator, startGenerator } from '../load/remote.js';
import type { Contender, RunningContender } from './contender.js';
import { countKernelRoutes } from './kernel-routes.js';
import { type BenchNetwork, makeRunFolder, SOURCE_ADDRESS, SPEAKER_ADDRESS, sinkAddress } from './network.js';
import {
  cpuSeconds,
  IDLE_SHARE_PROFILED,
  residentMegabytes,
  untilListening,
  untilQuiet,
} from './process-usage.js';
import type { Sample, SpeakerWork } from './rows.js';

const BGP_PORT = 179;
const SPEAKER_ASN = 64512;
const SOURCE_ASN = 65001;
const START_TIMEOUT_MS = 20_000;
const WORK_TIMEOUT_SECONDS = 180;
const SETTLED_MS = 300;
/** Longer than the pauses that a daemon makes within its work (FRR holds its first batch back for a second, with sinks only). */
const DONE_MS = 600;

export interface Measurement {
  readonly network: BenchNetwork;
  readonly contender: Contender;
  readonly work: SpeakerWork;
  /** Where Margay's CPU profile of the work goes. */
  readonly profileFile: string | undefined;
}

/** Configuration and sockets of the speakers of this run. */
const workFolder = makeRunFolder();
process.on('exit', () => rmSync(workFolder, { recursive: true, force: true }));

export async function measure(measurement: Measurement): Promise<Sample> {
  const { network, contender, work } = measurement;
  const directory = mkdtempSync(join(workFolder, 'speaker-'));
  const { sinks, prefixesPerUpdate } = exchange(work);
  const kernelRoutes = work.kind === 'kernel';
  const sinkPeers = Array.from({ length: sinks }, (_, i) => ({ address: sinkAddress(i), asn: SPEAKER_ASN }));
  const peers = [{ address: SOURCE_ADDRESS, asn: SOURCE_ASN }, ...sinkPeers];
  let running: RunningContender | undefined;
  let generator: RemoteGenerator | undefined;
  try {
    const networkNamespace = network.speakerNamespace;
    running = await contender.start({
      networkNamespace,
      directory,
      address: SPEAKER_ADDRESS,
      asn: SPEAKER_ASN,
      peers,
      kernelRoutes,
    });
    await untilListening(running.pid, BGP_PORT, START_TIMEOUT_MS);
    await untilQuiet(running.pid, SETTLED_MS, START_TIMEOUT_MS);
    const emptyMb = residentMegabytes(running.pid);
    generator = startGenerator(network.peerNamespace);
    await generator.connect({
      remoteAddress: SPEAKER_ADDRESS,
      remotePort: BGP_PORT,
      remoteAsn: SPEAKER_ASN,
      holdTimeSeconds: 90,
      sources: [{ localAddress: SOURCE_ADDRESS, asn: SOURCE_ASN }],
      sinks: sinkPeers.map(({ address, asn }) => ({ localAddress: address, asn })),
      prefixes: work.prefixes,
      prefixesPerUpdate,
      attributeSets: 4,
    });
    await untilQuiet(running.pid, SETTLED_MS, START_TIMEOUT_MS);
    const profiled = measurement.profileFile !== undefined && running.profiler !== undefined;
    const at = {
      running,
      generator,
      network,
      emptyMb,
      idleShare: profiled ? IDLE_SHARE_PROFILED : undefined,
    };
    return await underProfile(running, measurement.profileFile, () => doWork(at, work));
  } finally {
    await generator?.stop();
    await running?.stop();
  }
}

async function underProfile<T>(
  running: RunningContender,
  file: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (file === undefined || running.profiler === undefined) return work();
  await running.profiler.start();
  const result = await work();
  await running.profiler.stop(file);
  return result;
}

/** Who receives and how the source packs, by work. */
function exchange(work: SpeakerWork): { readonly sinks: number; readonly prefixesPerUpdate: number } {
  switch (work.kind) {
    case 'load':
      return work;
    case 'churn':
      return { sinks: 1, prefixesPerUpdate: 1000 };
    case 'kernel':
      return { sinks: 0, prefixesPerUpdate: 1000 };
  }
}

interface Bench {
  readonly running: RunningContender;
  readonly generator: RemoteGenerator;
  readonly network: BenchNetwork;
  readonly emptyMb: number;
  /** What counts as quiet while a profile is taken. */
  readonly idleShare: number | undefined;
}

function doWork(at: Bench, work: SpeakerWork): Promise<Sample> {
  switch (work.kind) {
    case 'load':
      return load(at, work);
    case 'churn':
      return churn(at, work);
    case 'kernel':
      return kernel(at, work);
  }
}

interface Loaded {
  readonly transfer: Transfer;
  readonly cpuSeconds: number;
  /** Until the last route at the sink; without one, until the speaker went quiet. */
  readonly wallSeconds: number;
}

async function announce({ running, generator, idleShare }: Bench): Promise<Loaded> {
  const before = cpuSeconds(running.pid);
  const begin = performance.now();
  const command = { kind: 'announce', timeoutSeconds: WORK_TIMEOUT_SECONDS } as const;
  const { transfer } = await generator.execute(command, 'announced');
  const quiet = await untilQuiet(running.pid, DONE_MS, WORK_TIMEOUT_SECONDS * 1000, idleShare);
  const wallSeconds = transfer.completeSeconds ?? (quiet.lastWorkMs - begin) / 1000;
  return { transfer, cpuSeconds: quiet.cpuSeconds - before, wallSeconds };
}

async function load(at: Bench, work: Extract<SpeakerWork, { kind: 'load' }>): Promise<Sample> {
  const { transfer, cpuSeconds, wallSeconds } = await announce(at);
  const memoryMb = residentMegabytes(at.running.pid) - at.emptyMb;
  expectRoutes(await at.running.countRoutes(), work.prefixes);
  return {
    cpuSeconds,
    wallSeconds,
    memoryMb,
    memoryMbPer100k: memoryMb / (work.prefixes / 100_000),
    updatesOut: transfer.sinkUpdates,
  };
}

async function kernel(at: Bench, work: Extract<SpeakerWork, { kind: 'kernel' }>): Promise<Sample> {
  const { cpuSeconds, wallSeconds } = await announce(at);
  expectRoutes(await countKernelRoutes(at.network.speakerNamespace), work.prefixes);
  return { cpuSeconds, wallSeconds };
}

function expectRoutes(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`holds ${found} routes instead of ${wanted}`);
}

async function churn(at: Bench, work: Extract<SpeakerWork, { kind: 'churn' }>): Promise<Sample> {
  const { running, generator } = at;
  await announce(at);
  const before = cpuSeconds(running.pid);
  const { eventsPerSecond, durationSeconds } = work;
  const { churn: result } = await generator.execute(
    { kind: 'churn', eventsPerSecond, durationSeconds },
    'churned',
  );
  const used = cpuSeconds(running.pid) - before;
  if (result.unmatched > result.events / 100)
    throw new Error(`${result.unmatched} of ${result.events} events never seen`);
  return { p50Ms: result.p50Ms, p99Ms: result.p99Ms, cpuPercent: (used / result.seconds) * 100 };
}
