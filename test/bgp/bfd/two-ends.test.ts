/** Two ends under a fake clock: how sessions come up, change, and are lost; and how they are not lost. */
import test from 'ava';
import type { ControlPacket } from '../../../bgp/bfd/control-packet.js';
import { encodeControlPacket } from '../../../bgp/bfd/control-packet.js';
import { BfdState } from '../../../bgp/bfd/registry.js';
import { End, LEFT, RIGHT, twoEnds, twoEndsUp } from './ends.js';

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);

test('two ends come up, and agree on their timers', t => {
  const { clock, wire, left, right } = twoEnds();
  left.set();
  right.set();
  clock.advance(3000);
  for (const { session } of [left, right]) {
    t.like(session, { state: 'Up', verdict: 'up', transmitIntervalMs: 300, detectionTimeMs: 900, flaps: 0 });
    t.false(session.polling);
  }
  t.deepEqual(left.verdicts(), ['unknown', 'up']);
  // The first packets are a second apart at most, and each change of state is told at once.
  t.true(left.session.sinceUnixMs < 1100, `${left.session.sinceUnixMs} ms`);
  t.is(wire.sentBy(LEFT)[0]!.packet.desiredMinTxUs, 1_000_000);
  t.is(wire.sentBy(LEFT).at(-1)!.packet.desiredMinTxUs, 300_000);
});

test('coming up is polled for: Poll until Final, never both', t => {
  const { wire } = twoEndsUp();
  t.true(wire.sightings.some(({ packet }) => packet.poll && packet.state === BfdState.up));
  t.true(wire.sightings.some(({ packet }) => packet.final));
  t.false(wire.sightings.some(({ packet }) => packet.poll && packet.final));
  t.false(wire.sightings.slice(-10).some(({ packet }) => packet.poll || packet.final));
  t.false(wire.sightings.some(({ packet }) => packet.controlPlaneIndependent || packet.demand));
});

for (const [multiplier, most] of [
  [3, 300],
  [1, 270],
] as const) {
  test(`with a multiplier of ${multiplier} packets are 225 to ${most} ms apart, and not alike`, t => {
    const { clock, wire } = twoEndsUp({ multiplier });
    const from = clock.now();
    clock.advance(60_000);
    const between = gaps(wire.sentBy(LEFT).flatMap(({ atMs }) => (atMs > from ? [atMs] : [])));
    t.true(between.length > 200);
    t.true(Math.min(...between) >= 225 && Math.max(...between) <= most, `${Math.min(...between)}`);
    t.true(Math.max(...between) - Math.min(...between) > 20);
  });
}

test('a cut cable is noticed within the detection time, and told with its diagnostic', t => {
  const { clock, wire, left, right } = twoEndsUp();
  wire.cut = true;
  clock.advance(901);
  for (const { session } of [left, right]) {
    t.like(session, { state: 'Down', verdict: 'down', flaps: 1, remote: undefined });
    t.is(session.diagnostic.code, 1);
  }
  const last = wire.sentBy(LEFT).at(-1)!.packet;
  t.like(last, { state: BfdState.down, diagnostic: 1, yourDiscriminator: 0, desiredMinTxUs: 1_000_000 });
  clock.advance(10_000);
  const slow = wire.sentBy(LEFT).filter(({ atMs }) => atMs > clock.now() - 8000);
  t.true(slow.length >= 7 && slow.length <= 11, `${slow.length} packets in 8 s`);
  wire.cut = false;
  clock.advance(2000);
  t.like(left.session, { state: 'Up', verdict: 'up', flaps: 1 });
  t.deepEqual(left.verdicts(), ['unknown', 'up', 'down', 'up']);
});

test('two packets in a row may be lost time and again, four are the end', t => {
  const { clock, wire, left } = twoEndsUp();
  let losses = 0;
  wire.passes = ({ from }) => from === LEFT || losses-- <= 0;
  for (let i = 0; i < 50; i++) {
    losses = 2;
    clock.advance(2000);
  }
  t.is(left.session.flaps, 0);
  losses = 4;
  clock.advance(2000);
  t.is(left.session.flaps, 1);
});

