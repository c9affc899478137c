import test from 'ava';
import { StrangerLog } from '../../../bgp/speaker/stranger-log.js';
import type { IpAddress } from '../../../core/ip-address.js';

const address = (i: number) => `10.0.${i >> 8}.${i & 255}` as IpAddress;

test('a stranger is news once a minute', t => {
  const log = new StrangerLog();
  const at = [0, 1, 59_999, 60_000, 60_001].map(ms => log.isNews(address(1), ms));
  t.deepEqual(at, [true, false, false, true, false]);
});

test('of many strangers a hundred are news', t => {
  const log = new StrangerLog();
  let news = 0;
  for (let i = 0; i < 5000; i++) if (log.isNews(address(i), i)) news++;
  t.is(news, 100);
});
