/** The settings of a cluster's Redis, and what is wrong with them together. Pure. */
import type { RedisAddress } from '../../store/redis/connection.js';
import { DEFAULT_KEY_PREFIX } from '../../store/redis/keys.js';
import type { Setting, Settings } from './setting.js';
import { listOf, path, wholeNumber } from './setting-values.js';

const flag = (text: string) => ({ true: true, false: false })[text];
const optionalPath = (text: string) => (text === '' ? text : path(text));
const none = { fallback: '', fallbackWords: 'none' } as const;

export const redisSettings: readonly Setting[] = [
  {
    key: 'redisNodes',
    path: 'store.redis.nodes',
    flag: 'redis-nodes',
    environment: 'MARGAY_REDIS_NODES',
    ...none,
    list: true,
    allowed: 'HOST:PORT, an IPv6 address in brackets',
    describe:
      "The Redis that a cluster's hosts share: its address; those of its Sentinels, with `store.redis.sentinel`; or some of a Redis Cluster, with `store.redis.cluster`. Without any the documents are files of this host.",
    parse: listOf(redisAddress),
  },
  {
    key: 'redisSentinel',
    path: 'store.redis.sentinel',
    flag: 'redis-sentinel',
    environment: 'MARGAY_REDIS_SENTINEL',
    ...none,
    allowed: 'the name by which Sentinels know the primary, of letters, digits, ".", "-" and "_"',
    describe: 'The nodes are Sentinels, and this is what they call the primary, such as `mymaster`.',
    parse: text => (/^[\w.-]*$/.test(text) ? text : undefined),
  },
  {
    key: 'redisCluster',
    path: 'store.redis.cluster',
    flag: 'redis-cluster',
    environment: 'MARGAY_REDIS_CLUSTER',
    fallback: 'false',
    allowed: 'true or false',
    describe: 'The nodes are those of a Redis Cluster; all keys of one prefix are on one of its shards.',
    parse: flag,
  },
  {
    key: 'redisUsername',
    path: 'store.redis.username',
    flag: 'redis-username',
    environment: 'MARGAY_REDIS_USERNAME',
    ...none,
    allowed: 'a name without blanks',
    describe:
      "The user of Redis' ACL that the agent is: docs/redis.md has the line that gives it the least rights.",
    parse: text => (/\s/.test(text) ? undefined : text),
  },
  {
    key: 'redisPasswordFile',
    path: 'store.redis.passwordFile',
    flag: 'redis-password-file',
    environment: 'MARGAY_REDIS_PASSWORD_FILE',
    ...none,
    allowed: 'an absolute path',
    describe: 'A file whose first line is the password.',
    parse: optionalPath,
  },
  {
    key: 'redisSentinelPasswordFile',
    path: 'store.redis.sentinelPasswordFile',
    flag: 'redis-sentinel-password-file',
    environment: 'MARGAY_REDIS_SENTINEL_PASSWORD_FILE',
    ...none,
    allowed: 'an absolute path',
    describe: 'The same for the Sentinels, where they ask for one.',
    parse: optionalPath,
  },
  {
    key: 'redisTls',
    path: 'store.redis.tls',
    flag: 'redis-tls',
    environment: 'MARGAY_REDIS_TLS',
    fallback: 'false',
    allowed: 'true or false',
    describe: 'Whether connections are encrypted, and the certificates of the other ends checked.',
    parse: flag,
  },
  {
    key: 'redisCaFile',
    path: 'store.redis.caFile',
    flag: 'redis-ca-file',
    environment: 'MARGAY_REDIS_CA_FILE',
    fallback: '',
    fallbackWords: "the system's",
    allowed: 'an absolute path',
    describe: 'Certificates (PEM) of the authorities that may have signed those of the other ends.',
    parse: optionalPath,
  },
  {
    key: 'redisCertificateFile',
    path: 'store.redis.certificateFile',
    flag: 'redis-certificate-file',
    environment: 'MARGAY_REDIS_CERTIFICATE_FILE',
    ...none,
    allowed: 'an absolute path',
    describe: 'The certificate (PEM) that the agent shows, with `store.redis.keyFile`.',
    parse: optionalPath,
  },
  {
    key: 'redisKeyFile',
    path: 'store.redis.keyFile',
    flag: 'redis-key-file',
    environment: 'MARGAY_REDIS_KEY_FILE',
    ...none,
    allowed: 'an absolute path',
    describe: 'The private key (PEM) of that certificate.',
    parse: optionalPath,
  },
  {
    key: 'redisKeyPrefix',
    path: 'store.redis.keyPrefix',
    flag: 'redis-key-prefix',
    environment: 'MARGAY_REDIS_KEY_PREFIX',
    fallback: DEFAULT_KEY_PREFIX,
    allowed: 'at most 64 letters, digits, "-", "_", "." and ":"',
    describe: 'What stands in braces before each key of this cluster: several clusters may share a Redis.',
    parse: text => (/^[\w.:-]{1,64}$/.test(text) ? text : undefined),
  },
  {
    key: 'redisCopies',
    path: 'store.redis.copies',
    flag: 'redis-copies',
    environment: 'MARGAY_REDIS_COPIES',
    fallback: 'auto',
    allowed: 'auto, or a whole number from 0 to 10',
    describe:
      'Replicas that must have a claim (of a block, an address, a name) before it counts: a primary that dies takes with it what no replica has. `auto`: with the primary more than half of all that were ever seen. While fewer are there, no claim is made, and everything else goes on.',
    parse: text => (text === 'auto' ? text : wholeNumber(0, 10)(text)),
  },
];

/** Names and addresses; where it leads to is for the connection to find out. */
function redisAddress(text: string): RedisAddress | undefined {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([A-Za-z0-9]([\w.-]*[\w])?)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
}

/** What each of them allows and all of them together do not: the path of a setting, and what is wrong with it. */
export function redisContradictions(
  settings: Partial<Settings>,
): readonly (readonly [path: string, message: string])[] {
  const { redisNodes = [], redisSentinel = '', redisCluster = false, redisTls = false } = settings;
  const { redisCaFile = '', redisCertificateFile = '', redisKeyFile = '' } = settings;
  const found: (readonly [string, string])[] = [];
  if (redisSentinel !== '' && redisCluster)
    found.push([
      'store.redis.cluster',
      'true beside store.redis.sentinel: nodes are Sentinels or of a Cluster',
    ]);
  if (redisNodes.length > 1 && redisSentinel === '' && !redisCluster)
    found.push([
      'store.redis.nodes',
      'several, and neither store.redis.sentinel nor store.redis.cluster says what they are',
    ]);
  if ((redisCertificateFile === '') !== (redisKeyFile === ''))
    found.push(['store.redis.keyFile', 'a certificate and its key belong together: give both, or neither']);
  if (!redisTls && (redisCaFile !== '' || redisCertificateFile !== ''))
    found.push(['store.redis.tls', 'false, and there are certificates: set it to true']);
  return found;
}
