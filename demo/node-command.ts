/**
 * How to start another Node process where this one runs: with `--single-threaded` if this one has it, as each Node in the lab's guest, whose
 * kernel has one CPU. It is inherited by no other way. The rest of the flags (source maps, an inspector's port) are this process's alone.
 */
const SINGLE_THREADED = '--single-threaded';

export const nodeCommand: readonly [string, ...string[]] = [
  process.execPath,
  ...process.execArgv.filter(flag => flag === SINGLE_THREADED),
];
