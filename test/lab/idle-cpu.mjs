/**
 * The CPU for a guest. Its kernel and its processes take turns and never run at once, so a second CPU is no gain, and handing over from one to
 * the other is what they do most: on a CPU of their own choice that took from half as long to as long as on any (measured).
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SAMPLE_MS = 100;

/** Of those that this process may use, the one that was idle most in the last tenth of a second. */
export async function idleCpu() {
  const allowed = allowedCpus();
  if (allowed.length === 1) return allowed[0];
  const before = idleTicks();
  await sleep(SAMPLE_MS);
  const after = idleTicks();
  const idle = cpu => (after.get(cpu) ?? 0) - (before.get(cpu) ?? 0);
  return allowed.toSorted((a, b) => idle(b) - idle(a))[0];
}

/** `Cpus_allowed_list` of proc(5): "0-3,8". */
function allowedCpus() {
  const [, list] = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function idleTicks() {
  const lines = readFileSync('/proc/stat', 'utf8').matchAll(/^cpu(\d+) \d+ \d+ \d+ (\d+)/gm);
  return new Map([...lines].map(([, cpu, ticks]) => [Number(cpu), Number(ticks)]));
}
