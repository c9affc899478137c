/**
 * Real Redis servers for tests: alone, with TLS and users, behind Sentinels, as a Cluster. On loopback addresses of this process's own, so
 * that other runs go on beside it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { RedisServerProcess } from '../../demo/redis-server.js';
import type { RedisServer } from '../../store/redis/connection.js';
import { aclLine } from '../../store/redis/keys.js';
import { eventually } from './eventually.js';

const RUN_ID = process.env.MARGAY_RUN_ID ?? `t${process.pid.toString(36)}`;
const NETWORK = `127.${64 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
let hosts = 0;

export interface RedisLab {
  /** How clients reach it. */
  readonly server: RedisServer;
  readonly directory: string;
  /** Every data server. */
  readonly servers: readonly RedisServerProcess[];
  /** The one that takes writes now. */
  primary(): Promise<RedisServerProcess>;
  /** Ends all of it. */
  close(): Promise<void>;
}

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), `mgy-${RUN_ID}-redis-`));
}

function nextAddress(): string {
  return `${NETWORK}.${++hosts}`;
}

const PORT = 6379;
const plain = { username: undefined, password: undefined, tls: undefined } as const;

/** Every write is on its disk before it is answered. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

export async function standaloneRedis(args: readonly string[] = durable): Promise<RedisLab> {
  const directory = newDirectory();
  const address = nextAddress();
  const server = new RedisServerProcess({ directory, address, port: PORT, args });
  await server.start();
  return {
    server: { nodes: [{ host: address, port: PORT }], kind: { kind: 'standalone' }, ...plain },
    directory,
    servers: [server],
    primary: async () => server,
    close: () => closeAll([server], directory),
  };
}

/** A certificate of its own, one for clients, and a user with the least rights. */
export async function securedRedis(keyPrefix: string): Promise<RedisLab> {
  const directory = newDirectory();
  const address = nextAddress();
  certificates(directory, address);
  const users = join(directory, 'users.acl');
  writeFileSync(users, `user default off\n${aclLine('margay', keyPrefix)} >s3cret\n`);
  const file = (name: string) => join(directory, name);
  const server = new RedisServerProcess({
    directory,
    address,
    // Not for redis-cli: it waits until something answers.
    port: 0,
    args: [
      ...[
        '--tls-port',
        String(PORT),
        '--tls-cert-file',
        file('server.crt'),
        '--tls-key-file',
        file('server.key'),
      ],
      ...['--tls-ca-cert-file', file('ca.crt'), '--tls-auth-clients', 'yes', '--aclfile', users, ...durable],
    ],
    cli: {
      port: PORT,
      args: ['--tls', '--cacert', file('ca.crt'), '--cert', file('client.crt'), '--key', file('client.key')],
    },
  });
  await server.start();
  const pem = (name: string) => readFileSync(file(name), 'utf8');
  return {
    server: {
      nodes: [{ host: address, port: PORT }],
      kind: { kind: 'standalone' },
      username: 'margay',
      password: 's3cret',
      tls: { ca: pem('ca.crt'), certificate: pem('client.crt'), key: pem('client.key') },
    },
    directory,
    servers: [server],
    primary: async () => server,
    close: () => closeAll([server], directory),
  };
}

/** A primary, two replicas, three Sentinels; a failover takes about two seconds. */
export async function sentinelRedis(): Promise<RedisLab> {
  const directory = newDirectory();
  const addresses = [nextAddress(), nextAddress(), nextAddress()];
  const servers = addresses.map(
    (address, i) =>
      new RedisServerProcess({
        directory: join(directory, `data-${i}`),
        address,
        port: PORT,
        args: [
          ...durable,
          ...[
            '--repl-diskless-sync',
            'yes',
            '--repl-diskless-sync-delay',
            '0',
            '--replica-announce-ip',
            address,
          ],
          ...(i === 0 ? [] : ['--replicaof', `${addresses[0]} ${PORT}`]),
        ],
      }),
  );
  for (const server of servers) await server.start();
  await eventually(async () => {
    const info = await servers[0]!.ask('info', 'replication');
    return (info.match(/state=online/g) ?? []).length === 2;
  }, 20_000);
  const sentinels = await Promise.all(
    [0, 1, 2].map(async i => {
      const folder = join(directory, `sentinel-${i}`);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'sentinel.conf');
      const address = nextAddress();
      writeFileSync(
        file,
        [
          `sentinel monitor mymaster ${addresses[0]} ${PORT} 2`,
          'sentinel down-after-milliseconds mymaster 1000',
          'sentinel failover-timeout mymaster 3000',
          `sentinel announce-ip ${address}`,
        ].join('\n'),
      );
      const sentinel = new RedisServerProcess({
        directory: folder,
        address,
        port: 26379,
        args: [file],
        sentinel: true,
      });
      await sentinel.start();
      return sentinel;
    }),
  );
  await eventually(
    async () => /^OK 3/.test(await sentinels[0]!.ask('sentinel', 'ckquorum', 'mymaster')),
    20_000,
  );
  const nodes = sentinels.map(({ options }) => ({ host: options.address, port: options.port }));
  return {
    server: { nodes, kind: { kind: 'sentinel', name: 'mymaster', password: undefined }, ...plain },
    directory,
    servers,
    primary: async () => {
      const [host] = (await sentinels[0]!.ask('sentinel', 'get-master-addr-by-name', 'mymaster')).split('\n');
      return servers.find(({ options }) => options.address === host) ?? servers[0]!;
    },
    close: () => closeAll([...servers, ...sentinels], directory),
  };
}

