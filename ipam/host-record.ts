/**
 * What a host knows of its own claims without the store (pure): blocks it claimed, addresses that were given out through it, and claims
 * that it lost to another. A store that has gone back to an earlier state is reminded from it.
 *
 * It changes by entries, which a file keeps in their order; to apply one again changes nothing.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';
import type { Block } from './block.js';

export type KeptClaim = Pick<Block, 'cidr' | 'claimedUnixMs' | 'claim' | 'claimAfter'>;

export interface KeptAllocation extends IPAMAllocation {
  readonly block: Prefix;
}

/** Another had it when the store was there again, and for longer. */
export interface LostClaim {
  /** An address, or a block. */
  readonly what: string;
  /** The handle of the address; undefined: it is a block. */
  readonly handle?: string;
  /** The host that has it. */
  readonly to: string;
  readonly lostUnixMs: number;
}

export type RecordEntry =
  | { readonly kind: 'claimed'; readonly claim: KeptClaim }
  | { readonly kind: 'gave-up'; readonly cidr: Prefix }
  | { readonly kind: 'allocated'; readonly allocation: KeptAllocation }
  | { readonly kind: 'released'; readonly address: IpAddress }
  | { readonly kind: 'lost'; readonly lost: LostClaim }
  | { readonly kind: 'settled'; readonly what: string };

export class HostRecord {
  readonly claims = new Map<Prefix, KeptClaim>();
  readonly allocations = new Map<IpAddress, KeptAllocation>();
  readonly lost = new Map<string, LostClaim>();

  apply(entry: RecordEntry): void {
    switch (entry.kind) {
      case 'claimed':
        this.claims.set(entry.claim.cidr, entry.claim);
        this.lost.delete(entry.claim.cidr);
        return;
      case 'gave-up':
        this.claims.delete(entry.cidr);
        return;
      case 'allocated':
        this.allocations.set(entry.allocation.address, entry.allocation);
        this.lost.delete(entry.allocation.address);
        return;
      case 'released':
        this.allocations.delete(entry.address);
        return;
      case 'lost':
        this.lost.set(entry.lost.what, entry.lost);
        return;
      case 'settled':
        this.lost.delete(entry.what);
        return;
    }
  }

  /** The shortest way to it from nothing. */
  entries(): readonly RecordEntry[] {
    return [
      ...[...this.claims.values()].map(claim => ({ kind: 'claimed', claim }) as const),
      ...[...this.allocations.values()].map(allocation => ({ kind: 'allocated', allocation }) as const),
      ...[...this.lost.values()].map(lost => ({ kind: 'lost', lost }) as const),
    ];
  }

  /** Blocks that it says anything of. */
  get blocks(): ReadonlySet<Prefix> {
    return new Set([...this.claims.keys(), ...[...this.allocations.values()].map(({ block }) => block)]);
  }
}

/** The record with what keeps it over restarts. */
export interface DurableRecord {
  readonly record: HostRecord;
  /** Resolves when it would outlive a loss of power. @throws the system's error: then nothing has changed */
  keep(entries: readonly RecordEntry[]): Promise<void>;
}

/** One that ends with its process. */
export function passingRecord(): DurableRecord {
  const record = new HostRecord();
  return {
    record,
    keep: async entries => {
      for (const entry of entries) record.apply(entry);
    },
  };
}

export function claimOf({ cidr, claimedUnixMs, claim, claimAfter }: Block): KeptClaim {
  return { cidr, ...(claimedUnixMs === undefined ? {} : { claimedUnixMs }), claim, claimAfter };
}
