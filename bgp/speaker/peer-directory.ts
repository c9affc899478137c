/**
 * The peers by key, in the order in which they came, and by address: a reflector whose thousand clients all dial at once must
 * not look through all of them for each connection. Pure.
 */
import type { IpAddress } from '../../core/ip-address.js';

interface Entry {
  readonly config: { readonly key: string; readonly address: IpAddress };
}

export class PeerDirectory<P extends Entry> {
  readonly #byKey = new Map<string, P>();
  /** Made when it is first asked for, and again after what may have changed an address. */
  #byAddress: Map<IpAddress, P[]> | undefined;

  get(key: string): P | undefined {
    return this.#byKey.get(key);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  values(): Iterable<P> {
    return this.#byKey.values();
  }

  add(peer: P): void {
    this.#byKey.set(peer.config.key, peer);
    if (this.#byAddress !== undefined) enter(this.#byAddress, peer);
  }

  delete(key: string): void {
    const peer = this.#byKey.get(key);
    if (peer === undefined) return;
    this.#byKey.delete(key);
    const { address } = peer.config;
    const others = this.#byAddress?.get(address)?.filter(one => one !== peer) ?? [];
    if (others.length > 0) this.#byAddress?.set(address, others);
    else this.#byAddress?.delete(address);
  }

  /** The address of some peer may be another one now. */
  readdressed(): void {
    this.#byAddress = undefined;
  }

  /** Those with this address, the oldest first. */
  at(address: IpAddress): readonly P[] {
    if (this.#byAddress === undefined) {
      this.#byAddress = new Map();
      for (const peer of this.#byKey.values()) enter(this.#byAddress, peer);
    }
    return this.#byAddress.get(address) ?? [];
  }
}

function enter<P extends Entry>(into: Map<IpAddress, P[]>, peer: P): void {
  const there = into.get(peer.config.address);
  if (there === undefined) into.set(peer.config.address, [peer]);
  else there.push(peer);
}