/** Three primaries with a replica each; `primary` is that of the keys. */
export async function clusterRedis(keyPrefix: string): Promise<RedisLab> {
  const directory = newDirectory();
  const servers = Array.from({ length: 6 }, nextAddress).map(
    (address, i) =>
      new RedisServerProcess({
        directory: join(directory, `data-${i}`),
        address,
        port: PORT,
        args: [
          ...durable,
          ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--cluster-announce-ip', address],
          ...['--repl-diskless-sync-delay', '0', '--cluster-require-full-coverage', 'no'],
        ],
      }),
  );
  await Promise.all(servers.map(server => server.start()));
  const names = servers.map(({ options }) => `${options.address}:${PORT}`);
  await servers[0]!.ask('--cluster', 'create', ...names, '--cluster-replicas', '1', '--cluster-yes');
  const slot = Number(await servers[0]!.ask('cluster', 'keyslot', `{${keyPrefix}}:head`));
  await eventually(async () => {
    const states = await Promise.all(servers.map(server => server.ask('cluster', 'info')));
    const linked = await servers[0]!.ask('cluster', 'nodes');
    return states.every(state => /cluster_state:ok/.test(state)) && !/disconnected/.test(linked);
  }, 30_000);
  const primary = async () => {
    for (const server of servers) {
      const nodes = await server.ask('cluster', 'nodes').catch(() => '');
      for (const line of nodes.split('\n')) {
        const [, where = '', flags = '', , , , , link, ...ranges] = line.split(' ');
        const holds = ranges.some(range => {
          const [from, to = from] = range.split('-').map(Number);
          return slot >= from! && slot <= to!;
        });
        if (!holds || link !== 'connected' || /fail/.test(flags)) continue;
        const found = servers.find(({ options }) => where.startsWith(`${options.address}:`));
        if (found !== undefined) return found;
      }
    }
    throw new Error('nobody has the slot');
  };
  await eventually(
    async () => /connected_slaves:[1-9]/.test(await (await primary()).ask('info', 'replication')),
    30_000,
  );
  return {
    server: {
      nodes: servers.slice(0, 3).map(({ options }) => ({ host: options.address, port: PORT })),
      kind: { kind: 'cluster' },
      ...plain,
    },
    directory,
    servers,
    primary,
    close: () => closeAll(servers, directory),
  };
}

async function closeAll(servers: readonly RedisServerProcess[], directory: string): Promise<void> {
  await Promise.all(servers.map(server => server.kill()));
  rmSync(directory, { recursive: true, force: true });
}

/** Those that follow a primary now. */
export async function copiesOf(
  { servers }: RedisLab,
  { options }: RedisServerProcess,
): Promise<readonly RedisServerProcess[]> {
  const infos = await Promise.all(servers.map(server => server.ask('info', 'replication')));
  return servers.filter((_, i) => new RegExp(`master_host:${options.address}\\s`).test(infos[i]!));
}

/** Its copies hear nothing of the primary, until they are let go on: what it takes meanwhile is lost where it dies before. */
export async function holdCopies(lab: RedisLab): Promise<() => void> {
  const primary = await lab.primary();
  const copies = await copiesOf(lab, primary);
  for (const copy of copies) copy.signal('SIGSTOP');
  // What is on its way to a process that stands still would arrive later.
  await primary.ask('client', 'kill', 'type', 'replica');
  return () => {
    for (const copy of copies) copy.signal('SIGCONT');
  };
}

/** Ends it with the test. */
export function closing(t: ExecutionContext, lab: RedisLab): RedisLab {
  t.teardown(() => lab.close());
  return lab;
}

function certificates(directory: string, address: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '3', '-subj', '/CN=mgy-ca');
  for (const name of ['server', 'client']) {
    writeFileSync(join(directory, `${name}.ext`), `subjectAltName=IP:${address}\n`);
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '3', '-out', `${name}.crt`, '-extfile', `${name}.ext`],
    );
  }
}
