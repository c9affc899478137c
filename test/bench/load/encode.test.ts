/** The generator against its own sink: what is encoded is what is counted, whole messages of legal size. */
import test from 'ava';
import {
  encodeAnnouncements,
  encodeOpen,
  encodeSingle,
  encodeWithdrawals,
} from '../../../bench/load/encode.js';
import type { LoadPlan } from '../../../bench/load/plan.js';
import { Sink } from '../../../bench/load/sink.js';

const source = { localAddress: '10.99.1.1', asn: 65001 };

function planOf(prefixes: number, prefixesPerUpdate: number): LoadPlan {
  return {
    remoteAddress: '10.99.0.1',
    remotePort: 179,
    remoteAsn: 64512,
    holdTimeSeconds: 90,
    sources: [source],
    sinks: [],
    prefixes,
    prefixesPerUpdate,
    attributeSets: 4,
  };
}

/** Start and end of every message in a run of bytes. */
function messages(bytes: Buffer): readonly (readonly [start: number, end: number])[] {
  const found: [number, number][] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt16BE(at + 16)) {
    found.push([at, at + bytes.readUInt16BE(at + 16)]);
  }
  return found;
}

function feed(sink: Sink, bytes: Buffer): void {
  for (const [start, end] of messages(bytes)) sink.receiveUpdate(bytes, start, end, 1);
}

for (const [prefixes, perUpdate, updates] of [
  [10_000, 1000, 12],
  [1001, 1, 1001],
  [1, 1000, 1],
] as const) {
  test(`${prefixes} prefixes, ${perUpdate} per UPDATE, are all held and then all withdrawn`, t => {
    const plan = planOf(prefixes, perUpdate);
    const announcements = encodeAnnouncements(plan, source);
    const sizes = messages(announcements).map(([start, end]) => end - start);
    t.true(sizes.every(size => size >= 23 && size <= 4096));
    t.is(sizes.at(-1), 23, 'End-of-RIB ends the table');
    const sink = new Sink(prefixes);
    feed(sink, announcements);
    t.is(sink.heldCount, prefixes);
    t.is(sink.updates, updates + 1);
    feed(sink, encodeWithdrawals(plan));
    t.is(sink.heldCount, 0);
  });
}

test('a single withdrawal and announcement change exactly their prefix', t => {
  const plan = planOf(10, 1000);
  const sink = new Sink(10);
  feed(sink, encodeAnnouncements(plan, source));
  const seen: unknown[] = [];
  sink.observer = (index, held) => seen.push([index, held]);
  feed(sink, encodeSingle(plan, source, 'withdraw', 7));
  t.is(sink.heldCount, 9);
  feed(sink, encodeSingle(plan, source, 'announce', 7));
  t.is(sink.heldCount, 10);
  t.deepEqual(seen, [
    [7, false],
    [7, true],
  ]);
});

test('an OPEN carries AS_TRANS and the real number as a capability', t => {
  const open = encodeOpen({ localAddress: '10.99.1.1', asn: 4200000000 }, 90);
  t.is(open.length, open.readUInt16BE(16));
  t.is(open.readUInt16BE(20), 23456);
  t.is(open.readUInt32BE(open.length - 4), 4200000000);
});
