/**
 * Who of an update group is not told of a route: the peer it came from (RFC 4271 section 9.2: split horizon), and a peer that
 * would be given its own address as next hop (section 5.1.3). A number stands for it where columns are sorted and counted by it; it is
 * given out again once no exported block has it, because next hops come and go without end. Segments of packed UPDATEs live longer, and
 * hold the audience itself.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { OWN_SOURCE } from './sources.js';

export interface Audience {
  readonly number: number;
  readonly source: number;
  readonly address: IpAddress | undefined;
}

/** Everyone is told. */
export const EVERYONE = 0;
const everyone: Audience = { number: EVERYONE, source: OWN_SOURCE, address: undefined };

interface Counted {
  readonly audience: Audience;
  readonly key: string;
  /** Exported blocks that have it. */
  references: number;
}

export class Audiences {
  readonly #numbers = new Map<string, number>();
  readonly #byNumber: (Counted | undefined)[] = [{ audience: everyone, key: '', references: 1 }];
  readonly #freeNumbers: number[] = [];

  /** How many there are, with everyone. */
  get size(): number {
    return this.#numbers.size + 1;
  }

  at(number: number): Audience {
    return this.#byNumber[number]!.audience;
  }

  of(source: number, address: IpAddress | undefined): number {
    if (source === OWN_SOURCE && address === undefined) return EVERYONE;
    const key = `${source} ${address}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#freeNumbers.pop() ?? this.#byNumber.length;
    this.#byNumber[number] = { audience: { number, source, address }, key, references: 0 };
    this.#numbers.set(key, number);
    return number;
  }

  /** A block has it. */
  acquire(number: number): void {
    this.#byNumber[number]!.references++;
  }

  /** A block that had it is no more. */
  release(number: number): void {
    const counted = this.#byNumber[number]!;
    if (--counted.references > 0 || number === EVERYONE) return;
    this.#byNumber[number] = undefined;
    this.#numbers.delete(counted.key);
    this.#freeNumbers.push(number);
  }

  excludes(number: number, source: number, address: IpAddress): boolean {
    return number !== EVERYONE && leavesOut(this.at(number), source, address);
  }
}

export function leavesOut(audience: Audience, source: number, address: IpAddress): boolean {
  return audience.number !== EVERYONE && (audience.source === source || audience.address === address);
}