test('where only one direction is broken, both ends are down', t => {
  const { clock, wire, left, right } = twoEndsUp();
  wire.passes = ({ from }) => from === LEFT;
  clock.advance(1000);
  t.like(left.session, { state: 'Down', diagnostic: { code: 1, words: 'control detection time expired' } });
  // It hears Down from the left end, goes to Init and says so in vain.
  t.is(right.session.diagnostic.code, 3);
  t.not(right.session.state, 'Up');
  t.is(right.session.verdict, 'down');
});

test('AdminDown is not a failure, and leaving it brings the session up without one', t => {
  const { clock, left, right } = twoEndsUp();
  left.set({ administrativeState: 'down' });
  clock.advance(10);
  t.like(left.session, { state: 'AdminDown', verdict: 'admin-down' });
  t.like(right.session, { state: 'Down', verdict: 'admin-down' });
  t.is(right.session.remote?.diagnostic.code, 7);
  clock.advance(60_000);
  t.is(right.session.verdict, 'admin-down');
  left.set();
  clock.advance(3000);
  t.is(left.session.verdict, 'up');
  t.deepEqual(right.verdicts(), ['unknown', 'up', 'admin-down', 'unknown', 'up']);
});

test('a peer that was lost and then switches off is not lost any more', t => {
  const { clock, wire, left, right } = twoEndsUp();
  wire.cut = true;
  clock.advance(1000);
  t.is(right.session.verdict, 'down');
  left.set({ administrativeState: 'down' });
  wire.cut = false;
  clock.advance(2000);
  t.is(right.session.verdict, 'admin-down');
  left.set();
  clock.advance(3000);
  t.deepEqual(right.verdicts(), ['unknown', 'up', 'down', 'admin-down', 'unknown', 'up']);
});

test('a session that is removed says AdminDown for as long as the peer may need, then falls silent', t => {
  const { clock, wire, left, right } = twoEndsUp();
  left.bfd.command({ kind: 'remove-session', key: 'peer' });
  clock.advance(1);
  t.is(right.session.verdict, 'admin-down');
  clock.advance(10_000);
  t.is(left.view().sessions.length, 0);
  t.true(left.reports.some(({ kind }) => kind === 'session-removed'));
  const goodbyes = wire.sentBy(LEFT).filter(({ packet }) => packet.state === BfdState.adminDown);
  t.true(goodbyes.length >= 3 && goodbyes.length <= 5, `${goodbyes.length}`);
});

for (const [what, mine, theirs] of [
  ['the peer takes a packet in a minute', {}, { minRxMs: 60_000 }],
  ['we multiply by 255', { multiplier: 255 }, {}],
] as const) {
  test(`a session that is removed is gone within seconds, AdminDown said again at the end, where ${what}`, t => {
    const { clock, wire, left, right } = twoEndsUp();
    left.set(mine);
    right.set(theirs);
    clock.advance(3000);
    const before = wire.sentBy(LEFT).length;
    left.bfd.command({ kind: 'remove-session', key: 'peer' });
    clock.advance(4500);
    t.is(left.view().sessions.length, 1);
    t.false(left.reports.some(({ kind }) => kind === 'session-removed'));
    clock.advance(501);
    t.is(left.view().sessions.length, 0);
    t.true(left.reports.some(({ kind }) => kind === 'session-removed'));
    t.is(right.session.verdict, 'admin-down');
    const said = wire.sentBy(LEFT).slice(before);
    t.true(said.length >= 2 && said.every(({ packet }) => packet.state === BfdState.adminDown));
    clock.advance(600_000);
    t.is(wire.sentBy(LEFT).length, before + said.length);
  });
}

test('an end that closes says AdminDown twice and sends nothing more; its successor comes up without a down', t => {
  const { clock, wire, left, right } = twoEndsUp();
  left.bfd.command({ kind: 'close' });
  clock.advance(5000);
  t.is(left.reports.at(-1)?.kind, 'closed');
  t.is(right.session.verdict, 'admin-down');
  t.deepEqual(
    wire
      .sentBy(LEFT)
      .slice(-2)
      .map(({ packet }) => packet.state),
    [BfdState.adminDown, BfdState.adminDown],
  );
  const successor = new End(wire, clock, { own: LEFT, peer: RIGHT });
  successor.set();
  clock.advance(3000);
  t.is(successor.session.verdict, 'up');
  t.deepEqual(right.verdicts(), ['unknown', 'up', 'admin-down', 'unknown', 'up']);
});

