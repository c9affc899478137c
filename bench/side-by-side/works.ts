/**
 * What a speaker does while it is measured, its peers being up: it learns and hands on a table, reflects it to clients who are there or
 * come later, follows churn, or does nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadPeer, Transfer } from '../load/plan.js';
import type { RemoteGenerator } from '../load/remote.js';
import type { RunningContender } from './contender.js';
import { countKernelRoutes } from './kernel-routes.js';
import type { BenchNetwork } from './network.js';
import { cpuSeconds, residentMegabytes, untilQuiet } from './process-usage.js';
import type { Sample, SpeakerWork } from './rows.js';

const WORK_TIMEOUT_SECONDS = 180;
/** Longer than the pauses that a daemon makes within its work (FRR holds its first batch back for a second, with sinks only). */
const DONE_MS = 600;

export interface Bench {
  readonly running: RunningContender;
  readonly generator: RemoteGenerator;
  readonly network: BenchNetwork;
  readonly emptyMb: number;
  /** Sinks that are configured but do not dial before the work begins. */
  readonly joining: readonly LoadPeer[];
  /** What counts as quiet while a profile is taken. */
  readonly idleShare: number | undefined;
}

export function doWork(at: Bench, work: SpeakerWork): Promise<Sample> {
  switch (work.kind) {
    case 'load':
      return load(at, work);
    case 'churn':
      return churn(at, work);
    case 'kernel':
      return kernel(at, work);
    case 'reflect':
      return reflect(at, work);
    case 'join':
      return join(at);
    case 'idle':
      return idle(at, work);
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

async function reflect(at: Bench, work: Extract<SpeakerWork, { kind: 'reflect' }>): Promise<Sample> {
  const { transfer, cpuSeconds, wallSeconds } = await announce(at);
  const memoryMb = residentMegabytes(at.running.pid) - at.emptyMb;
  expectRoutes(transfer.sinkPrefixes, work.prefixes * work.clients);
  return { cpuSeconds, wallSeconds, memoryMb, updatesOut: transfer.sinkUpdates };
}

async function join(at: Bench): Promise<Sample> {
  await announce(at);
  const { running, generator, idleShare } = at;
  const before = cpuSeconds(running.pid);
  const command = { kind: 'join', sinks: at.joining, timeoutSeconds: WORK_TIMEOUT_SECONDS } as const;
  const { join: joined } = await generator.execute(command, 'joined');
  const quiet = await untilQuiet(running.pid, DONE_MS, WORK_TIMEOUT_SECONDS * 1000, idleShare);
  return { cpuSeconds: quiet.cpuSeconds - before, wallSeconds: joined.completeSeconds };
}

async function idle(at: Bench, work: Extract<SpeakerWork, { kind: 'idle' }>): Promise<Sample> {
  await announce(at);
  const { pid } = at.running;
  const before = cpuSeconds(pid);
  const begin = performance.now();
  await sleep(work.durationSeconds * 1000);
  const seconds = (performance.now() - begin) / 1000;
  return {
    cpuPercent: ((cpuSeconds(pid) - before) / seconds) * 100,
    memoryMb: residentMegabytes(pid) - at.emptyMb,
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
  const wanted = result.events * (work.clients ?? 1);
  if (result.unmatched > wanted / 100) throw new Error(`${result.unmatched} of ${wanted} events never seen`);
  return { p50Ms: result.p50Ms, p99Ms: result.p99Ms, cpuPercent: (used / result.seconds) * 100 };
}
