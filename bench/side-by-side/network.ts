/**
 * Two network namespaces and a veth pair: the speaker under test in one at 10.99.0.1, its peers in the other.
 *
 * Named after the run (MARGAY_RUN_ID, set by the runner in `scripts/`, which sweeps what a killed run left behind). Nothing
 * outside these namespaces is touched.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RUN_ID = process.env.MARGAY_RUN_ID ?? `bench${process.pid}`;

export const SPEAKER_ADDRESS = '10.99.0.1';
export const SOURCE_ADDRESS = '10.99.1.1';

/** The address of sink `index`, 0 to 50 000. */
export function sinkAddress(index: number): string {
  const host = 256 + 2 + index;
  return `10.99.${host >> 8}.${host & 255}`;
}

/** A folder of this run in the temporary directory, which the runner sweeps too. */
export function makeRunFolder(): string {
  return mkdtempSync(join(tmpdir(), `mgy-${RUN_ID}-`));
}

export interface BenchNetwork {
  readonly speakerNamespace: string;
  readonly peerNamespace: string;
  remove(): void;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Synchronous, so that it can run on every exit path. @throws if not root */
export function createNetwork(sinks: number): BenchNetwork {
  const speakerNamespace = `mgy-${RUN_ID}-a`;
  const peerNamespace = `mgy-${RUN_ID}-b`;
  const remove = () => {
    for (const name of [speakerNamespace, peerNamespace]) if (exists(name)) ip('netns', 'delete', name);
  };
  try {
    for (const name of [speakerNamespace, peerNamespace]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    ip(
      '-n',
      speakerNamespace,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      peerNamespace,
    );
    addAddresses(speakerNamespace, [SPEAKER_ADDRESS]);
    addAddresses(peerNamespace, [SOURCE_ADDRESS, ...Array.from({ length: sinks }, (_, i) => sinkAddress(i))]);
  } catch (error) {
    remove();
    throw error;
  }
  return { speakerNamespace, peerNamespace, remove };
}

function addAddresses(namespace: string, addresses: readonly string[]): void {
  const lines = addresses.map(address => `address add ${address}/16 dev eth0\n`);
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: lines.join(''),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
}

function exists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}
