/** Batches of best routes as a user of `margay/bgp` sees them: iterable, or as columns where speed counts. */
import type { IpAddress } from '../../core/ip-address.js';
import { addressFromBytes } from '../../core/ip-address.js';
import { ipv4PrefixFromNumber, type Prefix, prefixOf } from '../../core/prefix.js';
import { type BestRouteBatch, NO_ROUTE } from '../speaker/contract.js';

export interface BestRoute {
  readonly prefix: Prefix;
  /** Empty: there is no route to the prefix any more. */
  readonly nextHops: readonly IpAddress[];
  /** Whose it is; undefined where there is none. */
  readonly origin: 'own' | 'ibgp' | 'ebgp' | undefined;
  /** Kept over a restart of its peer (RFC 4724). */
  readonly stale: boolean;
}

/** What changed since the batch before; each prefix stands at most once. The first ones are the whole table. */
export class BestRoutes implements Iterable<BestRoute> {
  readonly columns: BestRouteBatch;

  constructor(columns: BestRouteBatch) {
    this.columns = columns;
  }

  get count(): number {
    return this.columns.count;
  }

  /** The table as it was when iteration began has been told in full. */
  get endOfTable(): boolean {
    return this.columns.endOfTable;
  }

  *[Symbol.iterator](): Iterator<BestRoute> {
    const { count, nextHopSet, nextHopSets } = this.columns;
    for (let i = 0; i < count; i++) {
      const prefix = batchPrefix(this.columns, i);
      const set = nextHopSet[i] === NO_ROUTE ? undefined : nextHopSets[nextHopSet[i]!];
      yield {
        prefix,
        nextHops: set?.nextHops ?? [],
        origin: set?.origin,
        stale: set?.stale ?? false,
      };
    }
  }
}

/** The prefix of row `i`. */
export function batchPrefix(batch: BestRouteBatch, i: number): Prefix {
  const length = batch.lengths[i]!;
  if (batch.family === 'ipv4-unicast') return ipv4PrefixFromNumber(batch.addresses[i]!, length);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word++) view.setInt32(4 * word, batch.addresses[4 * i + word]!);
  return prefixOf(addressFromBytes('ipv6', bytes), length);
}
