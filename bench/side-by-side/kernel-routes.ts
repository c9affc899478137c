/**
 * Kernel routes as the bench sees them from outside, and `ip -batch` writing the same table: the yardstick.
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchNetwork, makeRunFolder, SOURCE_ADDRESS } from './network.js';
import type { Sample } from './rows.js';

const run = promisify(execFile);
const LISTING_BYTES = 1 << 28;
const ROUTE_OF_THE_SOURCE = /^\d+\.\d+\.\d+\.0\/24 via /gm;

/** Routes to /24s through a next hop in the namespace's main table. */
export async function countKernelRoutes(networkNamespace: string): Promise<number> {
  const { stdout } = await run('ip', ['-n', networkNamespace, '-4', 'route', 'show'], {
    maxBuffer: LISTING_BYTES,
  });
  return stdout.match(ROUTE_OF_THE_SOURCE)?.length ?? 0;
}

/** Adds the generator's prefixes by `ip -batch`, then removes them. CPU is user and system time as bash counts it. */
export async function measureIpBatch(network: BenchNetwork, prefixes: number): Promise<Sample> {
  const directory = makeRunFolder();
  const namespace = network.speakerNamespace;
  const file = join(directory, 'routes');
  try {
    const lines = Array.from(
      { length: prefixes },
      (_, i) => `route add ${prefixText(i)} via ${SOURCE_ADDRESS} proto 157\n`,
    );
    writeFileSync(file, lines.join(''));
    const timed = `TIMEFORMAT='%R %U %S'; time ip -n ${namespace} -batch ${file}`;
    const { stderr } = await run('bash', ['-c', timed]);
    const [wallSeconds, user, system] = stderr.trim().split(/\s+/).map(Number);
    const found = await countKernelRoutes(namespace);
    if (found !== prefixes) throw new Error(`the kernel holds ${found} routes instead of ${prefixes}`);
    await run('ip', ['-n', namespace, 'route', 'flush', 'proto', '157']);
    return { cpuSeconds: user! + system!, wallSeconds: wallSeconds! };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function prefixText(index: number): string {
  return `${16 + (index >> 16)}.${(index >> 8) & 0xff}.${index & 0xff}.0/24`;
}
