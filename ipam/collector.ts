/**
 * What the collector does away with (pure but for what it remembers): what nobody has used for a while, and what interrupted work has left.
 * Nothing goes that was not seen twice, for the whole of a grace period and unchanged; of a handle all its addresses, or none.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { IPAMAllocation, IPAMHandleResource } from '../core/resources/cluster-documents.js';
import { isLeft, useOf } from './address-use.js';
import type { Affinity } from './affinities.js';
import type { Block } from './block.js';
import type { IpamDocuments } from './documents.js';
import { poolOf } from './pools.js';

export interface Look {
  readonly documents: IpamDocuments;
  readonly blocks: readonly Block[];
  readonly handles: readonly IPAMHandleResource['spec'][];
  /** There is no such host any more: silence alone does not count. */
  readonly isGone: (node: string) => boolean;
  /** Of a clock that is never set. */
  readonly nowMs: number;
}

export interface LeftAddress {
  readonly block: Prefix;
  readonly allocation: IPAMAllocation;
}

export type Collection =
  /** All that a handle has. */
  | { readonly kind: 'release'; readonly handle: string; readonly addresses: readonly LeftAddress[] }
  | { readonly kind: 'note-handle'; readonly handle: string; readonly blocks: readonly Prefix[] }
  | { readonly kind: 'forget-handle'; readonly handle: string; readonly blocks: readonly Prefix[] }
  /** Of a host that is gone, with nothing in it; or of one from whom a person has taken it back. */
  | { readonly kind: 'give-up'; readonly node: string; readonly block: Prefix; readonly empty: boolean }
  /** Of a block that is another's, or nobody's. */
  | { readonly kind: 'withdraw'; readonly affinity: Affinity }
  /** Of a block that is a living host's. */
  | { readonly kind: 'confirm'; readonly node: string; readonly block: Prefix }
  /** Of nobody, with nothing in it, in no pool. */
  | { readonly kind: 'remove-block'; readonly block: Prefix; readonly sequence: number };

export interface CollectorOptions {
  readonly graceMs: number;
}

export const USUAL_GRACE_MS = 15 * 60_000;

/** What two looks have to agree in, and for how long. */
interface Candidate {
  readonly key: string;
  /** Another one is another thing. */
  readonly state: string;
  readonly graceMs: number;
}

export class Collector {
  readonly #graceMs: number;
  #seen: ReadonlyMap<string, Sight> = new Map();

  constructor({ graceMs }: CollectorOptions) {
    this.#graceMs = graceMs;
  }

  /** Whoever was not the controller for a while has seen nothing. */
  forget(): void {
    this.#seen = new Map();
  }

