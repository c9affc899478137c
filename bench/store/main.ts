/**
 * `npm run bench -- store`: what thousands of watchers ask of one Redis. Four tables: how long a change is on its way to each of them and what Redis
 * needs for it, what hosts write of themselves, and how they come back after it was away. On a machine where the watchers share the cores with Redis most of the time is theirs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CALICO_API, type IPPoolResource } from '../../core/resources/resource.js';
import { RedisServerProcess } from '../../demo/redis-server.js';
import { RedisStore } from '../../store/redis/redis-store.js';
import { hostLease, hostReport, LEASE_SECONDS, REPORT_SECONDS } from './host-records.js';
import { Watchers } from './watchers.js';

const usage = 'npm run bench -- store [--watchers 5000] [--documents 1000] [--changes 60]';
const { watchers, documents, changes } = readOptions();

function readOptions() {
  const counts = { watchers: '5000', documents: '1000', changes: '60' };
  const options = {
    ...Object.fromEntries(
      Object.entries(counts).map(([name, usual]) => [name, { type: 'string', default: usual }] as const),
    ),
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const values: Readonly<Record<string, unknown>> = parseArgs({ options }).values;
    if (values.help === true) end(usage, 0);
    const [watchers, documents, changes] = Object.keys(counts).map(name =>
      wholeNumber(name, String(values[name])),
    );
    return { watchers: watchers!, documents: documents!, changes: changes! };
  } catch (error) {
    return end(`${(error as Error).message}\n${usage}`, 2);
  }
}

/** @throws with the flag and what is allowed */
function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 20_000) return value;
  throw new Error(`--${name} ${text}: a whole number from 1 to 20000`);
}

function end(text: string, code: number): never {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
}

const BETWEEN_CHANGES_MS = 500;
const AWAY_MS = 20_000;
const LOOKS = 5;
const recordKinds = ['Lease', 'NodeReport'] as const;
const prefix = 'bench';
const host = '127.0.0.1';
const port = 20_000 + (process.pid % 20_000);
const directory = mkdtempSync(
  join(tmpdir(), `mgy-${process.env.MARGAY_RUN_ID ?? process.pid.toString(36)}-store-`),
);
const redis = new RedisServerProcess({
  directory,
  address: host,
  port,
  args: ['--appendonly', 'yes', '--maxclients', String(2 * watchers + 100)],
});
const server = {
  nodes: [{ host, port }],
  kind: { kind: 'standalone' },
  username: undefined,
  password: undefined,
  tls: undefined,
} as const;

const say = (text: string) => process.stdout.write(`${text}\n`);
const row = (name: string, value: string) => say(`  ${name.padEnd(52)} ${value}`);

function document(name: string, labels: Readonly<Record<string, string>>): IPPoolResource {
  return {
    apiVersion: CALICO_API,
    kind: 'IPPool',
    metadata: { name, labels, annotations: {} },
    spec: {
      cidr: '10.0.0.0/16' as never,
      ipipMode: 'Never',
      vxlanMode: 'Never',
      natOutgoing: false,
      disabled: false,
      disableBGPExport: false,
      blockSize: 26,
      nodeSelector: 'all()',
      allowedUses: ['Workload', 'Tunnel'],
      assignmentMode: 'Automatic',
    },
  };
}

async function info(name: string): Promise<number> {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(await redis.ask('info'))?.[1]);
}

const cpuSeconds = async () => (await info('used_cpu_sys')) + (await info('used_cpu_user'));

