/**
 * SHELL: the machine's clock as it counts while the machine sleeps, too (CLOCK_BOOTTIME): for what somebody else may take when it has not
 * been renewed for a while.
 */
import { uptime } from 'node:os';
import { systemClock } from '../bgp/speaker/system-clock.js';
import type { Clock } from '../core/clock.js';

export const sleeplessClock: Clock = {
  now: () => uptime() * 1000,
  schedule: (milliseconds, callback) => systemClock.schedule(milliseconds, callback),
};
