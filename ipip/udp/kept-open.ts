/**
 * Something that is wanted open and may refuse, or break at any time: a device, a socket. Opened again with back-off until it is let
 * go. Decides when, never how.
 */
import type { Clock, Timer } from '../../core/clock.js';

export interface Opening<T> {
  /** @param broke to be called when what was opened is of no use any more, with the reason @throws with the reason */
  open(broke: (reason: string) => void): T;
  /** "" once it is open. */
  said(problem: string): void;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export class KeptOpen<T extends { close(): void }> {
  readonly #clock: Clock;
  readonly #opening: Opening<T>;
  #current: T | undefined;
  #pauseMs: number;
  #openedAt = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, opening: Opening<T>) {
    this.#clock = clock;
    this.#opening = opening;
    this.#pauseMs = opening.firstPauseMs;
    this.#try();
  }

  /** Undefined while it is not open. */
  get current(): T | undefined {
    return this.#current;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#current?.close();
    this.#current = undefined;
  }

  #try(): void {
    const { open, said } = this.#opening;
    try {
      const opened = open(reason => {
        if (this.#closed || this.#current !== opened) return;
        this.#broke(reason);
      });
      this.#current = opened;
      this.#openedAt = this.#clock.now();
    } catch (error) {
      said((error as Error).message);
      this.#again();
      return;
    }
    said('');
  }

  #broke(reason: string): void {
    this.#current = undefined;
    // What had worked for a while is opened again soon, what breaks as soon as it is open is not.
    const worked = this.#clock.now() - this.#openedAt > this.#opening.longestPauseMs;
    if (worked) this.#pauseMs = this.#opening.firstPauseMs;
    this.#opening.said(reason);
    this.#again();
  }

  #again(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.schedule(this.#pauseMs, () => this.#try());
    this.#pauseMs = Math.min(2 * this.#pauseMs, this.#opening.longestPauseMs);
  }
}
