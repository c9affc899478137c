/**
 * Kernel routes as the bench sees them from outside; Margay's route driver writing a table, and `ip -batch` writing the same one: the
 * yardstick.
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DriverSample, DriverSetup } from '../driver-process.js';
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

const DRIVER_FILE = fileURLToPath(new URL('../driver-process.js', import.meta.url));

/** The driver alone, without a speaker: from routes that are desired to a table that holds them. */
export async function measureDriver(network: BenchNetwork, prefixes: number): Promise<Sample> {
  const setup: DriverSetup = {
    networkNamespace: network.speakerNamespace,
    interfaceName: 'eth0',
    gateway: SOURCE_ADDRESS,
    prefixes,
  };
  const { stdout } = await run(process.execPath, [DRIVER_FILE, JSON.stringify(setup)]);
  return JSON.parse(stdout) as DriverSample;
}

function prefixText(index: number): string {
  return `${16 + (index >> 16)}.${(index >> 8) & 0xff}.${index & 0xff}.0/24`;
}
