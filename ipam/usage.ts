/** How much of the pools and blocks is in use (pure): `bgpctl ipam show`. Counts of large IPv6 pools are as exact as a `number` is. */
import { compareAddresses, type IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixesOverlap } from '../core/prefix.js';
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';
import {
  type AddressRange,
  addressCount,
  addressNumber,
  intersection,
  joined,
  rangeOf,
} from './address-numbers.js';
import { allocationOf, type Block } from './block.js';
import type { IpamDocuments } from './documents.js';
import { poolOf } from './pools.js';

export interface Usage {
  readonly total: number;
  readonly inUse: number;
  /** By IPReservations, without those that are in use. */
  readonly reserved: number;
  readonly free: number;
}

export interface BlockUsage extends Usage {
  readonly cidr: Prefix;
  /** Null: nobody's. */
  readonly node: string | null;
  /** A person gave it to the node. */
  readonly byHand: boolean;
  /** In use by other hosts than the block's. */
  readonly borrowed: number;
}

export interface PoolUsage extends Usage {
  /** Null: blocks that are in no pool. */
  readonly pool: string | null;
  readonly cidr: Prefix | null;
  /** It gives no more addresses. */
  readonly disabled: boolean;
  readonly blocks: readonly BlockUsage[];
}

export interface AddressView {
  readonly address: IpAddress;
  readonly state: 'in-use' | 'used-without-allocation' | 'reserved' | 'free' | 'outside-pools';
  readonly pool: string | null;
  readonly block: Prefix | null;
  /** Of the block. */
  readonly owner: string | null;
  readonly allocation: IPAMAllocation | null;
  /** `Kind/name` of documents that have it. */
  readonly users: readonly string[];
  /** When it was released last. */
  readonly releasedUnixMs: number | null;
}

export function poolUsages(documents: IpamDocuments, blocks: readonly Block[]): readonly PoolUsage[] {
  const byPool = new Map<string | undefined, Block[]>();
  for (const block of blocks) {
    const pool = poolOf(documents, block.cidr)?.metadata.name;
    byPool.set(pool, [...(byPool.get(pool) ?? []), block]);
  }
  const pools = documents.pools.map(({ metadata, spec }): PoolUsage => {
    const mine = byPool.get(metadata.name) ?? [];
    const usage = usageOf(
      spec.cidr,
      mine.flatMap(({ allocations }) => allocations),
      documents.reservations,
    );
    return {
      pool: metadata.name,
      cidr: spec.cidr,
      disabled: spec.disabled,
      ...usage,
      blocks: blockUsages(documents, mine),
    };
  });
  const rest = (byPool.get(undefined) ?? []).filter(
    ({ node, allocations }) => node !== undefined || allocations.length > 0,
  );
  if (rest.length === 0) return pools;
  const usages = blockUsages(documents, rest);
  return [...pools, { pool: null, cidr: null, disabled: false, ...summed(usages), blocks: usages }];
}

/** All that are given out, in their order. */
export function givenAddresses(documents: IpamDocuments, blocks: readonly Block[]): readonly AddressView[] {
  return blocks
    .flatMap(block => {
      const pool = poolOf(documents, block.cidr)?.metadata.name ?? null;
      return block.allocations.map(
        (allocation): AddressView => ({
          address: allocation.address,
          state: 'in-use',
          pool,
          block: block.cidr,
          owner: block.node ?? null,
          allocation,
          users: documents.usersOf(allocation.address),
          releasedUnixMs: null,
        }),
      );
    })
    .sort((a, b) => compareAddresses(a.address, b.address));
}

export function addressView(
  documents: IpamDocuments,
  blocks: readonly Block[],
  address: IpAddress,
): AddressView {
  const around = blocks.filter(({ cidr }) => prefixContainsAddress(cidr, address));
  const block = around.find(each => allocationOf(each, address) !== undefined) ?? around[0];
  const allocation = block === undefined ? undefined : allocationOf(block, address);
  const pool = documents.pools.find(({ spec }) => prefixContainsAddress(spec.cidr, address));
  const users = documents.usersOf(address);
  const reserved = documents.reservations.some(cidr => prefixContainsAddress(cidr, address));
  const unallocated = users.length > 0 ? 'used-without-allocation' : reserved ? 'reserved' : 'free';
  const outside = pool === undefined && block === undefined && users.length === 0;
  return {
    address,
    state: allocation !== undefined ? 'in-use' : outside ? 'outside-pools' : unallocated,
    pool: pool?.metadata.name ?? null,
    block: block?.cidr ?? null,
    owner: block?.node ?? null,
    allocation: allocation ?? null,
    users,
    releasedUnixMs: block?.released.find(entry => entry.address === address)?.releasedUnixMs ?? null,
  };
}

function blockUsages(documents: IpamDocuments, blocks: readonly Block[]): readonly BlockUsage[] {
  return blocks
    .toSorted((a, b) => (rangeOf(a.cidr).first < rangeOf(b.cidr).first ? -1 : 1))
    .map(({ cidr, node, claimedUnixMs, allocations }) => ({
      cidr,
      node: node ?? null,
      byHand: node !== undefined && claimedUnixMs === undefined,
      ...usageOf(cidr, allocations, documents.reservations),
      borrowed: allocations.filter(allocation => allocation.node !== node).length,
    }));
}

function usageOf(
  cidr: Prefix,
  allocations: readonly IPAMAllocation[],
  reservations: readonly Prefix[],
): Usage {
  const whole = rangeOf(cidr);
  const used = joined(allocations.map(({ address }) => single(address)));
  const reserved = reservations.filter(each => prefixesOverlap(each, cidr)).map(rangeOf);
  const inUse = sizeWithin(whole, used);
  const kept = sizeWithin(whole, joined([...used, ...reserved])) - inUse;
  const total = addressCount(cidr);
  return {
    total: Number(total),
    inUse: Number(inUse),
    reserved: Number(kept),
    free: Number(total - inUse - kept),
  };
}

function sizeWithin(whole: AddressRange, ranges: readonly AddressRange[]): bigint {
  return ranges.reduce((sum, range) => {
    const part = intersection(whole, range);
    return part === undefined ? sum : sum + part.last - part.first + 1n;
  }, 0n);
}

function summed(usages: readonly Usage[]): Usage {
  const sum = (key: keyof Usage) => usages.reduce((all, usage) => all + usage[key], 0);
  return { total: sum('total'), inUse: sum('inUse'), reserved: sum('reserved'), free: sum('free') };
}

function single(address: IpAddress): AddressRange {
  const value = addressNumber(address);
  return { first: value, last: value };
}