test('a peer that restarts and has forgotten everything brings the session down and up again', t => {
  const { clock, wire, left, right } = twoEndsUp();
  const packet = { ...wire.sentBy(LEFT).at(-1)!.packet, myDiscriminator: 4711, yourDiscriminator: 0 };
  right.transport.arrive(arrival({ ...packet, state: BfdState.down }));
  t.like(right.session, { verdict: 'down', diagnostic: { code: 3, words: 'peer signalled session down' } });
  clock.advance(3000);
  t.is(left.session.verdict, 'up');
});

test('slower sending waits for the answer to its Poll', t => {
  const { clock, wire, left, right } = twoEndsUp();
  wire.passes = ({ packet }) => !packet.final;
  left.set({ minTxMs: 1000 });
  clock.advance(3000);
  t.like(left.session, { polling: true, transmitIntervalMs: 300 });
  t.is(right.session.detectionTimeMs, 3000);
  wire.passes = () => true;
  clock.advance(2000);
  t.like(left.session, { polling: false, transmitIntervalMs: 1000 });
  clock.advance(20_000);
  t.is(left.session.flaps + right.session.flaps, 0);
});

test('faster receiving is asked for by Poll, and expected once it was answered', t => {
  const { clock, wire, left, right } = twoEndsUp();
  wire.passes = ({ from, packet }) => from === LEFT || !packet.final;
  left.set({ minRxMs: 100 });
  right.set({ minTxMs: 100 });
  clock.advance(2000);
  t.is(left.session.detectionTimeMs, 900);
  wire.passes = () => true;
  clock.advance(2000);
  t.is(left.session.detectionTimeMs, 300);
  t.is(right.session.transmitIntervalMs, 100);
  clock.advance(20_000);
  t.is(left.session.flaps + right.session.flaps, 0);
});

test('no change of timers ever costs a session, whatever its order', t => {
  const { clock, left, right } = twoEndsUp();
  const intervals = [50, 1000, 300, 20, 60_000, 100];
  for (const minTxMs of intervals) {
    for (const minRxMs of intervals) {
      left.set({ minTxMs, minRxMs, multiplier: 1 + (minTxMs % 7) });
      clock.advance(minRxMs % 400);
      right.set({ minTxMs: minRxMs, minRxMs: minTxMs });
      clock.advance(500);
    }
  }
  clock.advance(600_000);
  t.is(left.session.flaps + right.session.flaps, 0);
  t.like(left.session, { state: 'Up', polling: false });
});

test('a peer that wants no packets gets none, and one in Demand mode none while both are Up', t => {
  for (const change of [{ requiredMinRxUs: 0 }, { demand: true }]) {
    const { clock, wire, left } = twoEndsUp();
    const packet = { ...wire.sentBy(RIGHT).at(-1)!.packet, ...change };
    wire.passes = ({ from }) => from === LEFT;
    left.transport.arrive({ ...arrival(packet), source: RIGHT, localAddress: LEFT });
    t.is(left.session.transmitIntervalMs, undefined);
    const before = wire.sentBy(LEFT).length;
    clock.advance(800);
    t.is(wire.sentBy(LEFT).length, before);
  }
});

test('a turn of ours that came late reads what has arrived before it takes silence for silence', t => {
  const { clock, wire, left, right } = twoEndsUp();
  // The right end's packets come in time, but nobody looks for ten seconds; its own detection goes on hearing the left end.
  left.transport.asleep = true;
  clock.advance(10_000);
  t.true(left.transport.catchUps >= 5);
  t.is(left.session.flaps, 0);
  t.is(right.session.flaps, 0);
  wire.cut = true;
  clock.advance(2000);
  t.like(left.session, { verdict: 'down', flaps: 1 });
});

