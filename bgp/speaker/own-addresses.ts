/**
 * Which addresses are this host's: a route that leads to one of them leads to ourselves (RFC 4271 section 5.1.3). What the kernel knows is
 * told; without anybody to tell it (as a library, or as a speaker alone) our ends of the sessions are known all the same. Pure.
 */
import type { IpAddress } from '../../core/ip-address.js';

export class OwnAddresses {
  #told: readonly IpAddress[] = [];
  /** By peer; kept over a restart of the session, for the routes that are kept as well. */
  readonly #ofSessions = new Map<string, IpAddress>();
  /** How many of them have an address: a thousand sessions mostly have one end in common. */
  readonly #uses = new Map<IpAddress, number>();

  tell(addresses: readonly IpAddress[]): void {
    this.#told = addresses;
  }

  /** Our end of a session. False if no address is new or gone. */
  ofSession(peer: string, address: IpAddress): boolean {
    const before = this.#ofSessions.get(peer);
    if (before === address) return false;
    this.#ofSessions.set(peer, address);
    const added = this.#use(address, 1) === 1;
    return (before !== undefined && this.#use(before, -1) === 0) || added;
  }

  /** False if no address is gone. */
  forget(peer: string): boolean {
    const address = this.#ofSessions.get(peer);
    this.#ofSessions.delete(peer);
    return address !== undefined && this.#use(address, -1) === 0;
  }

  get all(): readonly IpAddress[] {
    return [...new Set([...this.#told, ...this.#uses.keys()])];
  }

  #use(address: IpAddress, change: number): number {
    const uses = (this.#uses.get(address) ?? 0) + change;
    if (uses === 0) this.#uses.delete(address);
    else this.#uses.set(address, uses);
    return uses;
  }
}
