import test from 'ava';
import fc from 'fast-check';
import { FakeClock } from '../../../bgp/testing/fake-clock.js';
import { ipv4ToNumber, parseIpv4 } from '../../../core/ip-address.js';
import type { Ipv4Prefix } from '../../../core/prefix.js';
import {
  type Carrier,
  type Counters,
  Forwarder,
  newCounters,
  type Outcome,
} from '../../../ipip/udp/forwarder.js';
import { decrementTtl, isWhole } from '../../../ipip/udp/inner-packet.js';
import { Random } from '../../support/random.js';
import { anyPacket, packet } from './packets.js';

const PEER = ipv4ToNumber(parseIpv4('10.0.0.2')!);
const PORT = 8285;
const STRANGER = ipv4ToNumber(parseIpv4('10.0.0.66')!);

class FakeCarrier implements Carrier<string> {
  outcome: Outcome = 'sent';
  fragmentsOutcome: Outcome = 'sent';
  mtu: number | undefined = 1372;
  readonly toHosts: (readonly [string, Uint8Array])[] = [];
  readonly inFragments: Uint8Array[] = [];
  readonly toDevices: Uint8Array[] = [];
  readonly answers: Uint8Array[] = [];

  toHost(bytes: Uint8Array, length: number, host: string): Outcome {
    if (this.outcome === 'sent') this.toHosts.push([host, bytes.slice(0, length)]);
    return this.outcome;
  }

  toHostInFragments(bytes: Uint8Array, length: number): Outcome {
    this.inFragments.push(bytes.slice(0, length));
    return this.fragmentsOutcome;
  }

  toDevice(bytes: Uint8Array, length: number): Outcome {
    if (this.outcome === 'sent') this.toDevices.push(bytes.slice(0, length));
    return this.outcome;
  }

  innerMtu(): number | undefined {
    return this.mtu;
  }

  answer(bytes: Uint8Array): void {
    this.answers.push(bytes);
  }
}

function setUp() {
  const carrier = new FakeCarrier();
  const clock = new FakeClock();
  const forwarder = new Forwarder(carrier, clock);
  forwarder.setTable({
    routes: [['10.244.2.0/24' as Ipv4Prefix, 'b']],
    knownHosts: [parseIpv4('10.0.0.2')!],
    port: PORT,
    answersFrom: parseIpv4('10.244.1.0'),
  });
  return { carrier, clock, forwarder };
}

const counted = (some: Partial<Counters>): Counters => ({ ...newCounters(), ...some });
/** Type and code of the only answer. */
const answer = ({ answers }: FakeCarrier) =>
  answers.length === 1 ? [...answers[0]!.subarray(20, 22)] : answers;

test('a packet goes to the host of its route, with a hop less', t => {
  const { carrier, forwarder } = setUp();
  const bytes = packet();
  const buffer = new Uint8Array(2000);
  buffer.set(bytes);
  forwarder.fromDevice(buffer, bytes.length);
  decrementTtl(bytes);
  t.deepEqual(carrier.toHosts, [['b', bytes]]);
  t.deepEqual(forwarder.counters, counted({ out: 1 }));
});

test('without a route: net unreachable', t => {
  const { carrier, forwarder } = setUp();
  const bytes = packet({ destination: '10.244.3.1' });
  forwarder.fromDevice(bytes, bytes.length);
  t.deepEqual(answer(carrier), [3, 0]);
  t.deepEqual(forwarder.counters, counted({ droppedNoRoute: 1 }));
});

for (const ttl of [0, 1]) {
  test(`TTL ${ttl}: time exceeded`, t => {
    const { carrier, forwarder } = setUp();
    const bytes = packet({ ttl });
    forwarder.fromDevice(bytes, bytes.length);
    t.deepEqual(carrier.toHosts, []);
    t.deepEqual(answer(carrier), [11, 0]);
    t.deepEqual(forwarder.counters, counted({ droppedTtlExpired: 1 }));
  });
}