test('after an absence of our own what lies in the kernel is read first, and what was not sent is not made up for', t => {
  const { clock, wire, left, right } = twoEndsUp();
  left.transport.asleep = true;
  clock.advance(200);
  const before = wire.sentBy(LEFT).length;
  left.lateMs = 5000;
  clock.advance(950);
  left.transport.asleep = false;
  t.true(wire.sentBy(LEFT).length - before <= 6);
  clock.advance(5000);
  t.is(left.session.flaps + right.session.flaps, 0);
  t.is(left.session.state, 'Up');
});

test('packets with a wrong TTL, from strangers, and malformed ones are counted and change nothing', t => {
  const { clock, wire, left, right } = twoEndsUp();
  const { packet } = wire.sentBy(LEFT).at(-1)!;
  const lie = { ...packet, state: BfdState.adminDown, diagnostic: 7 };
  right.transport.arrive({ ...arrival(lie), ttlRight: false });
  right.transport.arrive({ ...arrival(lie), source: '10.0.0.9' as typeof LEFT });
  right.transport.arrive({ ...arrival(lie), multihop: true });
  right.transport.arrive(arrival({ ...lie, yourDiscriminator: packet.yourDiscriminator ^ 1 }));
  right.transport.arrive({ ...arrival(lie), bytes: new Uint8Array(23) });
  t.deepEqual(right.view().discarded, { strangers: 3, wrongTtl: 1, malformed: 1, unseen: 0 });
  t.is(right.session.counters.wrongTtl, 1);
  clock.advance(5000);
  t.is(left.session.flaps + right.session.flaps, 0);
});

test("a flood in the peer's name is answered at a bounded rate", t => {
  const { wire, left, right } = twoEndsUp();
  const poll = { ...wire.sentBy(LEFT).at(-1)!.packet, poll: true };
  const before = wire.sentBy(RIGHT).length;
  for (let i = 0; i < 10_000; i++) right.transport.arrive(arrival(poll));
  t.true(wire.sentBy(RIGHT).length - before <= 100);
  t.true(right.session.counters.rateLimited >= 9900);
  t.is(left.session.flaps, 0);
});

test('while strangers flood, the kernel is asked to keep them out, until they stop', t => {
  const { clock, wire, left } = twoEndsUp();
  const stranger = {
    ...arrival(wire.sentBy(RIGHT).at(-1)!.packet),
    source: '10.0.0.9' as typeof LEFT,
    localAddress: LEFT,
  };
  for (let i = 0; i < 150; i++) left.transport.arrive(stranger);
  t.false(left.transport.shielded);
  for (let i = 0; i < 150; i++) left.transport.arrive(stranger);
  t.true(left.transport.shielded);
  left.transport.dropped += 5000;
  clock.advance(5001);
  t.true(left.transport.shielded);
  left.transport.dropped += 10;
  clock.advance(5001);
  t.false(left.transport.shielded);
});

test('a path that cannot be opened is tried again, and shown', t => {
  const { clock, left, right } = twoEnds();
  left.transport.openProblem = 'bind: EADDRNOTAVAIL';
  left.set();
  right.set();
  clock.advance(3000);
  t.like(left.session, { state: 'Down', info: 'bind: EADDRNOTAVAIL', verdict: 'unknown' });
  left.transport.openProblem = undefined;
  clock.advance(4000);
  t.like(left.session, { state: 'Up', info: '' });
});

test('a second session over the same path waits for the first to go', t => {
  const { clock, left, right } = twoEndsUp();
  left.set({ key: 'twin' });
  t.not(left.view().sessions[1]!.info, '');
  left.bfd.command({ kind: 'remove-session', key: 'peer' });
  clock.advance(20_000);
  t.like(left.view().sessions[0]!, { key: 'twin', state: 'Up', info: '' });
  t.is(right.session.verdict, 'up');
});

function arrival(packet: ControlPacket) {
  const bytes = encodeControlPacket(packet);
  return { bytes, source: LEFT, localAddress: RIGHT, interface: undefined, multihop: false, ttlRight: true };
}
