/** SHELL: the collector's looks at the records of the whole cluster, and what comes of them. Everything is looked at again before it goes. */

import type { Prefix } from '../core/prefix.js';
import type { IPAMBlockResource } from '../core/resources/cluster-documents.js';
import type { Resource, ResourceKind } from '../core/resources/resource.js';
import type { Store } from '../store/port.js';
import type { Block } from './block.js';
import { giveUpBlock, putConfirmed, withdraw } from './claims.js';
import { type Collection, type Collector, isSameAllocation, isStillLeft } from './collector.js';
import { certain, type IpamContext, Unavailable } from './context.js';
import { IpamDocuments, ipamKinds } from './documents.js';
import { forgetBlocks, noteBlocks } from './handles.js';
import type { Records } from './inconsistencies.js';
import { modify } from './modify.js';
import { blockId } from './names.js';
import { readBlock, releaseFrom } from './take.js';

/** Everything there is of addresses, as the store has it now. @throws Unavailable */
export async function readRecords(store: Store): Promise<Records> {
  // Blocks first: what documents say of an address is then no older than its allocation.
  const blocks = (await list(store, 'IPAMBlock')).map(({ spec }) => spec);
  const handles = (await list(store, 'IPAMHandle')).map(({ spec }) => spec);
  return { blocks, handles, documents: await readDocuments(store) };
}

/** @throws Unavailable */
export async function readDocuments(store: Store): Promise<IpamDocuments> {
  const documents = new IpamDocuments();
  for (const kind of ipamKinds) for (const resource of await list(store, kind)) documents.changed(resource);
  return documents;
}

/** One look. @returns what was done, in words @throws Unavailable */
export async function collect(
  context: IpamContext,
  collector: Collector,
  nowMs: number,
  isGone: (node: string) => boolean,
): Promise<readonly string[]> {
  const records = await readRecords(context.store);
  const wanted = collector.look({ ...records, nowMs, isGone });
  if (wanted.length === 0) return [];
  // Read once more, after what is to go was known.
  const now = await readDocuments(context.store);
  const done: string[] = [];
  for (const collection of wanted) {
    const words = await carryOut(context, collection, now, isGone);
    if (words !== undefined) done.push(words);
  }
  return done;
}

async function carryOut(
  context: IpamContext,
  collection: Collection,
  now: IpamDocuments,
  isGone: (node: string) => boolean,
): Promise<string | undefined> {
  const { store } = context;
  switch (collection.kind) {
    case 'release':
      return isStillLeft(collection, now, isGone) ? await releaseHandle(context, collection) : undefined;
    case 'note-handle':
      await noteBlocks(store, collection.handle, collection.blocks);
      return `handle ${collection.handle} leads to its addresses again`;
    case 'forget-handle': {
      const { handle, blocks } = collection;
      const unused: Prefix[] = [];
      for (const cidr of blocks) {
        const block = await readBlock(context, cidr);
        if (block?.allocations.some(allocation => allocation.handle === handle) !== true) unused.push(cidr);
      }
      await forgetBlocks(store, handle, unused);
      return `handle ${handle} has nothing in ${unused.join(', ')}`;
    }
    case 'give-up': {
      const { node, block, empty } = collection;
      const isNobodys = await giveUpBlock(context, node, block, found => !empty || isEmpty(found));
      return isNobodys ? `block ${block} of ${node} is nobody's` : undefined;
    }
    case 'withdraw': {
      const { node, cidr, state } = collection.affinity;
      await withdraw(context, node, cidr, state);
      return `the claim of ${node} on ${cidr}, which was ${state}, is gone`;
    }
    case 'confirm':
      await putConfirmed(context, collection.node, collection.block);
      return `block ${collection.block} has its BlockAffinity to ${collection.node} again`;
    case 'remove-block':
      certain(
        await modify<IPAMBlockResource>(store, blockId(collection.block), found =>
          found?.spec.node === undefined && found?.spec.sequence === collection.sequence
            ? { kind: 'delete' }
            : { kind: 'leave' },
        ),
      );
      return `the record of block ${collection.block}, which is in no pool, is gone`;
  }
}

async function releaseHandle(
  context: IpamContext,
  { handle, addresses }: Extract<Collection, { kind: 'release' }>,
): Promise<string> {
  const released: string[] = [];
  for (const cidr of new Set(addresses.map(({ block }) => block))) {
    const gone = await releaseFrom(context, cidr, ({ address, sequence }) =>
      addresses.some(left => isSameAllocation(left, address, sequence)),
    );
    released.push(...gone.map(({ address }) => address));
  }
  return `${released.join(', ')} of handle ${handle}: nobody has used it`;
}

function isEmpty({ allocations }: Block): boolean {
  return allocations.length === 0;
}

async function list<K extends ResourceKind>(store: Store, kind: K) {
  type OfKind = Extract<Resource, { readonly kind: K }>;
  const found = await store.list(kind);
  if (found.kind === 'error')
    throw new Unavailable(found.error.kind === 'unavailable' ? found.error.detail : found.error.kind);
  return found.value.map(({ resource }) => resource as OfKind);
}