test('too long for the path: who forbids fragments is told what fits, others are sent in fragments', t => {
  const { carrier, forwarder } = setUp();
  carrier.outcome = 'too-long';
  const whole = packet({ dontFragment: true, payload: new Uint8Array(1440) });
  forwarder.fromDevice(whole, whole.length);
  t.deepEqual(answer(carrier), [3, 4]);
  t.is(new DataView(carrier.answers[0]!.buffer).getUint16(26), 1372);
  t.deepEqual(forwarder.counters, counted({ droppedTooLong: 1 }));
  const pieces = packet({ payload: new Uint8Array(1440) });
  forwarder.fromDevice(pieces, pieces.length);
  t.is(carrier.inFragments.length, 1);
  t.is(carrier.answers.length, 1);
  t.deepEqual(forwarder.counters, counted({ droppedTooLong: 1, out: 1 }));
});

test('an MTU that nobody knows, or that the packet fits, is not told; none below 68 is', t => {
  const { carrier, forwarder } = setUp();
  carrier.outcome = 'too-long';
  for (const mtu of [undefined, 1460, 2000]) {
    carrier.mtu = mtu;
    const bytes = packet({ dontFragment: true, payload: new Uint8Array(1440) });
    forwarder.fromDevice(bytes, bytes.length);
    t.deepEqual(carrier.answers, []);
  }
  carrier.mtu = 12;
  const bytes = packet({ dontFragment: true, payload: new Uint8Array(1440) });
  forwarder.fromDevice(bytes, bytes.length);
  t.is(new DataView(carrier.answers[0]!.buffer).getUint16(26), 68);
  t.is(forwarder.counters.droppedTooLong, 4);
});

for (const [outcome, some, type] of [
  ['no-room', { droppedNoRoom: 1 }, []],
  ['unreachable', { errors: 1 }, [3, 1]],
  ['failed', { errors: 1 }, []],
] as const) {
  test(`what a host's socket refuses with "${outcome}" is counted`, t => {
    const { carrier, forwarder } = setUp();
    carrier.outcome = outcome;
    const bytes = packet();
    forwarder.fromDevice(bytes, bytes.length);
    t.deepEqual(answer(carrier), [...type]);
    t.deepEqual(forwarder.counters, counted(some));
  });
}

test('what cannot be sent in fragments either is counted', t => {
  const { carrier, forwarder } = setUp();
  carrier.outcome = 'too-long';
  for (const [outcome, some] of [
    ['no-room', { droppedNoRoom: 1 }],
    ['failed', { droppedNoRoom: 1, errors: 1 }],
    ['too-long', { droppedNoRoom: 1, errors: 2 }],
  ] as const) {
    carrier.fragmentsOutcome = outcome;
    const bytes = packet();
    forwarder.fromDevice(bytes, bytes.length);
    t.deepEqual(forwarder.counters, counted(some));
  }
});

test('a datagram of a known host goes to the device as it is', t => {
  const { carrier, forwarder } = setUp();
  const bytes = packet({ ttl: 1, source: '10.244.2.2', destination: '10.244.1.2' });
  forwarder.fromHost(bytes, bytes.length, PEER, PORT);
  t.deepEqual(carrier.toDevices, [packet({ ttl: 1, source: '10.244.2.2', destination: '10.244.1.2' })]);
  t.deepEqual(forwarder.counters, counted({ in: 1 }));
});

test('a stranger is counted, whatever it sends, and never answered', t => {
  const { carrier, forwarder } = setUp();
  forwarder.fromHost(packet(), 28, STRANGER, PORT);
  forwarder.fromHost(new Uint8Array(0), 0, STRANGER, PORT);
  // Somebody else on a known host.
  forwarder.fromHost(packet(), 28, PEER, 40_000);
  t.deepEqual(forwarder.counters, counted({ droppedUnknownHost: 3 }));
  t.deepEqual([carrier.toDevices, carrier.answers], [[], []]);
});

test('a datagram that is no whole packet, or a damaged one, is counted', t => {
  const { carrier, forwarder } = setUp();
  forwarder.fromHost(new Uint8Array(0), 0, PEER, PORT);
  forwarder.fromHost(packet(), 27, PEER, PORT);
  const damaged = packet();
  damaged[15]! ^= 1;
  forwarder.fromHost(damaged, damaged.length, PEER, PORT);
  t.deepEqual(forwarder.counters, counted({ droppedMalformed: 3 }));
  t.deepEqual(carrier.toDevices, []);
});

for (const [outcome, some] of [
  ['no-room', { droppedNoRoom: 1 }],
  ['failed', { errors: 1 }],
] as const) {
  test(`what the device refuses with "${outcome}" is counted`, t => {
    const { carrier, forwarder } = setUp();
    carrier.outcome = outcome;
    forwarder.fromHost(packet(), 28, PEER, PORT);
    t.deepEqual(forwarder.counters, counted(some));
  });
}

