/**
 * Which empty blocks a host gives back (pure but for what it remembers): seen empty twice and for at least a minute, with nothing done to them
 * meanwhile. Of each family it keeps one, unless its pool does not give it addresses any more. A person's block stays.
 */
import type { AddressFamily } from '../core/ip-address.js';
import { type Prefix, prefixFamily } from '../core/prefix.js';
import type { Block } from './block.js';

export interface OwnBlock {
  readonly block: Block;
  /** Its pool gives this host addresses. */
  readonly serves: boolean;
}

const LEAST_EMPTY_MS = 60_000;

export class EmptyBlocks {
  readonly #seen = new Map<Prefix, { readonly sequence: number; readonly sinceMs: number }>();

  /**
   * @param own blocks of the host that may be empty @param all of its blocks
   * @param nowMs of a clock that is never set @returns those that may go now
   */
  observe(own: readonly OwnBlock[], all: readonly Prefix[], nowMs: number): readonly Block[] {
    const empty = own.filter(
      ({ block }) => block.allocations.length === 0 && block.claimedUnixMs !== undefined,
    );
    const known = new Map(empty.map(({ block }) => [block.cidr, block]));
    for (const cidr of this.#seen.keys()) if (!known.has(cidr)) this.#seen.delete(cidr);
    const left: Record<AddressFamily, number> = { ipv4: 0, ipv6: 0 };
    for (const cidr of all) left[prefixFamily(cidr)]++;
    // Those that serve nobody first: what is left of the others is the one to keep.
    const inOrder = empty.toSorted((a, b) => Number(a.serves) - Number(b.serves));
    return inOrder.flatMap(({ block, serves }) => {
      const family = prefixFamily(block.cidr);
      if (!this.#isRipe(block, nowMs) || (serves && left[family] <= 1)) return [];
      left[family]--;
      return [block];
    });
  }

  #isRipe({ cidr, sequence }: Block, nowMs: number): boolean {
    const before = this.#seen.get(cidr);
    if (before?.sequence !== sequence) {
      this.#seen.set(cidr, { sequence, sinceMs: nowMs });
      return false;
    }
    return nowMs - before.sinceMs >= LEAST_EMPTY_MS;
  }
}
