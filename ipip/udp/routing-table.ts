/** Destination to host by longest prefix match: a map for each length that there is, the longest first. Pure; look-up is a hot path. */
import { type Ipv4Prefix, ipv4PrefixToNumber } from '../../core/prefix.js';

export class RoutingTable<Host> {
  readonly #lengths: readonly { readonly mask: number; readonly hosts: ReadonlyMap<number, Host> }[];
  readonly size: number;

  /** Of two routes for one prefix the later one holds. */
  constructor(routes: Iterable<readonly [Ipv4Prefix, Host]>) {
    const byLength = new Map<number, Map<number, Host>>();
    for (const [prefix, host] of routes) {
      const number = ipv4PrefixToNumber(prefix);
      const length = number % 64;
      const hosts = byLength.get(length) ?? new Map<number, Host>();
      // As a signed number, which V8 keeps without a box.
      hosts.set(Math.floor(number / 64) | 0, host);
      byLength.set(length, hosts);
    }
    this.#lengths = [...byLength]
      .toSorted(([a], [b]) => b - a)
      .map(([length, hosts]) => ({ mask: length === 0 ? 0 : -1 << (32 - length), hosts }));
    this.size = this.#lengths.reduce((sum, { hosts }) => sum + hosts.size, 0);
  }

  /** @param destination signed or unsigned, in host order */
  lookup(destination: number): Host | undefined {
    for (const { mask, hosts } of this.#lengths) {
      const host = hosts.get(destination & mask);
      if (host !== undefined) return host;
    }
    return undefined;
  }
}