function quantile(sorted: readonly number[], part: number): string {
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1)} ms`;
}

async function delivery(store: RedisStore): Promise<void> {
  const [memoryBefore, after] = [await info('used_memory'), (await store.check()).revision];
  const crowd = new Watchers(watchers, { kind: 'thin', host, port, prefix, after });
  try {
    await crowd.ready();
    const memory = (await info('used_memory')) - memoryBefore;
    const idleFrom = await cpuSeconds();
    await sleep(10_000);
    const idle = ((await cpuSeconds()) - idleFrom) / 10;
    const from = await cpuSeconds();
    let found = await store.create(document('changing', {}));
    for (let i = 0; i < changes && found.kind === 'ok'; i++) {
      await sleep(BETWEEN_CHANGES_MS);
      const at = String(process.hrtime.bigint() / 1000n);
      found = await store.update(document('changing', { at }), found.value.revision);
    }
    await sleep(3000);
    const spent = (await cpuSeconds()) - from;
    const delays = (await crowd.delivered()).toSorted((a, b) => a - b);
    say(`A change, told to ${watchers} watchers; ${changes} of them, ${BETWEEN_CHANGES_MS} ms apart`);
    row('delivered, of what was to be', `${delays.length} of ${watchers * changes}`);
    row(
      'from the write to a watcher, p50, p99, longest',
      [0.5, 0.99, 1].map(part => quantile(delays, part)).join(', '),
    );
    row("Redis' memory, for each watcher", `${(memory / watchers / 1024).toFixed(1)} KB`);
    row("Redis' CPU for one watcher's change", `${((spent / delays.length) * 1e6).toFixed(1)} us`);
    row("Redis' CPU while nothing changes", `${(idle * 100).toFixed(1)} %`);
  } finally {
    crowd.end();
  }
}

/** What every host writes of itself, and what the controller reads of all of them. */
async function records(store: RedisStore): Promise<void> {
  const writes: (() => Promise<unknown>)[] = [];
  for (let i = 0; i < watchers; i++)
    writes.push(
      () => store.create(hostLease(i)),
      () => store.create(hostReport(i)),
    );
  const from = await cpuSeconds();
  await inParallel(writes);
  const written = await cpuSeconds();
  let memory = 0;
  for (const kind of recordKinds)
    memory += Number(await redis.ask('memory', 'usage', `{${prefix}}:records:${kind}`, 'samples', '0'));
  const began = performance.now();
  const cpuBefore = await cpuSeconds();
  for (let i = 0; i < LOOKS; i++) for (const kind of recordKinds) await store.list(kind);
  const took = (performance.now() - began) / LOOKS;
  const looked = (await cpuSeconds()) - cpuBefore;
  const write = (written - from) / writes.length;
  say(
    `What ${watchers} hosts keep for each other: a lease renewed every ${LEASE_SECONDS} s, a report every ${REPORT_SECONDS} s`,
  );
  row("Redis' memory, for each host", `${(memory / watchers / 1024).toFixed(1)} KB`);
  row("Redis' CPU for a write", `${(write * 1e6).toFixed(1)} us`);
  row(
    "Redis' CPU for the writes of all hosts",
    `${(write * watchers * (1 / LEASE_SECONDS + 1 / REPORT_SECONDS) * 100).toFixed(1)} %`,
  );
  row('the controller reads all of it in', `${took.toFixed(0)} ms`);
  row("Redis' CPU for that", `${((looked / LOOKS) * 1000).toFixed(1)} ms`);
}

async function inParallel(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < work.length) await work[next++]!();
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

async function comingBack(trimmed: boolean): Promise<void> {
  const crowd = new Watchers(watchers, { kind: 'whole', host, port, prefix, after: 0 });
  try {
    await crowd.ready();
    while ((await crowd.inSync()) < watchers) await sleep(500);
    await redis.kill();
    await sleep(AWAY_MS);
    await redis.start();
    if (trimmed) {
      const store = new RedisStore({ server, keyPrefix: prefix, name: 'bench', copies: 0 });
      // It may still be reading its file.
      while ((await store.delete({ kind: 'IPPool', name: 'document-0' })).kind === 'error') await sleep(50);
      await store.create(document('document-0', {}));
      await store.close();
      await redis.ask('xtrim', `{${prefix}}:log`, 'MAXLEN', '0');
    }
    const began = performance.now();
    const cpuFrom = await cpuSeconds();
    let connections = await info('total_connections_received');
    let most = 0;
    const reached = new Map<number, number>();
    for (let count = 0; count < watchers; ) {
      await sleep(1000);
      const received = await info('total_connections_received');
      most = Math.max(most, received - connections);
      connections = received;
      count = await crowd.inSync();
      for (const part of [0.5, 0.99, 1])
        if (count >= watchers * part && !reached.has(part))
          reached.set(part, (performance.now() - began) / 1000);
    }
    const how = trimmed ? `and all ${documents} documents are to be read anew` : 'and goes on where it was';
    say(`Redis was away for ${AWAY_MS / 1000} s; each of ${watchers} followers comes back by itself, ${how}`);
    const times = [0.5, 0.99, 1].map(part => `${reached.get(part)?.toFixed(1)} s`);
    row('half, 99 of 100, all of them in sync again after', times.join(', '));
    row('most connections that began within a second', String(most));
    row("Redis' CPU meanwhile", `${((await cpuSeconds()) - cpuFrom).toFixed(2)} s`);
  } finally {
    crowd.end();
  }
}

async function main(): Promise<void> {
  await redis.start();
  const store = new RedisStore({ server, keyPrefix: prefix, name: 'bench', copies: 0 });
  for (let i = 0; i < documents; i++) await store.create(document(`document-${i}`, {}));
  await delivery(store);
  await records(store);
  await store.close();
  await comingBack(false);
  await comingBack(true);
}

try {
  await main();
} finally {
  await redis.kill();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
