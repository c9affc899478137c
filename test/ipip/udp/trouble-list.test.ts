import test from 'ava';
import { TroubleList } from '../../../ipip/udp/trouble-list.js';

function setUp() {
  const told: string[] = [];
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const troubles = new TroubleList(
    () => time.nowMs,
    (subject, message) => told.push(`${subject}=${message}`),
  );
  return { troubles, told, time };
}

test('a trouble is told when it begins, is another, and ends; it stays the last thing that went wrong', t => {
  const { troubles, told, time } = setUp();
  troubles.set('socket', '');
  troubles.set('socket', 'taken');
  time.nowMs += 5000;
  troubles.set('socket', 'taken');
  troubles.set('device', 'gone');
  t.deepEqual(troubles.current, ['socket: taken', 'device: gone']);
  troubles.set('socket', 'no such address');
  troubles.set('device', '');
  troubles.set('socket', '');
  t.deepEqual(told, ['socket=taken', 'device=gone', 'socket=no such address', 'device=', 'socket=']);
  t.deepEqual(troubles.current, []);
  t.deepEqual(troubles.last, { at: '2026-01-01T00:00:05.000Z', message: 'socket: no such address' });
});

test("a packet's failure is the last thing that went wrong, and nothing that is wrong now", t => {
  const { troubles, told, time } = setUp();
  t.is(troubles.last, undefined);
  troubles.note('to 10.0.0.2: EPERM');
  time.nowMs += 999;
  troubles.note('to 10.0.0.2: EPERM');
  t.is(troubles.last?.at, '2026-01-01T00:00:00.000Z');
  time.nowMs += 1;
  troubles.note('to 10.0.0.2: EPERM');
  t.is(troubles.last?.at, '2026-01-01T00:00:01.000Z');
  t.deepEqual([told, troubles.current], [[], []]);
});
