/**
 * What a process costs, read from /proc without asking it anything: CPU time of all its threads and resident memory.
 *
 * CPU is the scheduler's run time, user and system, in nanoseconds (/proc/PID/task/TID/schedstat, first field). Asking a
 * daemon's own command line whether it is done would cost it CPU (`show route count` walks the table), so the end of a piece
 * of work is seen from outside: the process has gone quiet.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SAMPLE_MS = 20;
/** Less than this share of a core is idling. */
const IDLE_SHARE = 0.05;
/** A profiler that looks a thousand times a second is work of its own. */
export const IDLE_SHARE_PROFILED = 0.15;

/** Run time since the process began, seconds, of all its living threads. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread ended between the listing and the reading.
    }
  }
  return nanoseconds / 1e9;
}

/** VmRSS in megabytes of 10^6 bytes. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}

export interface Quiet {
  readonly cpuSeconds: number;
  /** When the last work was seen, on `performance.now()`'s scale, to about 20 ms. */
  readonly lastWorkMs: number;
}

/** Waits until the process has been idle for `quietMs`. @throws after `timeoutMs` */
export async function untilQuiet(
  pid: number,
  quietMs: number,
  timeoutMs: number,
  idleShare = IDLE_SHARE,
): Promise<Quiet> {
  const deadline = performance.now() + timeoutMs;
  let cpu = cpuSeconds(pid);
  let lastWorkMs = performance.now();
  while (performance.now() - lastWorkMs < quietMs) {
    await sleep(SAMPLE_MS);
    const now = cpuSeconds(pid);
    if (now - cpu > (idleShare * SAMPLE_MS) / 1000) lastWorkMs = performance.now();
    cpu = now;
    if (performance.now() > deadline) throw new Error(`process ${pid} is not quiet after ${timeoutMs} ms`);
  }
  return { cpuSeconds: cpuSeconds(pid), lastWorkMs };
}

/** Waits until something in the process's network namespace listens on an IPv4 or IPv6 TCP port. */
export async function untilListening(pid: number, port: number, timeoutMs: number): Promise<void> {
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A `);
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (['tcp', 'tcp6'].some(table => listening.test(readFileSync(`/proc/${pid}/net/${table}`, 'utf8'))))
      return;
    await sleep(SAMPLE_MS);
  }
  throw new Error(`nothing listens on port ${port} after ${timeoutMs} ms`);
}
