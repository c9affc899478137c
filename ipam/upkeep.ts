/**
 * SHELL: what a host does for its own part of the records, at its start, after the store was away, and from time to time: claims that were
 * interrupted are brought to an end, what the store has forgotten is written back, empty blocks are given back.
 */
import type { Prefix } from '../core/prefix.js';
import type { IPAMBlockResource } from '../core/resources/cluster-documents.js';
import { blockResource } from './block.js';
import { confirm, giveUpBlock, putConfirmed, withdraw } from './claims.js';
import { certain, type IpamContext, keep } from './context.js';
import { noteBlocks } from './handles.js';
import type { RecordEntry } from './host-record.js';
import { modify } from './modify.js';
import { blockId } from './names.js';
import { type Reassertion, reassert } from './reassertion.js';
import { readBlock } from './take.js';

/** Claims of a process before this one, step by step as `claims.ts` makes them. @throws Unavailable */
export async function finishClaims(context: IpamContext): Promise<void> {
  const { host, documents } = context;
  for (const { spec } of documents.affinitiesOf(host)) {
    const { cidr, state } = spec;
    // One that is marked as deleted is somebody else's work.
    if (state === 'confirmed' || spec.deleted === true) continue;
    const block = await readBlock(context, cidr);
    if (block?.node !== host) await withdraw(context, host, cidr, state);
    else if (state === 'pending') await confirm(context, host, cidr);
    else await giveUpBlock(context, host, cidr, found => found.allocations.length === 0);
  }
}

/** A person who gave the host a block takes it back by deleting the document: it is nobody's from then on. @throws Unavailable */
export async function dropTakenBack(context: IpamContext): Promise<void> {
  const { host, documents, durable } = context;
  const written = new Set(documents.affinitiesOf(host).map(({ spec }) => spec.cidr));
  for (const { cidr, claimedUnixMs } of durable.record.claims.values()) {
    if (claimedUnixMs === undefined && !written.has(cidr)) await giveUpBlock(context, host, cidr, () => true);
  }
}

/** A block that this host claimed and nobody has given back is routed to it. @throws Unavailable */
export async function mendAffinities(context: IpamContext): Promise<void> {
  const { host, documents, durable } = context;
  const affinities = documents.affinitiesOf(host).filter(({ spec }) => spec.state === 'confirmed');
  const confirmed = new Set(affinities.map(({ spec }) => spec.cidr));
  for (const cidr of durable.record.claims.keys())
    if (!confirmed.has(cidr)) await reassertBlock(context, cidr);
}

/** Every block that the host's record says anything of. @throws Unavailable */
export async function reassertAll(context: IpamContext): Promise<void> {
  for (const cidr of context.durable.record.blocks) await reassertBlock(context, cidr);
}

async function reassertBlock(context: IpamContext, cidr: Prefix): Promise<void> {
  const { host, store, durable, nowUnixMs } = context;
  const look = (found: IPAMBlockResource | undefined) =>
    reassert(durable.record, host, cidr, found?.spec, nowUnixMs());
  const first = look(await foundBlock(context, cidr));
  // Handles before addresses.
  for (const handle of first.handles) await noteBlocks(store, handle, [cidr]);
  let outcome: Reassertion = first;
  certain(
    await modify<IPAMBlockResource>(store, blockId(cidr), found => {
      outcome = look(found);
      return outcome.block === undefined
        ? { kind: 'leave' }
        : { kind: 'put', resource: blockResource(outcome.block) };
    }),
  );
  for (const handle of outcome.handles) await noteBlocks(store, handle, [cidr]);
  await keep(context, outcome.entries);
  await settleAffinities(context, cidr, outcome);
}

async function settleAffinities(
  context: IpamContext,
  cidr: Prefix,
  { owned, displaced, entries }: Reassertion,
): Promise<void> {
  const { host } = context;
  if (displaced !== undefined) await withdraw(context, displaced, cidr);
  if (owned) await putConfirmed(context, host, cidr);
  else if (entries.some(({ kind }) => kind === 'gave-up')) await withdraw(context, host, cidr);
}

async function foundBlock(context: IpamContext, cidr: Prefix): Promise<IPAMBlockResource | undefined> {
  const block = await readBlock(context, cidr);
  return block === undefined ? undefined : blockResource(block);
}

/** What the store has of this host and its record does not: of a state directory that is new. @throws Unavailable */
export async function learnOwn(context: IpamContext): Promise<void> {
  const { host, documents, durable } = context;
  const entries: RecordEntry[] = [];
  for (const { spec } of documents.affinitiesOf(host)) {
    const block = await readBlock(context, spec.cidr);
    if (block?.node !== host) continue;
    const { cidr, claimedUnixMs, claim, claimAfter } = block;
    const time = claimedUnixMs === undefined ? {} : { claimedUnixMs };
    if (!durable.record.claims.has(cidr))
      entries.push({ kind: 'claimed', claim: { cidr, ...time, claim, claimAfter } });
    for (const allocation of block.allocations) {
      if (allocation.node === host && !durable.record.allocations.has(allocation.address))
        entries.push({ kind: 'allocated', allocation: { ...allocation, block: cidr } });
    }
  }
  await keep(context, entries);
}
