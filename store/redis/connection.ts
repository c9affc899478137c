/**
 * SHELL: a connection to the primary of a Redis: alone, behind Sentinels, or in a Redis Cluster. Nothing is queued while it is down, and no
 * command is sent twice by itself: what comes of a command is known within its time, or said to be unknown.
 */
import { isDeepStrictEqual } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { endpointText } from '../../core/ip-address.js';

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
  /** `standalone` has one; of Sentinels and of a Cluster any will do. */
  readonly nodes: readonly RedisAddress[];
  readonly kind:
    | { readonly kind: 'standalone' }
    /** What the Sentinels call the primary. */
    | { readonly kind: 'sentinel'; readonly name: string; readonly password: string | undefined }
    | { readonly kind: 'cluster' };
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: RedisTls | undefined;
  /**
   * Before each further try: passwords and certificates are replaced while agents run; what else is in it does not count.
   * @throws with what of them cannot be read: they stay what they were
   */
  readonly renew?: () => RedisServer;
}

const CONNECT_TIMEOUT_MS = 4000;
/** For the other end to take its leave; ioredis keeps the process for so long also where there is none. */
const GOODBYE_TIMEOUT_MS = 300;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** @param times attempts that failed in a row, from 1 @param random from 0 up to 1 */
export function reconnectPauseMs(times: number, random: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 20), LONGEST_PAUSE_MS);
  return Math.round(pause * (0.5 + random));
}

export class RedisConnection {
  readonly #name: string;
  #server: RedisServer;
  #client: Redis | Cluster;
  /** The last thing that went wrong with it; undefined while it is fine. */
  #problem: string | undefined;
  /** What of its credentials cannot be read now. */
  #unreadable: string | undefined;
  readonly #waiting = new Set<() => void>();

  /** @param name for `CLIENT LIST` */
  constructor(server: RedisServer, name: string) {
    this.#name = name;
    this.#server = server;
    this.#client = this.#open(server);
  }

  get problem(): string | undefined {
    return this.#unreadable ?? this.#problem;
  }

  /** What there is to say while nothing has gone wrong, and it is not there. */
  get unknown(): string {
    return asksForTls(`no connection to ${nodeList(this.#server)} yet`, this.#server);
  }

  get isReady(): boolean {
    return this.#client.status === 'ready';
  }

  /** Resolves when it is there, or after the time. */
  async ready(patienceMs: number): Promise<boolean> {
    if (this.isReady) return true;
    await new Promise<void>(resolve => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.#waiting.add(done);
    });
    return this.isReady;
  }

