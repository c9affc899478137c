import { readFileSync } from 'node:fs';
import test from 'ava';
import { aclLine } from '../../store/redis/keys.js';

test('docs/redis.md has the rights that the store is tested with', t => {
  const text = readFileSync(new URL('../../../docs/redis.md', import.meta.url), 'utf8');
  const [user, ...rights] = aclLine('margay', 'margay').split(' on ');
  t.true(text.includes(`${user} on >PASSWORD ${rights.join(' on ')}\n`));
});
