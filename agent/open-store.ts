/** SHELL: the store that the settings name: a directory, or a Redis; with what was good before a restart beside it. */
import { join, resolve } from 'node:path';
import { systemClock } from '../bgp/speaker/system-clock.js';
import { endpointText } from '../core/ip-address.js';
import { tryLock, unlock } from '../linux/flock.js';
import { FileStore } from '../store/file/file-store.js';
import { GoodDocuments } from '../store/good-documents.js';
import { LastGoodStore } from '../store/last-good.js';
import type { Store } from '../store/port.js';
import { clusterFile } from '../store/redis/cluster-memory.js';
import { RedisStore, type RedisStoreOptions } from '../store/redis/redis-store.js';
import { redisContradictions, redisSettings } from './config/redis-settings.js';
import type { Settings } from './config/setting.js';
import type { Log } from './options.js';
import { type RedisSettings, redisServer } from './redis-files.js';
import type { StateProblems } from './state-problems.js';

/** For people: the directory, or the nodes. */
export function storeLocation(settings: StoreSettings): string {
  const { redisNodes, redisSentinel, redisCluster, redisKeyPrefix, redisTls } = settings;
  if (redisNodes.length === 0) return settings.storeDirectory;
  const kind = redisSentinel !== '' ? 'redis-sentinel' : redisCluster ? 'redis-cluster' : 'redis';
  const nodes = redisNodes.map(({ host, port }) => endpointText({ address: host, port }));
  const path = redisSentinel === '' ? redisKeyPrefix : `${redisSentinel}/${redisKeyPrefix}`;
  return `${kind}${redisTls ? '+tls' : ''}://${nodes.join(',')}/${path}`;
}

/** What {@link storeLocation} says, read back: where it is, and nothing of who may read it. Undefined: it is none. */
export function parseStoreLocation(text: string): Partial<Settings> | undefined {
  if (text.startsWith('/') || text.startsWith('.')) return { storeDirectory: resolve(text), redisNodes: [] };
  const match = /^redis(-sentinel|-cluster)?(\+tls)?:\/\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, kind, tls, nodes = '', first, second] = match;
  const isSentinel = kind === '-sentinel';
  if (isSentinel ? first === undefined : second !== undefined) return undefined;
  const written: Partial<Record<keyof Settings, string | undefined>> = {
    redisNodes: nodes,
    redisSentinel: isSentinel ? first : '',
    redisKeyPrefix: isSentinel ? second : first,
    redisCluster: String(kind === '-cluster'),
    redisTls: String(tls !== undefined),
  };
  const values: Partial<Record<keyof Settings, unknown>> = {};
  for (const { key, fallback, parse } of redisSettings) {
    if (!Object.hasOwn(written, key)) continue;
    values[key] = parse(written[key] ?? fallback ?? '');
    if (values[key] === undefined) return undefined;
  }
  const found = values as Partial<Settings>;
  return redisContradictions(found).length === 0 ? found : undefined;
}

/** @throws with what cannot be read, in words */
export async function openStore(settings: Settings, log: Log, state: StateProblems): Promise<Store> {
  const origin = storeLocation(settings);
  const memory = clusterFile(join(settings.stateDirectory, 'store-cluster'), origin, problem =>
    state.tell('store-cluster', 'which cluster the store is cannot be kept for the next start', problem),
  );
  const store = plainStore(settings, { name: `margay-${settings.nodeName}`, memory });
  const documents = await GoodDocuments.open({
    path: join(settings.stateDirectory, 'good-documents'),
    origin,
    clock: systemClock,
    problem: text => state.tell('good-documents', 'good documents cannot be kept for the next start', text),
    damaged: document =>
      log.warn({ document }, 'a document that was good before cannot be read from what was kept of it'),
  });
  return new LastGoodStore(store, documents);
}

/** What of its files cannot be read or used, each with its setting. */
export function storeFilesProblems(settings: StoreSettings): readonly string[] {
  if (settings.redisNodes.length === 0) return [];
  try {
    redisServer(settings);
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

export type StoreSettings = RedisSettings & Pick<Settings, 'storeDirectory'>;

/**
 * Without what was good before. @param options of a Redis: what connections are called, and which cluster it is
 * @throws with what cannot be read, in words
 */
export function plainStore(
  settings: StoreSettings,
  options: Pick<RedisStoreOptions, 'name' | 'memory' | 'newCluster'>,
): FileStore | RedisStore {
  if (settings.redisNodes.length === 0)
    return new FileStore({ directory: settings.storeDirectory, lock: { tryLock, unlock } });
  const { redisKeyPrefix, redisCopies } = settings;
  return new RedisStore({
    server: redisServer(settings),
    keyPrefix: redisKeyPrefix,
    copies: redisCopies,
    ...options,
  });
}
