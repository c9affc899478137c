/** What the settings are once read, and what is said of each. */
import type { Asn } from '../../core/asn.js';
import type { Prefix } from '../../core/prefix.js';
import type { RedisAddress } from '../../store/redis/connection.js';
import type { AgentMode } from '../calculators/peer-context.js';
import type { AddressWish } from '../node-address.js';
import type { BmpEndpoint, Endpoint } from './setting-values.js';

/** Of the Redis that a cluster shares. */
interface RedisSettings {
  /** None: the store is a directory of this host's. */
  readonly redisNodes: readonly RedisAddress[];
  /** "": they are no Sentinels. */
  readonly redisSentinel: string;
  readonly redisCluster: boolean;
  readonly redisUsername: string;
  readonly redisPasswordFile: string;
  readonly redisSentinelPasswordFile: string;
  readonly redisTls: boolean;
  readonly redisCaFile: string;
  readonly redisCertificateFile: string;
  readonly redisKeyFile: string;
  readonly redisKeyPrefix: string;
  readonly redisCopies: number | 'auto';
}

/** What a setting is, once read. */
export interface Settings extends RedisSettings {
  readonly nodeName: string;
  readonly ipv4Address: AddressWish;
  readonly ipv6Address: AddressWish;
  readonly mode: AgentMode;
  readonly storeDirectory: string;
  readonly dataplane: 'linux' | 'none';
  readonly routeMetric: number;
  /** `auto`: what the Node document has, or the cluster. */
  readonly asNumber: Asn | 'auto';
  readonly restartTimeSeconds: number;
  readonly staleTimeSeconds: number;
  readonly controlSocket: string;
  readonly stateDirectory: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'auto' | 'json' | 'pretty';
  readonly acceptForwarding: boolean;
  readonly policy: 'on' | 'off';
  readonly externalNodes: readonly Prefix[];
  readonly vxlanChecksums: 'auto' | 'on' | 'off';
  readonly bmpStations: readonly BmpEndpoint[];
  readonly metrics: Endpoint | 'none';
}

export interface Setting<K extends keyof Settings = keyof Settings> {
  readonly key: K;
  /** In agent.yaml, with dots. */
  readonly path: string;
  readonly flag: string;
  readonly environment: string;
  /** As it would be written; undefined where it depends on the host. */
  readonly fallback: string | undefined;
  readonly fallbackWords?: string;
  /** A list in agent.yaml; with commas in the flag and the variable. */
  readonly list?: true;
  /** Completes "VALUE is not ..."; of a list, each part of it. */
  readonly allowed: string;
  readonly describe: string;
  /** From text; undefined if it is not allowed. */
  parse(text: string): Settings[K] | undefined;
}
