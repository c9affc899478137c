/**
 * SHELL: what the listening sockets ask of connections by their source: signatures (RFC 2385) and TTLs (RFC 5082). Both are the kernel's
 * to check, so that nothing reaches us that does not show them, not even with the end of a handshake.
 */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import { hostPrefix, type Prefix, prefixContainsAddress, prefixFamily } from '../../core/prefix.js';
import type { SocketOptions } from './net-transport.js';
import type { Guard, TransportError } from './transport.js';
import { transportError } from './transport-words.js';

type Failed = (error: TransportError) => void;

export class ListenerGuards {
  readonly #options: SocketOptions;
  readonly #guards = new Map<Prefix, Guard & { readonly failed: Failed }>();
  /** Descriptors and the addresses they are bound to. */
  readonly #listeners = new Map<number, IpAddress>();
  /** Connections from there may have been made before they were asked for anything. */
  readonly #fresh = new Set<Prefix>();
  /** How many guards ask for a TTL. */
  #looksAtTtls = 0;
  #renewal: NodeJS.Immediate | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  set(prefix: Prefix, guard: Guard | undefined, failed: Failed): void {
    const before = this.#guards.get(prefix);
    if (guard === undefined) this.#guards.delete(prefix);
    else this.#guards.set(prefix, { ...guard, failed });
    if (before?.password !== guard?.password) {
      if (before?.password === undefined) this.#fresh.add(prefix);
      this.#sign(prefix, guard?.password, failed);
    }
    const looked = this.#looksAtTtls;
    this.#looksAtTtls += Number(guard?.minimumTtl !== undefined) - Number(before?.minimumTtl !== undefined);
    if (guard?.minimumTtl !== undefined && guard.minimumTtl !== before?.minimumTtl) this.#fresh.add(prefix);
    // A whole program takes the place of the one before: once for all that comes in this turn. A prefix of which no TTL is asked may
    // lie in one of which it is.
    if (this.#fresh.size > 0 || looked > 0) this.#renewSoon();
  }

  /** A new listener, before anybody can connect to it. @throws what the operating system says */
  prepare(descriptor: number, address: IpAddress): void {
    const family = addressFamily(address);
    for (const [prefix, { password }] of this.#guards) {
      if (password !== undefined && prefixFamily(prefix) === family)
        this.#options.setPassword(descriptor, prefix, password);
    }
    this.#setRules(descriptor, address);
  }

  /** It listens, and hears of changes from now on. */
  opened(descriptor: number, address: IpAddress): void {
    this.#listeners.set(descriptor, address);
  }

  closed(descriptor: number): void {
    this.#listeners.delete(descriptor);
  }

  /** A connection that may be older than what it should have shown: its end dials again. */
  mayBeOlder(remoteAddress: IpAddress): boolean {
    if (this.#fresh.size === 0) return false;
    if (this.#fresh.has(hostPrefix(remoteAddress))) return true;
    for (const prefix of this.#fresh) if (prefixContainsAddress(prefix, remoteAddress)) return true;
    return false;
  }

  #sign(prefix: Prefix, password: string | undefined, failed: Failed): void {
    for (const [descriptor, address] of this.#listeners) {
      if (addressFamily(address) !== prefixFamily(prefix)) continue;
      try {
        this.#options.setPassword(descriptor, prefix, password);
      } catch (error) {
        failed(transportError(error));
        return;
      }
    }
  }

  #renewSoon(): void {
    this.#renewal ??= setImmediate(() => {
      const renewed = new Set(this.#fresh);
      this.#renewal = undefined;
      for (const [descriptor, address] of this.#listeners) {
        try {
          this.#setRules(descriptor, address);
        } catch (error) {
          const failure = transportError(error);
          for (const prefix of renewed) this.#guards.get(prefix)?.failed(failure);
        }
      }
      // Between two of these every listener has handed over all that it had.
      setImmediate(() => {
        if (this.#renewal === undefined) this.#fresh.clear();
      });
    });
  }

  #setRules(descriptor: number, address: IpAddress): void {
    const rules =
      this.#looksAtTtls === 0
        ? []
        : [...this.#guards]
            .filter(([prefix]) => prefixFamily(prefix) === addressFamily(address))
            .map(([prefix, { minimumTtl }]) => ({ prefix, minimumTtl }));
    this.#options.setTtlRules(descriptor, rules);
  }
}
