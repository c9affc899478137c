/**
 * What can be done to a block's record (pure): each is a new record that a compare-and-swap puts in the place of the old one.
 *
 * `sequence` grows with every write and is never less than the time of it. So no two writes have the same one, also when a store goes back
 * to an earlier state and others go on from there, and of two the later one has the greater.
 */
import { compareAddresses, type IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { IPAMAllocation, IPAMBlockResource } from '../core/resources/cluster-documents.js';
import { MARGAY_API } from '../core/resources/resource.js';
import { MOST_RELEASED } from './free-addresses.js';
import { blockName } from './names.js';

export type Block = IPAMBlockResource['spec'];

/** Of an allocation, what does not depend on the block. */
export interface Holder {
  readonly handle: string;
  readonly node: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export function blockResource(spec: Block): IPAMBlockResource {
  const metadata = { name: blockName(spec.cidr), labels: {}, annotations: {} };
  return { apiVersion: MARGAY_API, kind: 'IPAMBlock', metadata, spec };
}

/** Nobody's, and never anybody's. */
export function newBlock(cidr: Prefix): Block {
  return { cidr, claim: 0, claimAfter: 0, sequence: 0, allocations: [], released: [] };
}

/** @param byHand a person says whose block it is: it is not given back by itself, and older than every claim */
export function claimed(block: Block, node: string, nowUnixMs: number, byHand = false): Block {
  const { claimedUnixMs: _, ...rest } = block;
  const sequence = nextSequence(block, nowUnixMs);
  const time = byHand ? {} : { claimedUnixMs: nowUnixMs };
  return { ...rest, node, ...time, claim: sequence, claimAfter: block.claim, sequence };
}

/** It is nobody's from now on; what is in use in it stays so. */
export function givenUp(block: Block, nowUnixMs: number): Block {
  const { node: _, claimedUnixMs: __, ...rest } = block;
  return { ...rest, sequence: nextSequence(block, nowUnixMs) };
}

/** The same, with a sequence that shows that it was written again. */
export function touched(block: Block, nowUnixMs: number): Block {
  return { ...block, sequence: nextSequence(block, nowUnixMs) };
}

/** @param addresses free ones of the block */
export function withAllocations(
  block: Block,
  addresses: readonly IpAddress[],
  { handle, node, attributes }: Holder,
  nowUnixMs: number,
): Block {
  let { sequence } = block;
  const released = new Map(block.released.map(entry => [entry.address, entry]));
  const added = addresses.map((address): IPAMAllocation => {
    sequence = nextSequence({ sequence }, nowUnixMs);
    const after = released.get(address)?.sequence ?? 0;
    released.delete(address);
    return { address, handle, node, sequence, after, allocatedUnixMs: nowUnixMs, attributes };
  });
  const allocations = inOrder([...block.allocations, ...added]);
  return { ...block, sequence, allocations, released: [...released.values()] };
}

/** Which of a block's allocations; of the others nothing changes. */
export function withReleased(
  block: Block,
  isReleased: (allocation: IPAMAllocation) => boolean,
  nowUnixMs: number,
): Block {
  const gone = block.allocations.filter(isReleased);
  const added = gone.map(({ address, sequence }) => ({ address, sequence, releasedUnixMs: nowUnixMs }));
  return {
    ...block,
    sequence: nextSequence(block, nowUnixMs),
    allocations: block.allocations.filter(allocation => !gone.includes(allocation)),
    released: [...block.released, ...added].slice(-MOST_RELEASED),
  };
}

/** An allocation as it was, in place of whatever the block says of its address. */
export function withRestored(block: Block, allocations: readonly IPAMAllocation[], nowUnixMs: number): Block {
  const addresses = new Set(allocations.map(({ address }) => address));
  const others = <T extends { readonly address: IpAddress }>(list: readonly T[]) =>
    list.filter(({ address }) => !addresses.has(address));
  return {
    ...block,
    sequence: nextSequence(block, Math.max(nowUnixMs, ...allocations.map(({ sequence }) => sequence))),
    allocations: inOrder([...others(block.allocations), ...allocations]),
    released: others(block.released),
  };
}

export function allocationOf(block: Block, address: IpAddress): IPAMAllocation | undefined {
  return block.allocations.find(allocation => allocation.address === address);
}

function nextSequence({ sequence }: Pick<Block, 'sequence'>, nowUnixMs: number): number {
  return Math.max(sequence + 1, Math.floor(nowUnixMs));
}

function inOrder(allocations: readonly IPAMAllocation[]): readonly IPAMAllocation[] {
  return allocations.toSorted((a, b) => compareAddresses(a.address, b.address));
}
