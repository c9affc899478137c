/**
 * When the packet filter is read back although nobody has said that it changed (pure): soon after a write, then at pauses that double, up to the
 * refresh interval. Reading takes a small part of the time at most.
 */
const FIRST_PAUSE_MS = 1000;
/** A read of a second is not repeated before twenty. */
const READ_SHARE = 1 / 20;

export class CheckSchedule {
  #refreshMs: number;
  #pauseMs: number;
  #dueMs = 0;
  #readTookMs = 0;

  constructor(refreshMs: number) {
    this.#refreshMs = refreshMs;
    this.#pauseMs = refreshMs;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** From now on. */
  setRefresh(refreshMs: number, nowMs: number): void {
    this.#refreshMs = refreshMs;
    this.#pauseMs = Math.min(this.#pauseMs, refreshMs);
    this.#dueMs = Math.min(this.#dueMs, nowMs + refreshMs);
  }

  /** One that is due earlier stays so: a filter that is written all the time is checked nevertheless. */
  written(nowMs: number): void {
    this.#pauseMs = this.#atLeast(FIRST_PAUSE_MS);
    this.#dueMs = Math.min(this.#dueMs, nowMs + this.#pauseMs);
  }

  read(nowMs: number, tookMs: number): void {
    this.#readTookMs = tookMs;
    this.#dueMs = nowMs + this.#atLeast(this.#pauseMs);
    this.#pauseMs = Math.min(this.#refreshMs, 2 * this.#pauseMs);
  }

  #atLeast(pauseMs: number): number {
    return Math.min(this.#refreshMs, Math.max(pauseMs, this.#readTookMs / READ_SHARE));
  }
}
