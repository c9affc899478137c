/** SHELL: the machine's clock. */
import type { Clock, Timer } from '../../core/clock.js';

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(milliseconds: number, callback: () => void): Timer {
    // Right after the sockets that are readable now: no latency, yet what they say is flushed together.
    if (milliseconds <= 0) {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    }
    // Longer delays than Node can count (24 days) are waited for in parts by the caller: see `Timers`.
    const timeout = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timeout) };
  },
};
