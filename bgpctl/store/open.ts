/** SHELL: a store that is named on the command line: a directory, a Redis by its address, or what an agent's configuration says. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { readConfigurationFile } from '../../agent/config/file.js';
import { loadConfiguration } from '../../agent/config/load.js';
import { redisSettings } from '../../agent/config/redis-settings.js';
import type { Settings } from '../../agent/config/setting.js';
import { parseStoreLocation, plainStore, type StoreSettings, storeLocation } from '../../agent/open-store.js';
import type { Store } from '../../store/port.js';
import { UsageError } from '../command.js';

export interface OpenStore {
  readonly store: ReturnType<typeof plainStore>;
  readonly location: string;
  close(): Promise<void>;
}

const keys = ['storeDirectory', ...redisSettings.map(({ key }) => key)] as (keyof Settings)[];

export const storeAllowed =
  'a directory (/var/lib/margay/store), an agent.yaml, or redis://HOST:PORT/PREFIX, redis-sentinel://HOST:PORT,.../NAME/PREFIX, redis-cluster://HOST:PORT,.../PREFIX (with +tls in front of ://)';

/** @param text undefined: that of this host's agent @param newCluster what an empty Redis is called from now on */
export function openNamedStore(text: string | undefined, newCluster?: string): OpenStore {
  const settings = settingsOf(text);
  try {
    const options = { name: 'bgpctl-store', ...(newCluster === undefined ? {} : { newCluster }) };
    const store = plainStore(settings, options);
    return { store, location: storeLocation(settings), close: () => (store as Store).close() };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** One that is to be read: a directory is not made for that. @param text undefined: that of this host's agent */
export function openStoreThatIs(text: string | undefined): OpenStore {
  const { redisNodes, storeDirectory } = settingsOf(text);
  if (redisNodes.length === 0 && !existsSync(storeDirectory))
    throw new UsageError(`there is no directory ${storeDirectory}`);
  return openNamedStore(text);
}

function settingsOf(text: string | undefined): StoreSettings {
  if (text === undefined || /\.ya?ml$/.test(text)) return configured(text);
  // Not repeated: there may be a password in it.
  if (/^redis[^/]*:\/\/[^/]*@/.test(text))
    throw new UsageError(
      "user and password are no part of a store's name: they are store.redis.username and store.redis.passwordFile of this host's agent.yaml, or MARGAY_REDIS_USERNAME and MARGAY_REDIS_PASSWORD_FILE",
    );
  const found = parseStoreLocation(text);
  if (found === undefined) throw new UsageError(`"${text}" is no store: ${storeAllowed}`);
  // What a location does not say, such as the password, is as in the configuration of this host.
  return { ...configured(undefined), ...found };
}

function configured(file: string | undefined): StoreSettings {
  const found = readConfigurationFile(file);
  if (found.kind === 'unreadable') throw new UsageError(found.problem);
  const loaded = loadConfiguration(
    { file: found.file, environment: process.env, flags: {}, hostName: hostname() },
    keys,
  );
  if (loaded.kind === 'invalid')
    throw new UsageError(loaded.problems.map(({ place, message }) => `${place}: ${message}`).join('\n'));
  return loaded.settings as StoreSettings;
}

/** Which cluster a host's store was, by its state directory. */
export function rememberedCluster(file: string): string | undefined {
  try {
    const { cluster } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cluster?: unknown };
    return typeof cluster === 'string' ? cluster : undefined;
  } catch {
    return undefined;
  }
}
