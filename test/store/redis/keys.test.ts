import { readFileSync } from 'node:fs';
import test from 'ava';
import { aclLine } from '../../../store/redis/keys.js';

test('the documented user is the one that is tested', t => {
  const line = aclLine('margay', 'margay').replace(' on ', ' on >PASSWORD ');
  t.true(readFileSync('docs/redis.md', 'utf8').includes(`\n${line}\n`), line);
});
