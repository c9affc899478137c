import test from 'ava';
import { detectionTimeUs, jittered, transmitIntervalUs } from '../../../bgp/bfd/intervals.js';
import { Negotiation } from '../../../bgp/bfd/negotiation.js';

const of = (desiredMinTxUs: number, requiredMinRxUs: number) => ({ desiredMinTxUs, requiredMinRxUs });

test('the slower of both ends decides how often packets go; 0 stops them', t => {
  t.is(transmitIntervalUs(300_000, 50_000), 300_000);
  t.is(transmitIntervalUs(300_000, 900_000), 900_000);
  t.is(transmitIntervalUs(300_000, 0), undefined);
});

test("the detection time is the peer's multiplier times the slower of its sending and our receiving", t => {
  t.is(detectionTimeUs(300_000, { detectMultiplier: 3, desiredMinTxUs: 100_000 }), 900_000);
  t.is(detectionTimeUs(300_000, { detectMultiplier: 5, desiredMinTxUs: 1_000_000 }), 5_000_000);
});

test('jitter leaves 75 to 100 percent, 75 to 90 where the multiplier is 1', t => {
  t.is(jittered(1000, 3, 0), 750);
  t.is(jittered(1000, 3, 1), 1000);
  t.is(jittered(1000, 1, 0), 750);
  t.is(jittered(1000, 1, 1), 900);
});

test('faster sending and slower receiving count at once, slower sending and faster receiving after the answer', t => {
  const slower = new Negotiation(of(300, 300));
  slower.change(of(600, 100));
  t.true(slower.polling);
  t.deepEqual(slower.told, of(600, 100));
  t.deepEqual(slower.used, of(300, 300));
  slower.received(false);
  t.deepEqual(slower.used, of(300, 300));
  slower.received(true);
  t.false(slower.polling);
  t.deepEqual(slower.used, of(600, 100));

  const faster = new Negotiation(of(300, 300));
  faster.change(of(100, 600));
  t.deepEqual(faster.used, of(100, 600));
});

test('a change during a poll is told by the next one, which waits for a packet without Final', t => {
  const negotiation = new Negotiation(of(300, 300));
  negotiation.change(of(400, 300));
  negotiation.change(of(500, 300));
  t.deepEqual(negotiation.told, of(400, 300));
  negotiation.received(true);
  t.false(negotiation.polling);
  t.deepEqual(negotiation.told, of(400, 300));
  // A second answer to the first poll.
  negotiation.received(true);
  t.false(negotiation.polling);
  negotiation.received(false);
  t.true(negotiation.polling);
  t.deepEqual(negotiation.told, of(500, 300));
  t.deepEqual(negotiation.used, of(400, 300));
});

test('what was taken back before it was told is not polled for', t => {
  const negotiation = new Negotiation(of(300, 300));
  negotiation.change(of(300, 300));
  t.false(negotiation.polling);
});

test('without a peer to ask nothing is polled for', t => {
  const negotiation = new Negotiation(of(300, 300));
  negotiation.replace(of(1000, 300), false);
  t.false(negotiation.polling);
  t.deepEqual(negotiation.used, of(1000, 300));
  negotiation.replace(of(300, 300), true);
  t.true(negotiation.polling);
  negotiation.replace(of(300, 300), false);
  t.false(negotiation.polling);
});
