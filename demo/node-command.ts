/**
 * How to start another Node process as this one was: flags of V8 are inherited by no other way. The lab's guest kernel has one CPU, on which
 * Node is started with `--single-threaded`.
 */
export const nodeCommand: readonly [string, ...string[]] = [process.execPath, ...process.execArgv];
