/** A connection that does not come about. */
import test from 'ava';
import { RedisConnection } from '../../../store/redis/connection.js';

test('whoever waits for a connection is let go when it is closed', async t => {
  t.timeout(10_000);
  const nodes = [{ host: '127.0.0.1', port: 1 }];
  const plain = { username: undefined, password: undefined, tls: undefined } as const;
  const connection = new RedisConnection({ nodes, kind: { kind: 'standalone' }, ...plain }, 'closed');
  const ready = connection.ready(60_000);
  connection.close();
  t.false(await ready);
});