  look(look: Look): readonly Collection[] {
    const found = [
      ...leftHandles(look, this.#graceMs),
      ...handleRepairs(look, this.#graceMs),
      ...blockRepairs(look, this.#graceMs),
    ];
    const seen = new Map<string, Sight>();
    const ripe: Collection[] = [];
    for (const { collection, candidate } of found) {
      const { key, state, graceMs } = candidate;
      const before = this.#seen.get(key);
      const known = before?.state === state;
      const sinceMs = known ? before.sinceMs : look.nowMs;
      seen.set(key, { state, sinceMs });
      if (known && look.nowMs - sinceMs >= graceMs) ripe.push(collection);
    }
    this.#seen = seen;
    return ripe;
  }
}

interface Sight {
  readonly state: string;
  readonly sinceMs: number;
}

interface Found {
  readonly collection: Collection;
  readonly candidate: Candidate;
}

function leftHandles({ blocks, documents, isGone }: Look, graceMs: number): Found[] {
  const byHandle = new Map<string, LeftAddress[]>();
  for (const block of blocks) {
    for (const allocation of block.allocations) {
      const list = byHandle.get(allocation.handle) ?? [];
      list.push({ block: block.cidr, allocation });
      byHandle.set(allocation.handle, list);
    }
  }
  return [...byHandle].flatMap(([handle, addresses]) => {
    if (!addresses.every(({ allocation }) => isLeft(useOf(allocation, documents, isGone)))) return [];
    const state = addresses.map(({ allocation }) => `${allocation.address} ${allocation.sequence}`).join();
    const collection = { kind: 'release', handle, addresses } as const;
    return [{ collection, candidate: { key: `release ${handle}`, state, graceMs } }];
  });
}

function handleRepairs({ blocks, handles }: Look, graceMs: number): Found[] {
  const having = new Map<string, Set<Prefix>>();
  for (const { cidr, allocations } of blocks) {
    for (const { handle } of allocations) having.set(handle, (having.get(handle) ?? new Set()).add(cidr));
  }
  const noted = new Map(handles.map(each => [each.handle, each.blocks.map(({ cidr }) => cidr)]));
  const missing = [...having].flatMap(([handle, cidrs]) => {
    const lacking = [...cidrs].filter(cidr => !(noted.get(handle) ?? []).includes(cidr));
    if (lacking.length === 0) return [];
    const collection = { kind: 'note-handle', handle, blocks: lacking } as const;
    return [{ collection, candidate: { key: `note ${handle}`, state: lacking.join(), graceMs: 0 } }];
  });
  const idle = [...noted].flatMap(([handle, cidrs]) => {
    const empty = cidrs.filter(cidr => having.get(handle)?.has(cidr) !== true);
    if (empty.length === 0) return [];
    const collection = { kind: 'forget-handle', handle, blocks: empty } as const;
    // A handle is noted first: whoever did it may be about to take an address.
    return [{ collection, candidate: { key: `forget ${handle}`, state: empty.join(), graceMs } }];
  });
  return [...missing, ...idle];
}

function blockRepairs({ documents, blocks, isGone }: Look, graceMs: number): Found[] {
  const owners = new Map(blocks.map(({ cidr, node }) => [cidr, node]));
  const claims = new Set(documents.affinities.map(({ node, cidr }) => `${node} ${cidr}`));
  const found: Found[] = [];
  const add = (collection: Collection, key: string, grace: number) =>
    found.push({ collection, candidate: { key: `${collection.kind} ${key}`, state: '', graceMs: grace } });
  for (const { cidr, node, allocations, sequence, claimedUnixMs } of blocks) {
    const key = `${node} ${cidr}`;
    if (node !== undefined && isGone(node)) {
      if (allocations.length === 0) add({ kind: 'give-up', node, block: cidr, empty: true }, key, graceMs);
    } else if (node !== undefined && !claims.has(key)) {
      const byHand = claimedUnixMs === undefined;
      const mended: Collection = byHand
        ? { kind: 'give-up', node, block: cidr, empty: false }
        : { kind: 'confirm', node, block: cidr };
      add(mended, key, 0);
    } else if (node === undefined && allocations.length === 0 && poolOf(documents, cidr) === undefined) {
      add({ kind: 'remove-block', block: cidr, sequence }, `${cidr} ${sequence}`, graceMs);
    }
  }
  for (const affinity of documents.affinities) {
    const { node, cidr, state } = affinity;
    // A person's is his affair, as that of a living host is that host's.
    if (state === 'confirmed' || !isGone(node) || owners.get(cidr) === node) continue;
    add({ kind: 'withdraw', affinity }, `${node} ${cidr} ${state}`, graceMs);
  }
  return found;
}

/** For who looks again right before: that nothing of it is used by now. */
export function isStillLeft(
  { addresses }: Extract<Collection, { kind: 'release' }>,
  documents: IpamDocuments,
  isGone: (node: string) => boolean,
): boolean {
  return addresses.every(({ allocation }) => isLeft(useOf(allocation, documents, isGone)));
}

export function isSameAllocation(left: LeftAddress, address: IpAddress, sequence: number): boolean {
  return left.allocation.address === address && left.allocation.sequence === sequence;
}
