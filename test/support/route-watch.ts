/** What becomes of our routes in a network namespace, as `ip monitor` tells it: from outside the agent. */
import { spawn } from 'node:child_process';
import type { ExecutionContext } from 'ava';

export interface RouteChange {
  /** When it was read, milliseconds since the Unix epoch. */
  readonly atUnixMs: number;
  readonly line: string;
}

/** Grows with every change, until the test ends. */
export function watchRoutes(t: ExecutionContext, namespace: string): readonly RouteChange[] {
  const words = ['-n', namespace, 'monitor', 'route'];
  const monitor = spawn('ip', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => monitor.kill());
  const changes: RouteChange[] = [];
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    const atUnixMs = Date.now();
    for (const line of text.split('\n')) if (line.includes('proto 157')) changes.push({ atUnixMs, line });
  });
  return changes;
}
