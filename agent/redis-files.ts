/** SHELL: the Redis that the settings name, with what stands in files of its own: passwords, certificates, keys. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisServer, RedisTls } from '../store/redis/connection.js';
import type { Settings } from './config/setting.js';

export type RedisSettings = Pick<Settings, Extract<keyof Settings, `redis${string}`>>;

/** As the files are now. @throws with everything that is wrong with them, a line each */
export function redisServer(settings: RedisSettings): RedisServer {
  const { redisNodes, redisSentinel, redisCluster, redisUsername } = settings;
  const files = new Files();
  const sentinelPassword = files.password(
    'store.redis.sentinelPasswordFile',
    settings.redisSentinelPasswordFile,
  );
  const password = files.password('store.redis.passwordFile', settings.redisPasswordFile);
  const tls = settings.redisTls ? redisTls(files, settings) : undefined;
  if (files.problems.length > 0) throw new Error(files.problems.join('\n'));
  return {
    nodes: redisNodes,
    kind:
      redisSentinel !== ''
        ? { kind: 'sentinel', name: redisSentinel, password: sentinelPassword }
        : { kind: redisCluster ? 'cluster' : 'standalone' },
    username: redisUsername === '' ? undefined : redisUsername,
    password,
    tls,
    renew: () => redisServer(settings),
  };
}

function redisTls(files: Files, settings: RedisSettings): RedisTls {
  const { redisCaFile, redisCertificateFile, redisKeyFile } = settings;
  const isCertificate = (text: string) => new X509Certificate(text);
  const certificatePath = 'store.redis.certificateFile';
  const ca = files.pem('store.redis.caFile', redisCaFile, 'a certificate', isCertificate);
  const certificate = files.pem(certificatePath, redisCertificateFile, 'a certificate', isCertificate);
  const key = files.pem('store.redis.keyFile', redisKeyFile, 'a private key', createPrivateKey);
  if (certificate !== undefined && key !== undefined) {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      files.problems.push(`store.redis.keyFile: ${redisKeyFile} is not the key of ${certificatePath}`);
  }
  return { ca, certificate, key };
}

class Files {
  readonly problems: string[] = [];

  password(setting: string, file: string): string | undefined {
    const found = this.#content(setting, file)?.split('\n')[0]?.trim();
    if (found === '') this.problems.push(`${setting}: ${file} has no password in its first line`);
    return found;
  }

  pem(setting: string, file: string, what: string, check: (text: string) => unknown): string | undefined {
    const found = this.#content(setting, file);
    if (found === undefined) return undefined;
    try {
      check(found);
      return found;
    } catch (error) {
      this.problems.push(`${setting}: ${file} is not ${what} in PEM (${(error as Error).message})`);
      return undefined;
    }
  }

  #content(setting: string, file: string): string | undefined {
    if (file === '') return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      this.problems.push(`${setting}: ${(error as Error).message}`);
      return undefined;
    }
  }
}
