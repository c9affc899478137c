/**
 * A process of many watchers of one Redis. `thin` ones do what a follower asks of Redis and look at nothing but the time in an answer, so that
 * a few cores can be thousands of hosts; `whole` ones are the store's own followers.
 */
import { connect, type Socket } from 'node:net';
import { clusterMemory } from '../../store/redis/cluster-memory.js';
import { RedisCommands, usualLimits } from '../../store/redis/commands.js';
import { RedisConnection } from '../../store/redis/connection.js';
import { RedisFollower } from '../../store/redis/follower.js';
import { keysOf } from '../../store/redis/keys.js';
import { ResourceTable } from '../../store/resource-table.js';

export interface WatchersOrder {
  readonly kind: 'thin' | 'whole';
  readonly count: number;
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  /** Revision behind which thin ones begin. */
  readonly after: number;
}

export type WatchersAnswer =
  | { readonly kind: 'ready' }
  /** Milliseconds from the time in the document to each of the watchers. */
  | { readonly kind: 'delivered'; readonly delays: readonly number[] }
  /** How many whole ones are in sync. */
  | { readonly kind: 'in-sync'; readonly count: number };

const BLOCK_MS = 10_000;

const delays: number[] = [];
let inSync = 0;
const tell = (answer: WatchersAnswer) => process.send?.(answer);

process.once('message', (order: WatchersOrder) => {
  void (order.kind === 'thin' ? startThin(order) : startWhole(order)).then(() => tell({ kind: 'ready' }));
});
process.on('message', (message: unknown) => {
  if (message !== 'report') return;
  tell({ kind: 'delivered', delays: delays.splice(0) });
  tell({ kind: 'in-sync', count: inSync });
});

async function startThin({ count, host, port, prefix, after }: WatchersOrder): Promise<void> {
  const { log } = keysOf(prefix);
  for (let i = 0; i < count; i++) await thin(connect({ host, port }), log, after);
}

function thin(socket: Socket, log: string, after: number): Promise<void> {
  let last = after;
  let text = '';
  const ask = () => {
    const words = ['XREAD', 'COUNT', '500', 'BLOCK', String(BLOCK_MS), 'STREAMS', log, `${last}-0`];
    socket.write(`*${words.length}\r\n${words.map(word => `$${word.length}\r\n${word}\r\n`).join('')}`);
  };
  socket.setNoDelay(true);
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    // A whole answer ends with the hash of its last entry, or is none.
    if (text !== '*-1\r\n' && !/\$5\r\nchain\r\n\$40\r\n[0-9a-f]{40}\r\n$/.test(text)) return;
    const now = Number(process.hrtime.bigint() / 1000n);
    for (const [, at] of text.matchAll(/"at":"(\d+)"/g)) delays.push((now - Number(at)) / 1000);
    for (const [, id] of text.matchAll(/\r\n(\d+)-0\r\n/g)) last = Number(id);
    text = '';
    ask();
  });
  return new Promise(resolve =>
    socket.once('connect', () => {
      ask();
      resolve();
    }),
  );
}

async function startWhole({ count, host, port, prefix }: WatchersOrder): Promise<void> {
  const server = {
    nodes: [{ host, port }],
    kind: { kind: 'standalone' },
    username: undefined,
    password: undefined,
    tls: undefined,
  } as const;
  for (let i = 0; i < count; i++) {
    const table = new ResourceTable();
    const commands = new RedisCommands(
      new RedisConnection(server, `watcher-${i}`),
      keysOf(prefix),
      usualLimits,
    );
    new RedisFollower(commands, table, clusterMemory()).start();
    void counted(table);
    if (i % 20 === 0) await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** In sync or not, as its watch says. */
async function counted(table: ResourceTable): Promise<void> {
  let is = false;
  for await (const events of table.watch(new AbortController().signal)) {
    for (const { kind } of events) {
      const now: boolean = kind === 'in-sync' ? true : kind === 'unavailable' ? false : is;
      if (now !== is) inSync += now ? 1 : -1;
      is = now;
    }
  }
}
