/**
 * Two network namespaces and a veth pair: the speaker under test in one at 10.99.0.1, its peers in the other.
 *
 * Named after our process id, so that what a killed run left behind is known and swept at the next start. Nothing outside
 * these namespaces is touched.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const NAME = /^mgy-bench(\d+)-[ab]$/;

export const SPEAKER_ADDRESS = '10.99.0.1';
export const SOURCE_ADDRESS = '10.99.1.1';

/** The address of sink `index`, 0 to 200. */
export function sinkAddress(index: number): string {
  return `10.99.1.${index + 2}`;
}

export interface BenchNetwork {
  readonly speakerNamespace: string;
  readonly peerNamespace: string;
  remove(): void;
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Synchronous, so that it can run on every exit path. @throws if not root */
export function createNetwork(sinks: number): BenchNetwork {
  sweep();
  const speakerNamespace = `mgy-bench${process.pid}-a`;
  const peerNamespace = `mgy-bench${process.pid}-b`;
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
  for (const address of addresses) ip('-n', namespace, 'address', 'add', `${address}/16`, 'dev', 'eth0');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
}

function exists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

/** Namespaces of runs whose process is gone. */
function sweep(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name);
  }
}
