/**
 * Best routes for the one consumer: a batch only when the one before has been applied, the newest state of each prefix. A slow
 * consumer holds nothing up and nothing piles up for it.
 */
import type { Family } from '../family.js';
import type { Rib } from '../rib/contract.js';
import type { BestRouteBatch, SpeakerEvent } from './contract.js';

export class BestRoutePull {
  readonly #onEvent: (event: SpeakerEvent) => void;
  /** Families that are asked for, and whether from the beginning. */
  readonly #asked = new Map<Family, boolean>();
  readonly #sequences = new Map<Family, number>();

  constructor(onEvent: (event: SpeakerEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** @param sequence of the batch that has been applied; 0 asks for the whole table */
  ask(family: Family, sequence: number): void {
    this.#asked.set(family, sequence === 0);
  }

  answer(rib: Rib): void {
    for (const [family, restart] of this.#asked) {
      const taken = rib.takeBestRoutes(family, restart);
      if (taken === undefined) {
        this.#asked.set(family, false);
        continue;
      }
      this.#asked.delete(family);
      const sequence = (restart ? 0 : (this.#sequences.get(family) ?? 0)) + 1;
      this.#sequences.set(family, sequence);
      const batch: BestRouteBatch = { ...taken, sequence };
      this.#onEvent({ kind: 'best-routes', batch });
    }
  }
}
