/**
 * SHELL: what the figures were taken on. A guest kernel sees neither the processor nor the load of its host: the runner says them, by
 * MARGAY_BENCH_PROCESSOR and MARGAY_BENCH_LOAD.
 */
import { cpus, loadavg, release } from 'node:os';
import type { Machine } from './results.js';

export function thisMachine(): Machine {
  const { MARGAY_BENCH_PROCESSOR, MARGAY_BENCH_LOAD } = process.env;
  const [first, ...others] = cpus();
  return {
    processor: MARGAY_BENCH_PROCESSOR ?? first?.model ?? process.arch,
    kernel: release(),
    userModeLinux: first?.model === 'UML',
    cpus: 1 + others.length,
    load: Number(MARGAY_BENCH_LOAD ?? loadavg()[0]),
  };
}
