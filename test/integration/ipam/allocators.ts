/** Many allocators on one store, killed with -9 at random, until each has done its part; then the collector, and what is left. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Resource } from '../../../core/resources/resource.js';
import { collect, readRecords } from '../../../ipam/collect.js';
import { Collector, USUAL_GRACE_MS } from '../../../ipam/collector.js';
import { passingRecord } from '../../../ipam/host-record.js';
import { inconsistencies } from '../../../ipam/inconsistencies.js';
import type { Store } from '../../../store/port.js';
import { Random } from '../../support/random.js';
import { readLogs } from './allocator-log.js';
import type { AllocatorTask } from './allocator-process.js';
import { checkLive, type Verdict } from './live-checker.js';
import { openShared, type SharedStore } from './shared-store.js';

/** The first while they begin: a run is over soon on a quick machine. */
const FIRST_DISTURBANCE_MS = 1500;
const DISTURB_EVERY_MS = 8000;

const ALLOCATOR = fileURLToPath(new URL('./allocator-process.js', import.meta.url));

export interface Load {
  readonly shared: SharedStore;
  readonly resources: readonly Resource[];
  readonly allocators: number;
  /** Of all of them together. */
  readonly allocations: number;
  /** That one has at a time. */
  readonly most: number;
  /** One handle in so many is left to the collector. */
  readonly abandonOneIn: number;
  readonly careless: boolean;
  readonly seed: number;
  /** Between two kills, at most. */
  readonly killEveryMs: number;
  /** Of a slow machine the starts that follow would take all of the time. */
  readonly mostKills: number;
}

export interface Outcome extends Verdict {
  readonly kills: number;
  /** Of the store. */
  readonly disturbances: number;
  readonly seconds: number;
  /** After the collection: handles that still have an address, and what does not fit together. */
  readonly leaked: readonly string[];
  readonly problems: readonly string[];
  readonly collected: number;
  /** Processes that ended otherwise than they should. */
  readonly failures: readonly string[];
}

export async function run(load: Load): Promise<Outcome> {
  const folder = mkdtempSync(
    join(tmpdir(), `mgy-${process.env.MARGAY_RUN_ID ?? process.pid.toString(36)}-allocators-`),
  );
  const store = openShared(load.shared.address);
  try {
    for (const resource of load.resources) await store.create(resource);
    const started = performance.now();
    const { kills, failures, disturbances } = await allocate(load, folder);
    const verdict = checkLive(readLogs(folder));
    const seconds = (performance.now() - started) / 1000;
    return { ...verdict, kills, failures, disturbances, seconds, ...(await collectAll(store)) };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function allocate(load: Load, folder: string) {
  const running = new Map<number, ChildProcess>();
  const finished: ChildProcess[] = [];
  const failures: string[] = [];
  const random = new Random(load.seed);
  let [kills, disturbances, left] = [0, 0, load.allocators];
  const done = Promise.all(
    Array.from({ length: load.allocators }, async (_, i) => {
      for (;;) {
        const child = start(load, folder, i);
        running.set(i, child);
        const end = await endOf(child);
        running.delete(i);
        if (end === 'killed') continue;
        if (end === 'finished') finished.push(child);
        else failures.push(`host-${i}: ${end}`);
        break;
      }
      left--;
    }),
  );
  const disturbed = (async () => {
    const { disturb } = load.shared;
    let pauseMs = FIRST_DISTURBANCE_MS;
    while (disturb !== undefined && left > 0) {
      await Promise.race([done, sleep(pauseMs)]);
      if (left === 0) break;
      await disturb();
      disturbances++;
      pauseMs = DISTURB_EVERY_MS;
    }
  })();
  while (left > 0) {
    await Promise.race([done, sleep(random.below(load.killEveryMs))]);
    const victims = [...running.values()];
    if (victims.length > 0 && left > 0 && kills < load.mostKills && random.pick(victims).kill('SIGKILL'))
      kills++;
  }
  await Promise.all([done, disturbed]);
  // What they write back is not to fall into the collection.
  const ended = Promise.all(finished.map(child => once(child, 'exit')));
  for (const child of finished) child.disconnect();
  await ended;
  return { kills, failures, disturbances };
}

function start(
  { shared, allocators, allocations, abandonOneIn, careless, seed, most }: Load,
  folder: string,
  i: number,
): ChildProcess {
  const host = `host-${i}`;
  const task: AllocatorTask = {
    ...{ host, careless, most, seed: seed + i, store: shared.address, abandonOneIn },
    logPath: join(folder, `${host}.log`),
    recordPath: join(folder, `${host}.addresses`),
    handles: Math.ceil(allocations / allocators),
  };
  return fork(ALLOCATOR, [JSON.stringify(task)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
}

/** `killed`, `finished`, or what went wrong. One that has finished goes on running. */
function endOf(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.on('data', chunk => (said += chunk));
  return new Promise(resolve => {
    child.once('message', () => resolve('finished'));
    child.once('close', (code, signal) =>
      resolve(signal === 'SIGKILL' ? 'killed' : `${code ?? signal}: ${said.slice(0, 2000)}`),
    );
  });
}

/** Hosts are there, workloads are not: all that is left is nobody's, and goes after the grace period. */
async function collectAll(store: Store): Promise<Pick<Outcome, 'leaked' | 'problems' | 'collected'>> {
  const before = await readRecords(store);
  const { documents } = before;
  const context = { host: 'collector', store, documents, durable: passingRecord(), nowUnixMs: Date.now };
  const collector = new Collector({ graceMs: USUAL_GRACE_MS });
  for (let look = 0; look < 6; look++)
    await collect(context, collector, look * USUAL_GRACE_MS, name => !documents.hasNode(name));
  const after = await readRecords(store);
  const addresses = (records: typeof before) => records.blocks.flatMap(({ allocations }) => allocations);
  return {
    leaked: [
      ...addresses(after).map(({ address, handle }) => `${address} of ${handle}`),
      ...after.handles.map(({ handle }) => handle),
    ],
    problems: inconsistencies(after).map(({ name, message }) => `${name}: ${message}`),
    collected: addresses(before).length,
  };
}
