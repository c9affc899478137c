/**
 * SHELL: how many prefixes a peer may tell (RFC 4486 section 4, RFC 4271 section 6.7). Counted before any policy, by family, after each
 * read: nothing beyond the limit has been decided or told by then. A peer that was stopped stays down until it is cleared or changed,
 * or for as long as its configuration says.
 */
import type { Clock } from '../../core/clock.js';
import { FAMILIES, type Family } from '../family.js';
import type { MessageError } from '../fsm/session-state.js';
import { CeaseError, ErrorCode } from '../iana.js';
import { familyNumbers } from '../wire/capabilities.js';
import { Writer } from '../wire/writer.js';
import type { PeerConfig, PrefixLimit } from './contract.js';
import { Timers } from './timers.js';

/** What it asks of the peer it belongs to. */
export interface PrefixLimitsOwner {
  readonly clock: Clock;
  readonly config: PeerConfig;
  /** Prefixes of the Established session. */
  receivedPrefixes(family: Family): number;
  warn(message: string, detail: string): void;
  /** Ends the session; nothing is to start it but {@link PrefixLimitsOwner.restart}. */
  stop(error: MessageError): void;
  restart(): void;
}

export class PrefixLimits {
  readonly #owner: PrefixLimitsOwner;
  readonly #timers: Timers<'restart'>;
  /** What the session has been warned of. */
  readonly #warned = new Map<Family, 'near' | 'beyond'>();
  #stopped = false;

  constructor(owner: PrefixLimitsOwner) {
    this.#owner = owner;
    this.#timers = new Timers(owner.clock, () => {
      this.release();
      owner.restart();
    });
  }

  /** The peer is down because it told too much. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** How far the peer is beyond limits that only warn, for people; empty if it is not. */
  get excess(): string {
    const beyond = FAMILIES.filter(family => this.#warned.get(family) === 'beyond').flatMap(family => {
      const limit = this.#owner.config.maxPrefixes[family];
      return limit === undefined ? [] : [excessWords(this.#owner.receivedPrefixes(family), family, limit)];
    });
    return beyond.join('; ');
  }

  /** The peer may start again. */
  release(): void {
    this.#stopped = false;
    this.#warned.clear();
    this.#timers.clearAll();
  }

  /** After UPDATEs, or when the limits have changed. */
  check(): void {
    for (const family of FAMILIES) {
      const limit = this.#owner.config.maxPrefixes[family];
      if (limit !== undefined && !this.#stopped) this.#judge(family, limit);
    }
  }

  #judge(family: Family, limit: PrefixLimit): void {
    const received = this.#owner.receivedPrefixes(family);
    if (received > limit.limit && limit.action !== 'warn') this.#stop(family, received, limit);
    else this.#warn(family, received, limit);
  }

  #stop(family: Family, received: number, limit: PrefixLimit): void {
    this.#stopped = true;
    const then = limit.action === 'restart' ? `restarts in ${limit.restartSeconds} s` : 'down until cleared';
    this.#owner.stop({
      code: ErrorCode.cease,
      subcode: CeaseError.maximumPrefixesReached,
      data: upperBound(family, limit.limit),
      detail: `${excessWords(received, family, limit)}; ${then}`,
    });
    if (limit.action === 'restart') this.#timers.set('restart', limit.restartSeconds);
  }

  /** Once for each of the two marks, until the peer is well below them again. */
  #warn(family: Family, received: number, { limit, warnPercent }: PrefixLimit): void {
    const mark = received > limit ? 'beyond' : received * 100 >= limit * warnPercent ? 'near' : undefined;
    const before = this.#warned.get(family);
    if (mark === undefined) this.#warned.delete(family);
    else this.#warned.set(family, mark);
    if (mark === undefined || mark === before || before === 'beyond') return;
    const message = mark === 'near' ? 'prefixes near the maximum' : 'more prefixes than the maximum';
    this.#owner.warn(message, `${received} of ${limit} prefixes of ${family}`);
  }
}

function excessWords(received: number, family: Family, { limit }: PrefixLimit): string {
  return `${received} prefixes of ${family}, ${limit} are allowed`;
}

/** RFC 4486 section 4: AFI, SAFI and the upper bound that the peer broke. */
function upperBound(family: Family, limit: number): Uint8Array {
  const { afi, safi } = familyNumbers(family);
  return new Writer(7).u16(afi).u8(safi).u32(limit).finish();
}
