/** A store that several processes share, told to each of them as text: the one place that knows which kinds there are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tryLock, unlock } from '../../../linux/flock.js';
import { FileStore } from '../../../store/file/file-store.js';
import type { Store } from '../../../store/port.js';
import type { RedisServer } from '../../../store/redis/connection.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { CarelessStore } from '../../ipam/troubled-store.js';
import { holdCopies, type RedisLab, sentinelRedis, standaloneRedis } from '../../support/redis-lab.js';

/** Of what a primary acknowledged before it was killed. */
const LOST_MS = 1000;

/** Plain data. */
export type StoreAddress =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'redis'; readonly server: Pick<RedisServer, 'nodes' | 'kind'> };

export interface SharedStore {
  readonly address: StoreAddress;
  /** What befalls it while it is used; resolves when that is over. */
  disturb?(): Promise<void>;
  /** Removes all that it has. */
  remove(): Promise<void>;
}

/** In memory: thousands of fsyncs would measure the disk. */
export async function sharedFileStore(): Promise<SharedStore> {
  const directory = mkdtempSync('/dev/shm/mgy-ipam-');
  return {
    address: { kind: 'file', directory },
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** It is killed, and comes back with all that it has acknowledged. */
export async function restartingRedis(): Promise<SharedStore> {
  const lab = await standaloneRedis();
  return { ...ofLab(lab), disturb: () => restart(lab) };
}

/**
 * Its primary is killed after a second of which its copies hear nothing, and comes back as a copy of the one that took its place: what it
 * has acknowledged in that second is forgotten.
 */
export async function failingRedis(): Promise<SharedStore> {
  const lab = await sentinelRedis();
  return { ...ofLab(lab), disturb: () => failOver(lab) };
}

/** @param careless the planted race: it writes whatever was there */
export function openShared(address: StoreAddress, careless = false): Store {
  const store = openStore(address);
  return careless ? new CarelessStore(store) : store;
}

function openStore(address: StoreAddress): Store {
  switch (address.kind) {
    case 'file':
      return new FileStore({ directory: address.directory, lock: { tryLock, unlock }, rescanMs: 500 });
    case 'redis': {
      const server = { username: undefined, password: undefined, tls: undefined, ...address.server };
      return new RedisStore({ server, keyPrefix: 'ipam', name: `ipam-${process.pid}`, copies: 'auto' });
    }
  }
}

function ofLab(lab: RedisLab): SharedStore {
  const { nodes, kind } = lab.server;
  return { address: { kind: 'redis', server: { nodes, kind } }, remove: () => lab.close() };
}

async function restart(lab: RedisLab): Promise<void> {
  const server = await lab.primary();
  await server.kill();
  await server.start();
}

async function failOver(lab: RedisLab): Promise<void> {
  const before = await lab.primary();
  const goOn = await holdCopies(lab);
  await new Promise(resolve => setTimeout(resolve, LOST_MS));
  await before.kill();
  goOn();
  const patience = performance.now() + 30_000;
  while ((await lab.primary()) === before && performance.now() < patience)
    await new Promise(resolve => setTimeout(resolve, 200));
  await before.start();
}
