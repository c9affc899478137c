/**
 * What a session tells its peer of its timers, and what it goes by itself (RFC 5880 section 6.8.3). Pure.
 *
 * A change is told with the Poll bit until the peer answers with Final. Until then a session that is Up goes on sending as fast as
 * before where it wants to become slower, and expects no more than before where it wants more: the peer may not know yet. One poll
 * carries one change: what comes meanwhile waits for the answer, and for a packet without Final after it, else the next answer could
 * belong to either.
 */

export interface Intervals {
  /** bfd.DesiredMinTxInterval, microseconds. */
  readonly desiredMinTxUs: number;
  /** bfd.RequiredMinRxInterval, microseconds. */
  readonly requiredMinRxUs: number;
}

export class Negotiation {
  #told: Intervals;
  #used: Intervals;
  #wanted: Intervals;
  #poll: 'none' | 'active' | 'answered' = 'none';

  constructor(intervals: Intervals) {
    this.#told = intervals;
    this.#used = intervals;
    this.#wanted = intervals;
  }

  /** In the packets that are sent. */
  get told(): Intervals {
    return this.#told;
  }

  /** What our own timers go by. */
  get used(): Intervals {
    return this.#used;
  }

  get polling(): boolean {
    return this.#poll === 'active';
  }

  /** For a session that is not Up, or has just come Up: at once. @param polls there is a peer to ask */
  replace(intervals: Intervals, polls: boolean): void {
    const changed = !same(intervals, this.#told);
    this.#told = intervals;
    this.#used = intervals;
    this.#wanted = intervals;
    if (!polls) this.#poll = 'none';
    else if (changed) this.#poll = 'active';
  }

  /** For a session that is Up. */
  change(intervals: Intervals): void {
    this.#wanted = intervals;
    if (this.#poll === 'none') this.#begin();
  }

  /** A packet of the peer. */
  received(final: boolean): void {
    if (this.#poll === 'active' && final) {
      this.#poll = 'answered';
      this.#used = this.#told;
    } else if (this.#poll === 'answered' && !final) {
      this.#poll = 'none';
      this.#begin();
    }
  }

  #begin(): void {
    if (same(this.#wanted, this.#told)) return;
    const { desiredMinTxUs, requiredMinRxUs } = this.#wanted;
    this.#told = this.#wanted;
    this.#used = {
      desiredMinTxUs: Math.min(desiredMinTxUs, this.#used.desiredMinTxUs),
      requiredMinRxUs: Math.max(requiredMinRxUs, this.#used.requiredMinRxUs),
    };
    this.#poll = 'active';
  }
}

function same(a: Intervals, b: Intervals): boolean {
  return a.desiredMinTxUs === b.desiredMinTxUs && a.requiredMinRxUs === b.requiredMinRxUs;
}
