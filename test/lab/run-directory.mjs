/**
 * The directory through which the host and the guest of one run speak: files alone, since a terminal would cook the bytes, and nothing
 * but its name travels on the kernel's command line. The guest's end is `guest-init.sh`.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runRegistry } from '../../scripts/sweep.mjs';

/** How many times longer things may take on the guest's one CPU: `MARGAY_PATIENCE` there, unless it is set. */
const PATIENCE = '5';

export class RunDirectory {
  /** Named after the run, so that the next one sweeps what a SIGKILL left. */
  path = mkdtempSync(join(tmpdir(), `mgy-${process.env.MARGAY_RUN_ID ?? process.pid}-guest-`));

  /** @param {{ command: string[], writable: string[], modules?: string }} options */
  constructor({ command, writable, modules = '' }) {
    this.#put('command', list(command));
    this.#put('environment', list(environment()));
    this.#put('writable', list(writable));
    this.#put('cwd', process.cwd());
    this.#put('modules', modules);
    this.#put('registry', runRegistry);
    this.#put('out', '');
    this.#put('err', '');
    mkdirSync(join(this.path, 'bin'));
    // V8's helper threads starve on one CPU, and NODE_OPTIONS does not take the flag that does without them.
    this.#put('bin/node', `#!/bin/sh\nexec '${process.execPath}' --single-threaded "$@"\n`, 0o755);
    copyFileSync(fileURLToPath(new URL('guest-init.sh', import.meta.url)), join(this.path, 'init'));
  }

  /** Hands on what the guest's command has written to `out` or `err` since the last call. */
  follow(name, stream) {
    const descriptor = openSync(join(this.path, name), 'r');
    return () => {
      for (;;) {
        const chunk = Buffer.allocUnsafe(65_536);
        const length = readSync(descriptor, chunk, 0, chunk.length, null);
        if (length === 0) return;
        stream.write(chunk.subarray(0, length));
      }
    };
  }

  /** Whether the guest got as far as the command. */
  get begun() {
    return existsSync(join(this.path, 'begun'));
  }

  /** The command's exit status; undefined where the guest did not come to its end. */
  get status() {
    const file = join(this.path, 'status');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  }

  remove() {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  #put(name, content, mode = 0o644) {
    writeFileSync(join(this.path, name), content, { mode });
  }
}

const list = words => words.map(word => `${word}\0`).join('');

function environment() {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin' } = process.env;
  const variables = {
    MARGAY_PATIENCE: PATIENCE,
    ...process.env,
    PATH: `/run/lab/bin:${PATH}`,
    MARGAY_LAB_HOST_KERNEL: release(),
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}