test("the kernel's own IPv6 chatter is nothing to count", t => {
  const { carrier, forwarder } = setUp();
  forwarder.fromDevice(Uint8Array.of(0x60, ...new Uint8Array(47)), 48);
  t.deepEqual(forwarder.counters, counted({}));
  t.deepEqual(carrier.answers, []);
});

test('answers are limited, packets are not', t => {
  const { carrier, clock, forwarder } = setUp();
  const flood = () => {
    for (let i = 0; i < 1000; i++) {
      const bytes = packet({ ttl: 1 });
      forwarder.fromDevice(bytes, bytes.length);
    }
  };
  flood();
  t.is(carrier.answers.length, 50);
  t.is(forwarder.counters.droppedTtlExpired, 1000);
  clock.advance(1000);
  flood();
  t.is(carrier.answers.length, 100);
});

test('another table takes the place of the first; before the first there is none', t => {
  const { carrier, forwarder } = setUp();
  forwarder.setTable({ routes: [], knownHosts: [], port: PORT, answersFrom: undefined });
  const bytes = packet();
  forwarder.fromDevice(bytes, bytes.length);
  forwarder.fromHost(packet(), 28, PEER, PORT);
  t.deepEqual(forwarder.counters, counted({ droppedNoRoute: 1, droppedUnknownHost: 1 }));
  t.deepEqual(carrier.answers, []);
  const fresh = new Forwarder(carrier, new FakeClock());
  fresh.fromHost(packet(), 28, PEER, PORT);
  t.is(fresh.counters.droppedUnknownHost, 1);
});

test('any packet of any kind: what goes in comes out or is counted, once', t => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 20 }), packets => {
      const { carrier, forwarder } = setUp();
      for (const bytes of packets) forwarder.fromDevice(bytes.slice(), bytes.length);
      for (const bytes of packets) forwarder.fromHost(bytes.slice(), bytes.length, PEER, PORT);
      const sum = Object.values(forwarder.counters).reduce((a, b) => a + b, 0);
      t.is(sum, 2 * packets.length);
      t.is(carrier.toDevices.length, packets.length);
    }),
    { numRuns: 500 },
  );
});

const count = Number(process.env.MARGAY_FUZZ_MESSAGES ?? 20_000);
const seed = Number(process.env.MARGAY_FUZZ_SEED ?? Date.now() % 4294967296);

/** Mostly packets with a little damage; some that are nothing at all, in a buffer with another packet's leftovers. */
function garbage(random: Random, buffer: Uint8Array): number {
  if (random.below(4) === 0) {
    const length = random.below(80);
    for (let i = 0; i < length; i++) buffer[i] = random.below(256);
    return length;
  }
  const bytes = packet({ payload: new Uint8Array(random.below(60)), ttl: random.below(256) });
  buffer.set(bytes);
  for (let damages = random.below(3); damages > 0; damages--) buffer[random.below(24)] = random.below(256);
  return random.below(3) === 0 ? random.below(bytes.length + 8) : bytes.length;
}

test('garbage from hosts and from the device is counted, and nothing that is no packet gets through', t => {
  t.log(`${count} datagrams, seed ${seed}`);
  const random = new Random(seed);
  const { carrier, clock, forwarder } = setUp();
  const buffer = new Uint8Array(2048);
  for (let i = 0; i < count; i++) {
    clock.advance(1);
    const length = garbage(random, buffer);
    if (i % 2 === 0) forwarder.fromHost(buffer, length, random.below(5) === 0 ? STRANGER : PEER, PORT);
    else forwarder.fromDevice(buffer, length);
    for (const bytes of carrier.toDevices.splice(0)) t.true(isWhole(bytes, bytes.length));
    for (const [, bytes] of carrier.toHosts.splice(0)) t.true(isWhole(bytes, bytes.length));
    for (const bytes of carrier.answers.splice(0)) t.true(isWhole(bytes, bytes.length));
  }
  const { counters } = forwarder;
  t.log(JSON.stringify(counters));
  for (const name of [
    'in',
    'out',
    'droppedUnknownHost',
    'droppedNoRoute',
    'droppedMalformed',
    'droppedTtlExpired',
  ] as const)
    t.true(counters[name] > 0, name);
});
