/**
 * One measurement: start a speaker alone, let it settle, bring up the peers, do the work, take the difference.
 *
 * Start-up (and Margay's warm-up, which ends before it listens) is outside every figure. Memory is what the resident set grew
 * by over the same process without peers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RemoteGenerator, startGenerator } from '../load/remote.js';
import type { Contender, RunningContender } from './contender.js';
import { type BenchNetwork, makeRunFolder, SOURCE_ADDRESS, SPEAKER_ADDRESS, sinkAddress } from './network.js';
import { IDLE_SHARE_PROFILED, residentMegabytes, untilListening, untilQuiet } from './process-usage.js';
import type { Sample, SpeakerWork } from './rows.js';
import { doWork } from './works.js';

const BGP_PORT = 179;
const SPEAKER_ASN = 64512;
const SOURCE_ASN = 65001;
const START_TIMEOUT_MS = 20_000;
const SETTLED_MS = 300;

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
  const { sinks, joining, prefixesPerUpdate, reflects } = exchange(work);
  const kernelRoutes = work.kind === 'kernel';
  const sinkPeers = Array.from({ length: sinks + joining }, (_, i) => ({
    address: sinkAddress(i),
    asn: SPEAKER_ASN,
    client: reflects,
  }));
  const source = { address: SOURCE_ADDRESS, asn: reflects ? SPEAKER_ASN : SOURCE_ASN, client: reflects };
  const peers = [source, ...sinkPeers];
  const loadSinks = sinkPeers.map(({ address, asn }) => ({ localAddress: address, asn }));
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
      sources: [{ localAddress: source.address, asn: source.asn }],
      sinks: loadSinks.slice(0, sinks),
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
      joining: loadSinks.slice(sinks),
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

/** Who receives, from the beginning or joining later, and how the source packs, by work. */
function exchange(work: SpeakerWork): {
  readonly sinks: number;
  readonly joining: number;
  readonly prefixesPerUpdate: number;
  /** All are clients of the speaker. */
  readonly reflects: boolean;
} {
  const packed = { sinks: 0, joining: 0, prefixesPerUpdate: 1000, reflects: false };
  switch (work.kind) {
    case 'load':
      return { ...packed, sinks: work.sinks, prefixesPerUpdate: work.prefixesPerUpdate };
    case 'churn':
      return { ...packed, sinks: work.clients ?? 1, reflects: work.clients !== undefined };
    case 'reflect':
    case 'idle':
      return { ...packed, sinks: work.clients, reflects: true };
    case 'join':
      return { ...packed, joining: work.clients, reflects: true };
    case 'kernel':
      return packed;
  }
}
