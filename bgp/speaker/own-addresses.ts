/**
 * Which addresses are this host's: a route that leads to one of them leads to ourselves (RFC 4271 section 5.1.3). What the kernel knows is
 * told; without anybody to tell it (as a library, or as a speaker alone) our ends of the sessions are known all the same. Pure.
 */
import type { IpAddress } from '../../core/ip-address.js';

export class OwnAddresses {
  #told: readonly IpAddress[] = [];
  /** By peer; kept over a restart of the session, for the routes that are kept as well. */
  readonly #ofSessions = new Map<string, IpAddress>();

  tell(addresses: readonly IpAddress[]): void {
    this.#told = addresses;
  }

  /** Our end of a session. False if nothing is new. */
  ofSession(peer: string, address: IpAddress): boolean {
    if (this.#ofSessions.get(peer) === address) return false;
    this.#ofSessions.set(peer, address);
    return true;
  }

  /** False if nothing was known of the peer. */
  forget(peer: string): boolean {
    return this.#ofSessions.delete(peer);
  }

  get all(): readonly IpAddress[] {
    return [...new Set([...this.#told, ...this.#ofSessions.values()])];
  }
}
