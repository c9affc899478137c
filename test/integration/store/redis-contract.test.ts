/** The store's contract on every kind of Redis. */
import test from 'ava';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { storeContract } from '../../store/contract.js';
import {
  clusterRedis,
  type RedisLab,
  securedRedis,
  sentinelRedis,
  standaloneRedis,
} from '../../support/redis-lab.js';

const kinds: Readonly<Record<string, () => Promise<RedisLab>>> = {
  'Redis alone': () => standaloneRedis(),
  'Redis with TLS and the least rights': () => securedRedis('t*'),
  Sentinel: sentinelRedis,
  'Redis Cluster': () => clusterRedis('t1'),
};
const labs = new Map<string, RedisLab>();
let stores = 0;

test.before(async () => {
  for (const [name, start] of Object.entries(kinds)) labs.set(name, await start());
});

test.after.always(async () => {
  for (const lab of labs.values()) await lab.close();
});

for (const name of Object.keys(kinds)) {
  storeContract(test, name, async () => {
    const { server } = labs.get(name)!;
    return new RedisStore({ server, keyPrefix: `t${++stores}`, name: 'contract', copies: 'auto' });
  });
}
