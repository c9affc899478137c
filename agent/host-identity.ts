/** SHELL: who this host and this process are to the others: a host keeps its identity over restarts and other addresses. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HostIdentity {
  /** Of this host, for as long as it has its state directory. */
  readonly instance: string;
  /** Of this process. */
  readonly process: string;
  /** Of the running kernel: another one after each boot. */
  readonly boot: string;
}

const FILE = 'instance';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param problem told why it cannot be kept: it is another one after the next start */
export function hostIdentity(stateDirectory: string, problem: (text: string) => void): HostIdentity {
  return { instance: keptInstance(stateDirectory, problem), process: randomUUID(), boot: bootId() };
}

function keptInstance(stateDirectory: string, problem: (text: string) => void): string {
  const path = join(stateDirectory, FILE);
  try {
    const found = readFileSync(path, 'utf8').trim();
    if (UUID.test(found)) return found;
    problem(`${path}: "${found.slice(0, 50)}" is no UUID: this host begins with a new identity`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') problem(`${path}: ${(error as Error).message}`);
  }
  const instance = randomUUID();
  try {
    mkdirSync(stateDirectory, { recursive: true });
    writeFileSync(`${path}.next`, `${instance}\n`, { flush: true });
    renameSync(`${path}.next`, path);
    flushDirectory(stateDirectory);
  } catch (error) {
    problem(`${path}: ${(error as Error).message}: it is another one after the next start`);
  }
  return instance;
}

/** After a power cut the host is to be the same. */
function flushDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
