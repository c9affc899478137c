/**
 * Best routes from the speaker into the dataplane: batch by batch, the next one asked for when the last has been taken. A table that
 * is told anew (the speaker restarted, the RIB came in sync) replaces what was known: what it does not repeat is gone.
 */

import type { Family } from '../bgp/family.js';
import { batchPrefix } from '../bgp/library/best-routes.js';
import { type BestRouteBatch, NO_ROUTE, type SpeakerCommand } from '../bgp/speaker/contract.js';
import type { Prefix } from '../core/prefix.js';
import type { BestPath } from '../ipip/kernel-routes.js';

export interface BestRouteTaker {
  setBest(prefix: Prefix, path: BestPath | undefined): void;
  flush(): void;
  bestPrefixes(): Iterable<Prefix>;
}

export class BestRouteIntake {
  readonly #taker: BestRouteTaker;
  readonly #send: (command: SpeakerCommand) => void;
  /** While a whole table is being told: what it has not repeated yet, by family. */
  readonly #unseen = new Map<Family, Set<Prefix>>();
  /** Tables asked for whose first batch has not come yet: what comes before it was told of an older one. */
  readonly #awaited = new Map<Family, number>();
  readonly #whole: (family: Family) => void;

  /** @param whole called when a table that was asked for from the beginning has been taken in full */
  constructor(
    taker: BestRouteTaker,
    send: (command: SpeakerCommand) => void,
    whole: (family: Family) => void,
  ) {
    this.#taker = taker;
    this.#send = send;
    this.#whole = whole;
  }

  /** Asks for the whole table, then for changes for ever. */
  begin(family: Family): void {
    const ipv6 = family === 'ipv6-unicast';
    const unseen = new Set<Prefix>();
    for (const prefix of this.#taker.bestPrefixes()) if (prefix.includes(':') === ipv6) unseen.add(prefix);
    this.#unseen.set(family, unseen);
    this.#awaited.set(family, (this.#awaited.get(family) ?? 0) + 1);
    this.#send({ kind: 'pull-best-routes', family, sequence: 0 });
  }

  /** It will not answer what it was asked. What is known stays until a whole table of its successor replaces it. */
  speakerEnded(): void {
    this.#unseen.clear();
    this.#awaited.clear();
  }

  take(batch: BestRouteBatch): void {
    const { family, count, nextHopSet, nextHopSets } = batch;
    const current = this.#isOfLastTable(batch);
    const unseen = this.#unseen.get(family);
    for (let i = 0; i < count; i++) {
      const prefix = batchPrefix(batch, i);
      const set = nextHopSet[i] === NO_ROUTE ? undefined : nextHopSets[nextHopSet[i]!];
      this.#taker.setBest(prefix, set);
      // The table that is to come must repeat what an older one tells.
      if (current || set === undefined) unseen?.delete(prefix);
      else unseen?.add(prefix);
    }
    const whole = current && batch.endOfTable && unseen !== undefined;
    if (whole) {
      for (const prefix of unseen) this.#taker.setBest(prefix, undefined);
      this.#unseen.delete(family);
    }
    this.#taker.flush();
    if (!current) return;
    this.#send({ kind: 'pull-best-routes', family, sequence: batch.sequence });
    if (whole) this.#whole(family);
  }

  /** Each table that was asked for begins with a batch of sequence 1. */
  #isOfLastTable({ family, sequence }: BestRouteBatch): boolean {
    let awaited = this.#awaited.get(family) ?? 0;
    if (sequence === 1 && awaited > 0) this.#awaited.set(family, --awaited);
    return awaited === 0;
  }
}
