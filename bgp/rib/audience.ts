/**
 * Who of an update group is not told of a route: the peer it came from (RFC 4271 section 9.2: split horizon), and a peer that
 * would be given its own address as next hop (section 5.1.3). As a number, so that segments of packed UPDATEs carry it.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { OWN_SOURCE } from './sources.js';

/** Everyone is told. */
export const EVERYONE = 0;

export class Audiences {
  readonly #numbers = new Map<string, number>();
  readonly #sources: number[] = [OWN_SOURCE];
  readonly #addresses: (IpAddress | undefined)[] = [undefined];

  of(source: number, thirdParty: IpAddress | undefined): number {
    if (source === OWN_SOURCE && thirdParty === undefined) return EVERYONE;
    const key = `${source} ${thirdParty}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#sources.length;
      this.#sources.push(source);
      this.#addresses.push(thirdParty);
      this.#numbers.set(key, number);
    }
    return number;
  }

  excludes(audience: number, source: number, address: IpAddress): boolean {
    return (
      audience !== EVERYONE && (this.#sources[audience] === source || this.#addresses[audience] === address)
    );
  }
}
