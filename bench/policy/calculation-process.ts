/**
 * What the calculation of policy costs, in a process of its own: a cluster's documents to what one host enforces, and then single changes.
 * Needs `--expose-gc`. Documents are made beforehand. Of CPU, all threads of the process together: what else the machine does is not in it.
 */
import type { Prefix } from '../../core/prefix.js';
import type { Resource } from '../../core/resources/resource.js';
import { PolicyCalculator } from '../../policy/calculate/policy-calculator.js';
import { percentile } from '../figures/quantiles.js';
import { allowFrom, BenchCluster, type ClusterSize, namespace, namespacedPolicy } from './cluster.js';
import { serve } from './remote.js';
import type { Sample } from './rows.js';

/** Samples by line. */
export type CalculationAnswer = Readonly<Record<string, Sample>>;

const CHANGES = 2000;
/** A process that has just started is no measure of one that runs for months. */
const WARM_UP = 5000;

type Change = (i: number) => Resource;

function measure(size: ClusterSize): CalculationAnswer {
  const cluster = new BenchCluster(size);
  const documents = cluster.documents();
  const before = heapBytes();
  const calculator = new PolicyCalculator('host-0');
  const snapshotMs = cpuMs(() => {
    for (const document of documents) calculator.set(document);
    calculator.take();
  });
  const bytes = (heapBytes() - before) / size.endpoints;
  const changes = Object.entries(changesOf(cluster)).map(
    ([line, change]) => [line, onebyOne(calculator, change)] as const,
  );
  return { snapshot: { margayMs: snapshotMs }, memory: { bytes }, ...Object.fromEntries(changes) };
}

function changesOf(cluster: BenchCluster): Readonly<Record<string, Change>> {
  const { endpoints, policies } = cluster.size;
  const here = cluster.endpointsOf(0);
  const spread = (i: number) => (i * 7919) % endpoints;
  const policy = (i: number) =>
    namespacedPolicy(i % policies, `ns-${i % cluster.namespaces}`, `app-${i % 10}`);
  return {
    label: i => cluster.endpoint(spread(i), { app: `app-${i % 10}` }),
    'local-label': i =>
      cluster.endpoint(here[i % here.length]!, { app: `app-${(i + Math.floor(i / here.length)) % 10}` }),
    address: i => {
      const document = cluster.endpoint(spread(i));
      const ipNetworks = [`172.16.${i >> 8}.${i & 255}/32` as Prefix];
      return { ...document, spec: { ...document.spec, ipNetworks } };
    },
    namespace: i => {
      const document = namespace(i % cluster.namespaces);
      return { ...document, metadata: { ...document.metadata, labels: { team: `team-${i % 19}` } } };
    },
    rules: i => {
      const document = policy(i);
      return { ...document, spec: { ...document.spec, ingress: [allowFrom(`role == "role-${i}"`)] } };
    },
    order: i => {
      const document = policy(i);
      return { ...document, spec: { ...document.spec, order: i + 0.5 } };
    },
  };
}

/** One change after another, each with a take. */
function onebyOne(calculator: PolicyCalculator, change: Change): Sample {
  const documents = Array.from({ length: WARM_UP + CHANGES }, (_, i) => change(i));
  const times = documents
    .map(document =>
      cpuMs(() => {
        calculator.set(document);
        calculator.take();
      }),
    )
    .slice(WARM_UP);
  const total = times.reduce((sum, time) => sum + time, 0);
  return {
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    maxMs: Math.max(...times),
    perSecond: (1000 * CHANGES) / total,
  };
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Node was started without --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

serve(measure);
