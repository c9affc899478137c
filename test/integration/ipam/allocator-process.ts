/**
 * A host that has addresses given out and gives them back, again and again, as the agent of a host does it: `allocator-process.js TASK`, TASK
 * being JSON. Killed at any moment and started again it goes on with what its log says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { IpamDocuments } from '../../../ipam/documents.js';
import { HostIpam } from '../../../ipam/host-ipam.js';
import { RecordFile } from '../../../ipam/record-file.js';
import type { AllocationOutcome } from '../../../ipam/request.js';
import { Random } from '../../support/random.js';
import { AllocatorLog, readLog } from './allocator-log.js';
import { openShared, type StoreAddress } from './shared-store.js';

export interface AllocatorTask {
  readonly store: StoreAddress;
  readonly careless: boolean;
  readonly host: string;
  readonly seed: number;
  readonly logPath: string;
  readonly recordPath: string;
  /** Handles that it asks for in all. */
  readonly handles: number;
  /** That it has at a time, at most. */
  readonly most: number;
  /** One in so many is left to the collector. */
  readonly abandonOneIn: number;
}

/** A minute of blocks that stay empty is over sooner. */
const HASTE = 20;

// All have done their part, or whoever started it is gone.
process.on('disconnect', () => process.exit(0));

const task = JSON.parse(process.argv[2] ?? '{}') as AllocatorTask;
const random = new Random(task.seed ^ process.pid);
const store = openShared(task.store, task.careless);
const documents = new IpamDocuments();
const ending = new AbortController();
const log = new AllocatorLog(task.logPath);
const durable = await RecordFile.open(task.recordPath);
const context = { host: task.host, store, documents, durable, nowUnixMs: Date.now };
const ipam = new HostIpam(context, () => performance.now() * HASTE);

/** What the log says of each handle last. */
const handles = new Map(
  readLog(task.logPath).map(({ handle, event, addresses }) => [handle, { event, addresses }]),
);

await following();
await untilDone(() => ipam.reassert());
await goOn();
for (let next = handles.size; next < task.handles; next++) {
  await allocate(`${task.host}-${next}`);
  if (random.below(20) === 0) await ipam.tidy();
  while (having().length > random.below(task.most)) await release(random.pick(having()));
}
for (const handle of having()) await release(handle);
// What of its claims was interrupted, as every half a minute.
await untilDone(() => ipam.tidy());
// As a host it is still there: a store that has forgotten something waits for what it holds.
process.send?.('finished');

async function following(): Promise<void> {
  await new Promise<void>(resolve => {
    void (async () => {
      for await (const events of store.watch({ signal: ending.signal })) {
        for (const event of events) {
          if (event.kind === 'changed') documents.changed(event.stored.resource);
          else if (event.kind === 'deleted') documents.deleted(event.id);
          else if (event.kind === 'in-sync') {
            // As an agent does: the store may have gone back to an earlier state.
            void ipam.reassert();
            resolve();
          }
        }
      }
    })();
  });
}

/** What was interrupted: whether it was done nobody knows. */
async function goOn(): Promise<void> {
  for (const [handle, { event, addresses }] of [...handles]) {
    if (event === 'asks' || event === 'has') await allocate(handle);
    else if (event === 'gives-back') await release(handle, addresses);
  }
}

async function allocate(handle: string): Promise<void> {
  say('asks', handle);
  const count = { ipv4: 1, ipv6: handle.length % 3 === 0 || handle.endsWith('5') ? 1 : 0 };
  const attributes = { namespace: 'load', pod: handle };
  const request = { handle, node: task.host, use: 'Workload', attributes, count } as const;
  let outcome: AllocationOutcome = await ipam.allocate(request);
  while (outcome.kind === 'unavailable') {
    await sleep(20);
    outcome = await ipam.allocate(request);
  }
  if (outcome.kind === 'none') return say('has-none', handle);
  say(
    'has',
    handle,
    outcome.addresses.map(({ address }) => address),
  );
  if (random.below(task.abandonOneIn) === 0) abandon(handle);
}

/** Its workload is gone, and nobody says so to address management. */
function abandon(handle: string): void {
  const { addresses = [] } = handles.get(handle) ?? {};
  say('gives-back', handle, addresses);
  say('abandons', handle);
}

async function release(handle: string, addresses = handles.get(handle)?.addresses ?? []): Promise<void> {
  say('gives-back', handle, addresses);
  await untilDone(async () => {
    const outcome = await ipam.release({ handle });
    return outcome.kind === 'unavailable' ? outcome.detail : undefined;
  });
  say('gave-back', handle);
}

function having(): readonly string[] {
  return [...handles].flatMap(([handle, { event }]) => (event === 'has' ? [handle] : []));
}

function say(
  event: Parameters<AllocatorLog['say']>[0],
  handle: string,
  addresses: readonly string[] = [],
): void {
  handles.set(handle, { event, addresses });
  log.say(event, handle, addresses);
}

async function untilDone(work: () => Promise<string | undefined>): Promise<void> {
  while ((await work()) !== undefined) await sleep(20);
}
