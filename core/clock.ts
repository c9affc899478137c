/** Time as a port, so that everything with a timer runs under a fake clock in tests and simulations. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences mean anything. */
  now(): number;
  /** Runs `callback` once after `milliseconds` (0 or more). */
  schedule(milliseconds: number, callback: () => void): Timer;
}

export interface Timer {
  /** Idempotent; does nothing once the callback has run. */
  cancel(): void;
}
