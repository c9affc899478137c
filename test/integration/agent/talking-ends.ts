/** Programs in namespaces that speak with each other all the time, and what each of them hears. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { patience } from '../../../demo/patience.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';

export interface End {
  /** One character: printed for what is heard. */
  readonly label: string;
  readonly port: number;
  readonly udp?: boolean;
  /** Of TCP: it listens, and sends nothing. */
  readonly mute?: boolean;
}

/** Each end sends something every 10 ms, as long as what it has sent before has gone out; a listener by UDP to who has spoken to it last. */
const PROGRAM = `
  const [listen, connect] = JSON.parse(process.argv[1]);
  const hear = label => process.stdout.write(label);
  const talk = (socket, { label, mute }) => {
    socket.on('error', () => {}).on('data', () => hear(label));
    if (!mute) setInterval(() => socket.writableLength === 0 && socket.write('x'), 10);
  };
  const datagrams = ({ label }, peer) => {
    const socket = require('dgram').createSocket('udp4').on('error', () => {});
    socket.on('message', (_, from) => { hear(label); peer = from; });
    setInterval(() => peer && socket.send('x', peer.port, peer.address, () => {}), 10);
    return socket;
  };
  for (const end of listen)
    if (end.udp) datagrams(end).bind(end.port);
    else require('net').createServer(socket => talk(socket, end)).listen(end.port);
  for (const end of connect)
    if (end.udp) datagrams(end, end);
    else talk(require('net').connect(end.port, end.address), end);
  process.stdout.write('.');`;

export class TalkingEnds {
  readonly #t: ExecutionContext;
  readonly #heard = new Map<string, number>();

  constructor(t: ExecutionContext) {
    this.#t = t;
  }

  /** Resolves once it listens. */
  async run(
    namespace: NetworkNamespace,
    listen: readonly End[],
    connect: readonly (End & { readonly address: string })[] = [],
  ): Promise<void> {
    const words = [process.execPath, '-e', PROGRAM, JSON.stringify([listen, connect])];
    const child = spawn('ip', ['netns', 'exec', namespace.name, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#t.teardown(() => child.kill('SIGKILL'));
    await new Promise(begun => {
      child.stdout.on('data', (chunk: Buffer) => {
        begun(undefined);
        for (const label of chunk.toString()) this.#heard.set(label, this.heard(label) + 1);
      });
    });
  }

  heard(label: string): number {
    return this.#heard.get(label) ?? 0;
  }

  /** Whether all of these hear something within a while; TCP tries again after seconds. */
  async allHear(labels: string): Promise<boolean> {
    const before = [...labels].map(label => this.heard(label));
    const hears = (label: string, i: number) => this.heard(label) > before[i]! + 3;
    for (let i = 0; i < 300 * patience; i++) {
      if ([...labels].every(hears)) return true;
      await sleep(100);
    }
    return false;
  }

  /** How often something is heard within so many milliseconds. */
  async within(ms: number, labels: string): Promise<Readonly<Record<string, number>>> {
    const before = [...labels].map(label => this.heard(label));
    await sleep(ms);
    return Object.fromEntries([...labels].map((label, i) => [label, this.heard(label) - before[i]!]));
  }
}

export function nothing(labels: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...labels].map(label => [label, 0]));
}
