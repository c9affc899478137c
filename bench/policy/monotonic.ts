/** SHELL: the kernel's monotonic clock, in milliseconds: the same for all processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
