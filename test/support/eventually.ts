/** Waiting for the world, with an end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../../demo/patience.js';

/**
 * Polls until `probe` is true or the time (times the machine's patience) is over; the last answer. A probe that is not cheap is given
 * a longer pause.
 */
export async function eventually(
  probe: () => boolean | Promise<boolean>,
  withinMs = 5000,
  pauseMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + withinMs * patience;
  for (;;) {
    if (await probe()) return true;
    if (performance.now() > deadline) return false;
    await sleep(pauseMs);
  }
}
