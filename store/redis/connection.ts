/**
 * SHELL: a connection to the primary of a Redis: alone, behind Sentinels, or in a Redis Cluster. Nothing is queued while it is down, and no
 * command is sent twice by itself: what comes of a command is known within its time, or said to be unknown.
 */
import { Cluster, Redis } from 'ioredis';

export interface RedisAddress {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
}

export interface RedisTls {
  /** PEM; undefined: the authorities that the system trusts. */
  readonly ca: string | undefined;
  /** PEM, of the client; undefined: it shows none. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export interface RedisServer {
  /** `standalone` tries them in turn; of Sentinels and of a Cluster any will do. */
  readonly nodes: readonly RedisAddress[];
  readonly kind:
    | { readonly kind: 'standalone' }
    /** What the Sentinels call the primary. */
    | { readonly kind: 'sentinel'; readonly name: string; readonly password: string | undefined }
    | { readonly kind: 'cluster' };
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: RedisTls | undefined;
}

const CONNECT_TIMEOUT_MS = 4000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** @param times attempts that failed in a row, from 1 @param random from 0 up to 1 */
export function reconnectPauseMs(times: number, random: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 20), LONGEST_PAUSE_MS);
  return Math.round(pause * (0.5 + random));
}

export class RedisConnection {
  readonly client: Redis | Cluster;
  /** The last thing that went wrong with it; undefined while it is fine. */
  #problem: string | undefined;
  readonly #secured: boolean;

  /** @param name for `CLIENT LIST` */
  constructor(server: RedisServer, name: string) {
    this.#secured = server.tls !== undefined;
    this.client = newClient(server, name);
    this.client.on('error', (error: Error) => {
      this.#problem = connectionWords(error, this.#secured);
    });
    this.client.on('node error', (error: Error, node: string) => {
      this.#problem = `${node}: ${connectionWords(error, this.#secured)}`;
    });
    let wasReady = false;
    this.client.on('ready', () => {
      this.#problem = undefined;
      wasReady = true;
    });
    this.client.on('close', () => {
      this.#problem ??= wasReady ? CONNECTION_LOST : asksForTls('it was closed at once', this.#secured);
      wasReady = false;
    });
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** What there is to say while nothing has gone wrong, and it is not there. */
  get unknown(): string {
    return asksForTls('no connection yet', this.#secured);
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Resolves when it is there, or after the time. */
  async ready(patienceMs: number): Promise<boolean> {
    if (this.isReady) return true;
    await new Promise<void>(resolve => {
      const done = () => {
        clearTimeout(timer);
        this.client.off('ready', done);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.client.on('ready', done);
    });
    return this.isReady;
  }

  /**
   * What a command answers.
   * @param timeoutMs after which it counts as unknown
   * @throws with the reason in words
   */
  async ask<T>(timeoutMs: number, command: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (!this.isReady) throw new Error(this.#problem ?? this.unknown);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LateAnswer(timeoutMs)), timeoutMs);
    });
    try {
      return await Promise.race([command(this.client), late]);
    } catch (error) {
      if (error instanceof LateAnswer) this.#problem = error.message;
      if (error instanceof LateAnswer || isStale(error)) this.again();
      throw new Error(errorWords(error as Error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets it go, and finds the primary anew. */
  again(): void {
    if (this.isReady) this.client.disconnect(true);
  }

  close(): void {
    this.client.disconnect();
  }
}

class LateAnswer extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/** The other end is no primary any more, or not of these keys. */
function isStale(error: unknown): boolean {
  return /^(READONLY|MOVED|CLUSTERDOWN|MASTERDOWN|NOREPLICAS)/.test((error as Error).message ?? '');
}

function newClient(server: RedisServer, connectionName: string): Redis | Cluster {
  const { nodes, kind, username, password, tls } = server;
  const retryStrategy = (times: number) => reconnectPauseMs(times, Math.random());
  const secured = tls === undefined ? {} : { tls: tlsOptions(tls) };
  const common = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...secured,
    connectionName,
    protocol: 2 as const,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disableClientInfo: true,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    keepAlive: 10_000,
  };
  switch (kind.kind) {
    case 'standalone':
      return new Redis({ ...common, ...nodes[0]!, enableOfflineQueue: false, retryStrategy });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: nodes.map(({ host, port }) => ({ host, port })),
        name: kind.name,
        ...(kind.password === undefined ? {} : { sentinelPassword: kind.password }),
        ...(tls === undefined ? {} : { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true }),
        enableOfflineQueue: false,
        retryStrategy,
        sentinelRetryStrategy: retryStrategy,
      });
    case 'cluster':
      return new Cluster([...nodes], {
        redisOptions: common,
        enableOfflineQueue: false,
        enableReadyCheck: false,
        maxRedirections: 4,
        // The names in certificates are those of the nodes' addresses.
        dnsLookup: (address, callback) => callback(null, address),
        clusterRetryStrategy: retryStrategy,
      });
  }
}

function tlsOptions({ ca, certificate, key }: RedisTls) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

const CONNECTION_LOST = 'the connection was lost';

/** Of a server that says nothing, or hangs up: one without TLS does that to whoever comes with it. */
function asksForTls(words: string, secured: boolean): string {
  return secured ? `${words}: is TLS spoken there?` : words;
}

/** Of one that does not come about. ioredis gives up on a handshake with these words and no address. */
export function connectionWords(error: Error, secured: boolean): string {
  const words = errorWords(error);
  return asksForTls(words, secured && words === 'connect ETIMEDOUT');
}

/** ioredis wraps what nodes said. Ends without a full stop: it is a part of sentences. */
export function errorWords(error: Error & { readonly lastNodeError?: Error }): string {
  const inner = error.lastNodeError ?? (error instanceof AggregateError ? error.errors[0] : undefined);
  const text = ((inner ?? error).message || (error as NodeJS.ErrnoException).code || error.name)
    .trim()
    .replace(/\.$/, '');
  if (/^NOPERM|user executing the script can't/.test(text))
    return `${text}: its user lacks a right that docs/redis.md lists`;
  if (/^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)/.test(text))
    return `${text}: store.redis.username and store.redis.passwordFile say who asks`;
  if (/^(Unknown RESP type|Protocol error)/.test(text)) return 'what answers there is no Redis';
  return /^(Connection is closed|Reached the max retries|Stream isn't writeable)/.test(text)
    ? CONNECTION_LOST
    : text;
}
