/** Ranges of dynamic peers: who belongs to which, and what a peer of one is (pure). */
import type { Asn } from '../../core/asn.js';
import type { IpAddress } from '../../core/ip-address.js';
import { prefixContainsAddress, prefixLength } from '../../core/prefix.js';
import type { PeerConfig, PeerRangeConfig } from './contract.js';

export class PeerRanges {
  /** Longest prefix first. */
  #ranges: readonly PeerRangeConfig[] = [];

  get size(): number {
    return this.#ranges.length;
  }

  set(range: PeerRangeConfig): void {
    const others = this.#ranges.filter(({ key }) => key !== range.key);
    this.#ranges = [...others, range].sort((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix));
  }

  delete(key: string): void {
    this.#ranges = this.#ranges.filter(range => range.key !== key);
  }

  /** The longest one that holds the address. */
  of(address: IpAddress): PeerRangeConfig | undefined {
    return this.#ranges.find(({ prefix }) => prefixContainsAddress(prefix, address));
  }
}

/** Whether a peer of the range may have this AS number. @param ownAsn the speaker's */
export function admits({ asns, template }: PeerRangeConfig, asn: number, ownAsn: Asn): boolean {
  if (asn === 0) return false;
  if (asns === 'any') return true;
  if (asns === 'internal') return asn === (template.localAsn ?? ownAsn);
  return asns.some(({ first, last }) => first <= asn && asn <= last);
}

/** For people: "64512", "65000 to 65100, 65200". */
export function describeAsns({ asns, template }: PeerRangeConfig, ownAsn: Asn): string {
  if (asns === 'any') return 'any but 0';
  if (asns === 'internal') return `${template.localAsn ?? ownAsn}`;
  return asns.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ');
}

export function dynamicPeer(range: PeerRangeConfig, address: IpAddress, asn: Asn): PeerConfig {
  return { ...range.template, key: dynamicKey(address), address, asn, passive: true };
}

/** `Dynamic_10_1_2_3`, `Dynamic_fd00__1`. */
export function dynamicKey(address: IpAddress): string {
  return `Dynamic_${address.replace(/[.:%]/g, '_')}`;
}
