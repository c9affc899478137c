/**
 * What the listeners ask of whom: of each configured peer and of each range the password and the TTLs of its configuration. Where the
 * operating system does not take a password, connections from there are refused: nobody gets in unsigned because of that.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { hostPrefix, type Prefix, prefixContainsAddress } from '../../core/prefix.js';
import { connectionTerms } from './connection-terms.js';
import type { PeerConfig } from './contract.js';
import type { Guard, Transport, TransportError } from './transport.js';
import { transportWords } from './transport-words.js';

type Guarded = Pick<PeerConfig, 'ttl' | 'ttlSecurityHops' | 'password'>;

interface Owner {
  readonly transport: Transport;
  /** @param key of the peer or the range */
  guardFailed(key: string, prefix: Prefix, words: string): void;
}

export class PeerGuards {
  readonly #owner: Owner;
  readonly #prefixes = new Map<string, Prefix>();
  readonly #unsafe = new Set<Prefix>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  setPeer(config: PeerConfig): void {
    this.#set(config.key, hostPrefix(config.address), config);
  }

  setRange(key: string, prefix: Prefix, template: Guarded): void {
    this.#set(rangeKey(key), prefix, template);
  }

  removePeer(key: string): void {
    this.#remove(key);
  }

  removeRange(key: string): void {
    this.#remove(rangeKey(key));
  }

  clear(): void {
    for (const key of [...this.#prefixes.keys()]) this.#remove(key);
  }

  /** Whether a connection from there may have come without the password that it must show. */
  isUnsafe(address: IpAddress): boolean {
    for (const prefix of this.#unsafe) if (prefixContainsAddress(prefix, address)) return true;
    return false;
  }

  #set(key: string, prefix: Prefix, guarded: Guarded): void {
    const before = this.#prefixes.get(key);
    if (before !== undefined && before !== prefix) this.#remove(key);
    this.#prefixes.set(key, prefix);
    const { password, minimumTtl } = connectionTerms(guarded);
    this.#guard(key, prefix, { password, minimumTtl });
  }

  #remove(key: string): void {
    const prefix = this.#prefixes.get(key);
    this.#prefixes.delete(key);
    if (prefix !== undefined) this.#guard(key, prefix, undefined);
  }

  #guard(key: string, prefix: Prefix, guard: Guard | undefined): void {
    this.#unsafe.delete(prefix);
    this.#owner.transport.guard(prefix, guard, error => {
      if (guard?.password !== undefined) this.#unsafe.add(prefix);
      this.#owner.guardFailed(key, prefix, words(error));
    });
  }
}

const rangeKey = (key: string) => `range ${key}`;

function words(error: TransportError): string {
  return error.code === 'ENOMEM'
    ? 'a listener has no room for so many passwords or TTLs: raise net.core.optmem_max'
    : transportWords(error);
}
