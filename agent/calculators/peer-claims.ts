/**
 * Who claims an address: every document's and the arrangement's candidates, by the document that they come from and by the address that they
 * lead to, and which addresses are to be looked at again (pure).
 */
import { type AddressFamily, addressFamily, type IpAddress } from '../../core/ip-address.js';
import type { Candidate } from './peer-config.js';

export const addressFamilies: readonly AddressFamily[] = ['ipv4', 'ipv6'];

export class PeerClaims {
  /** By source (whatever the owner calls it) and {@link slotOf} the remote node ('' for a plain address). */
  readonly #bySource = new Map<string, Map<string, Candidate>>();
  readonly #byAddress = new Map<IpAddress, Map<string, Candidate>>();
  readonly #dirty = new Set<IpAddress>();

  get sources(): Iterable<string> {
    return this.#bySource.keys();
  }

  ofSource(source: string): readonly Candidate[] {
    return [...(this.#bySource.get(source)?.values() ?? [])];
  }

  at(address: IpAddress): readonly Candidate[] {
    return [...(this.#byAddress.get(address)?.values() ?? [])];
  }

  get addresses(): Iterable<IpAddress> {
    return this.#byAddress.keys();
  }

  /** Every node that a candidate leads to. */
  *nodes(): Generator<string> {
    for (const candidates of this.#bySource.values()) {
      for (const slot of candidates.keys()) if (slot !== '') yield nodeOfSlot(slot);
    }
  }

  touch(address: IpAddress): void {
    this.#dirty.add(address);
  }

  /** Addresses whose claims have changed since the last call. */
  takeDirty(): readonly IpAddress[] {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    return dirty;
  }

  /** Those of a source that lead to a node: one of a family at most. */
  replaceNode(source: string, name: string, candidates: readonly Candidate[]): void {
    for (const family of addressFamilies) {
      const slot = `${family} ${name}`;
      this.#replaceOne(
        source,
        slot,
        candidates.find(candidate => slotOf(candidate, name) === slot),
      );
    }
  }

  /** All of a source. */
  replaceSource(source: string, wanted: ReadonlyMap<string, Candidate>): void {
    const current = this.#bySource.get(source);
    for (const slot of [...(current?.keys() ?? [])]) {
      if (!wanted.has(slot)) this.#replaceOne(source, slot, undefined);
    }
    for (const [slot, candidate] of wanted) this.#replaceOne(source, slot, candidate);
  }

  #replaceOne(source: string, slot: string, candidate: Candidate | undefined): void {
    const ofSource = this.#bySource.get(source) ?? new Map<string, Candidate>();
    const id = `${source}\n${slot}`;
    const before = ofSource.get(slot);
    if (before !== undefined) {
      const claims = this.#byAddress.get(before.address);
      claims?.delete(id);
      if (claims?.size === 0) this.#byAddress.delete(before.address);
      this.#dirty.add(before.address);
      ofSource.delete(slot);
    }
    if (candidate !== undefined) {
      ofSource.set(slot, candidate);
      const claims = this.#byAddress.get(candidate.address) ?? new Map<string, Candidate>();
      this.#byAddress.set(candidate.address, claims.set(id, candidate));
      this.#dirty.add(candidate.address);
    }
    if (ofSource.size === 0) this.#bySource.delete(source);
    else this.#bySource.set(source, ofSource);
  }
}

export function slotOf({ address }: Candidate, nodeName: string): string {
  return `${addressFamily(address)} ${nodeName}`;
}

function nodeOfSlot(slot: string): string {
  return slot.slice(slot.indexOf(' ') + 1);
}