  /**
   * What a command answers.
   * @param timeoutMs after which it counts as unknown
   * @throws with the reason in words
   */
  async ask<T>(timeoutMs: number, command: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (!this.isReady) throw new Error(this.problem ?? this.unknown);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LateAnswer(timeoutMs)), timeoutMs);
    });
    try {
      return await Promise.race([command(this.#client), late]);
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
    if (this.isReady) this.#client.disconnect(true);
  }

  /** Nobody waits for it any more. */
  close(): void {
    this.#client.disconnect();
    this.#wake();
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  #open(server: RedisServer): Redis | Cluster {
    const client = newClient(server, this.#name, times => this.#pauseMs(server, times));
    const isCurrent = () => client === this.#client;
    client.on('error', (error: Error) => {
      if (isCurrent()) this.#problem = connectionWords(error, server);
    });
    client.on('node error', (error: Error, node: string) => {
      if (isCurrent()) this.#problem = `${node}: ${connectionWords(error, server)}`;
    });
    let wasReady = false;
    client.on('ready', () => {
      wasReady = true;
      if (!isCurrent()) return;
      this.#problem = undefined;
      this.#unreadable = undefined;
      this.#wake();
    });
    client.on('close', () => {
      if (isCurrent())
        this.#problem ??= wasReady ? CONNECTION_LOST : asksForTls('it was closed at once', server);
      wasReady = false;
    });
    return client;
  }

  /** Before a further try. Undefined: there is none with these credentials, others are there by now. */
  #pauseMs(server: RedisServer, times: number): number | undefined {
    if (server !== this.#server) return undefined;
    const renewed = this.#renewed();
    if (isDeepStrictEqual(credentials(renewed), credentials(server)))
      return reconnectPauseMs(times, Math.random());
    this.#server = renewed;
    this.#client = this.#open(renewed);
    return undefined;
  }

  #renewed(): RedisServer {
    try {
      const found = this.#server.renew?.() ?? this.#server;
      this.#unreadable = undefined;
      return found;
    } catch (error) {
      this.#unreadable = (error as Error).message;
      return this.#server;
    }
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

/** @param retryStrategy how long to wait before a further try, ms; undefined: there is none */
function newClient(
  server: RedisServer,
  connectionName: string,
  retryStrategy: (times: number) => number | undefined,
): Redis | Cluster {
  const { nodes, kind } = server;
  const common = {
    ...credentials(server),
    connectionName,
    protocol: 2 as const,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: GOODBYE_TIMEOUT_MS,
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

/** Of ioredis' options. */
function credentials({ kind, username, password, tls }: RedisServer) {
  const ofSentinels = kind.kind === 'sentinel' && kind.password !== undefined;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    ...(ofSentinels ? { sentinelPassword: kind.password } : {}),
    ...(kind.kind === 'sentinel' && tls !== undefined
      ? { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true }
      : {}),
  };
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
function asksForTls(words: string, { tls }: Pick<RedisServer, 'tls'>): string {
  return tls !== undefined ? `${words}: is TLS spoken there?` : words;
}

/** Such as `10.0.0.5:6379, [2001:db8::5]:6379`. */
function nodeList({ nodes }: Pick<RedisServer, 'nodes'>): string {
  return nodes.map(({ host, port }) => endpointText({ address: host, port })).join(', ');
}

/** Of one that does not come about. ioredis gives up on a connection or its handshake with these words and no address. */
export function connectionWords(error: Error, server: Pick<RedisServer, 'nodes' | 'kind' | 'tls'>): string {
  const words = errorWords(error);
  if (words !== 'connect ETIMEDOUT') return words;
  const whither = server.kind.kind === 'standalone' ? ` ${nodeList(server)}` : '';
  return asksForTls(`${words}${whither}`, server);
}

/** @param text what the last that was asked said */
function sentinelWords(text: string | undefined): string {
  const all = 'no Sentinel says where the primary is';
  if (text === undefined) return all;
  if (/No such master with that name/.test(text))
    return `${all}: ${text}: store.redis.sentinel is what they call it`;
  if (REFUSED_PASSWORD.test(text)) return `${all}: ${text}: store.redis.sentinelPasswordFile is for them`;
  return `${all}: ${text}`;
}

const REFUSED_PASSWORD = /^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)/;

/** ioredis wraps what nodes said. Ends without a full stop: it is a part of sentences. */
export function errorWords(error: Error & { readonly lastNodeError?: Error }): string {
  const inner = error.lastNodeError ?? (error instanceof AggregateError ? error.errors[0] : undefined);
  const text = ((inner ?? error).message || (error as NodeJS.ErrnoException).code || error.name)
    .trim()
    .replace(/\.$/, '');
  const ofSentinels = /^All sentinels are unreachable.*?(?:Last error: (.*))?$/.exec(text);
  if (ofSentinels !== null) return sentinelWords(ofSentinels[1]);
  if (/^NOPERM|user executing the script can't/.test(text))
    return `${text}: its user lacks a right that docs/redis.md lists`;
  if (REFUSED_PASSWORD.test(text))
    return `${text}: store.redis.username and store.redis.passwordFile say who asks`;
  if (/^(Unknown RESP type|Protocol error)/.test(text)) return 'what answers there is no Redis';
  return /^(Connection is closed|Reached the max retries|Stream isn't writeable)/.test(text)
    ? CONNECTION_LOST
    : text;
}
