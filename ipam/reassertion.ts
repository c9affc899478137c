/**
 * A host's record held against what the store says of one block (pure): what the store has forgotten is written back, what others decided
 * meanwhile is taken over, and of two claims on the same thing the older stays (`precedence.ts`).
 */
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';
import { allocationOf, type Block, newBlock, withRestored } from './block.js';
import type { HostRecord, KeptAllocation, KeptClaim, LostClaim, RecordEntry } from './host-record.js';
import { type Claim, isOurs, precedence } from './precedence.js';

export interface Reassertion {
  /** The block as it is to be written; undefined: the store's is right. */
  readonly block: Block | undefined;
  /** What the host's record is to learn, after the block is written. */
  readonly entries: readonly RecordEntry[];
  /** Handles of addresses that are written back: their records are, too. */
  readonly handles: readonly string[];
  /** The block is this host's: its affinity is to be confirmed, that of `displaced` goes. */
  readonly owned: boolean;
  readonly displaced: string | undefined;
}

/** @param found as the store has it */
export function reassert(
  record: HostRecord,
  host: string,
  cidr: Block['cidr'],
  found: Block | undefined,
  nowUnixMs: number,
): Reassertion {
  const kept = [...record.allocations.values()].filter(({ block }) => block === cidr);
  const claim = record.claims.get(cidr);
  const ownership = whoOwns(claim, kept.length > 0, host, found, nowUnixMs);
  const addresses = kept.map(allocation => whoHas(allocation, found, nowUnixMs));
  const restored = addresses.flatMap(({ restore }) => restore ?? []);
  const base = ownership.block ?? found ?? newBlock(cidr);
  const block = restored.length > 0 ? withRestored(base, restored, nowUnixMs) : ownership.block;
  return {
    block,
    entries: [...ownership.entries, ...addresses.flatMap(({ entries }) => entries)],
    handles: [...new Set(restored.map(({ handle }) => handle))],
    owned: (block ?? found)?.node === host,
    displaced: ownership.displaced,
  };
}

interface Ownership {
  readonly block?: Block;
  readonly entries: readonly RecordEntry[];
  readonly displaced?: string | undefined;
}

function whoOwns(
  claim: KeptClaim | undefined,
  inUse: boolean,
  host: string,
  found: Block | undefined,
  nowUnixMs: number,
): Ownership {
  if (claim === undefined) return { entries: [] };
  const { cidr } = claim;
  if (found?.node === host) return { entries: [] };
  const gaveUp: Ownership = { entries: [{ kind: 'gave-up', cidr }] };
  if (found?.node === undefined) {
    // Given back in its name, or forgotten with nothing in it.
    if (!inUse || (found !== undefined && found.claim >= claim.claim)) return gaveUp;
    return { block: asOurs(claim, host, found ?? newBlock(cidr), nowUnixMs), entries: [] };
  }
  const outcome = precedence(claimOf(claim, host), claimOf(found, found.node));
  if (isOurs(outcome) && inUse)
    return { block: asOurs(claim, host, found, nowUnixMs), entries: [], displaced: found.node };
  // An empty block is not worth a quarrel.
  if (!inUse || outcome === 'theirs-follows') return gaveUp;
  const lost: LostClaim = { what: cidr, to: found.node, lostUnixMs: nowUnixMs };
  return { entries: [...gaveUp.entries, { kind: 'lost', lost }] };
}

/** The claim as it was, on the block as it is. */
function asOurs(claim: KeptClaim, node: string, found: Block, nowUnixMs: number): Block {
  const { claimedUnixMs: _, ...rest } = found;
  const sequence = Math.max(found.sequence + 1, claim.claim + 1, Math.floor(nowUnixMs));
  return { ...rest, ...claim, node, sequence };
}

interface Having {
  readonly restore?: IPAMAllocation;
  readonly entries: readonly RecordEntry[];
}

function whoHas({ block: _, ...ours }: KeptAllocation, found: Block | undefined, nowUnixMs: number): Having {
  const { address } = ours;
  const theirs = found === undefined ? undefined : allocationOf(found, address);
  if (theirs === undefined) {
    const last = found?.released.find(entry => entry.address === address);
    // To write back what was released is safe, as nobody has it: to give up what was forgotten is not.
    if (last?.sequence === ours.sequence) return { entries: [{ kind: 'released', address }] };
    return { restore: ours, entries: [] };
  }
  const outcome = precedence(claimOfAllocation(ours), claimOfAllocation(theirs));
  if (outcome === 'same') return { entries: [] };
  if (isOurs(outcome)) return { restore: ours, entries: [] };
  const released: RecordEntry = { kind: 'released', address };
  if (outcome === 'theirs-follows') return { entries: [released] };
  const lost: LostClaim = { what: address, handle: ours.handle, to: theirs.node, lostUnixMs: nowUnixMs };
  return { entries: [released, { kind: 'lost', lost }] };
}

/** A block that a person gave to a host is older than every claim. */
function claimOf({ claim, claimAfter, claimedUnixMs = 0 }: KeptClaim, name: string): Claim {
  return { sequence: claim, after: claimAfter, unixMs: claimedUnixMs, name };
}

function claimOfAllocation({ sequence, after, allocatedUnixMs, handle }: IPAMAllocation): Claim {
  return { sequence, after, unixMs: allocatedUnixMs, name: handle };
}
