/** The send hold timer (RFC 9687) against a peer that goes on speaking and reads nothing, or little. */
import test from 'ava';
import type { PeerOptions } from '../../../bgp/index.js';
import { type Connection, plainTerms } from '../../../bgp/speaker/transport.js';
import { familyNumbers } from '../../../bgp/wire/capabilities.js';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import { encodeOpen } from '../../../bgp/wire/open.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import { acceptAll, newWorld } from './memory.js';

const A = '10.0.0.1';
const B = '10.0.0.2' as IpAddress;
const KEEPALIVE_SECONDS = 10;

/** A peer that says OPEN and then KEEPALIVE every 10 s. */
function talker(more: Partial<PeerOptions> = {}) {
  const world = newWorld();
  const { clock, network } = world;
  const a = world.speaker(A, 64512);
  const toB = a.addPeer({
    address: B,
    asn: 64512,
    localAddress: A,
    passive: true,
    holdTimeSeconds: 30,
    ...acceptAll,
    ...more,
  });
  let last = new Uint8Array(0);
  let closed = false;
  let connection: Connection | undefined;
  clock.advance(10);
  network.host(B).dial(
    { address: A as IpAddress, port: 179, localAddress: B, ...plainTerms },
    {
      connected: dialled => {
        connection = dialled;
        dialled.start({
          received: (buffer, start, end) => {
            last = buffer.slice(start, end);
          },
          drained: () => {},
          closed: () => {
            closed = true;
          },
        });
        dialled.write(openFromB(more.holdTimeSeconds ?? 30));
        speak();
      },
      failed: () => {},
    },
  );
  const speak = () => {
    connection?.write(encodeKeepalive());
    clock.schedule(KEEPALIVE_SECONDS * 1000, speak);
  };
  clock.advance(100);
  return { ...world, a, toB, last: () => last, closed: () => closed };
}

function openFromB(holdTimeSeconds: number): Uint8Array {
  return encodeOpen({
    version: 4,
    asn: 64512,
    holdTimeSeconds,
    routerId: B as Ipv4Address,
    capabilities: [
      { kind: 'multiprotocol', ...familyNumbers('ipv4-unicast') },
      { kind: 'four-octet-as', asn: 64512 },
    ],
  });
}

const prefixes = (count: number) => Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);

test('a peer that reads nothing is let go after the send hold time, though it speaks on', t => {
  const { clock, network, a, toB, last } = talker({ sendHoldTimeSeconds: 60 });
  t.is(toB.status().state, 'Established');
  network.stopReading(B);
  for (const prefix of prefixes(2000)) a.announce(prefix);
  clock.advance(59_000);
  t.is(toB.status().state, 'Established');
  clock.advance(2000);
  t.not(toB.status().state, 'Established');
  t.is(toB.status().info, 'peer takes nothing that we send: send hold timer expired');
  t.like(toB.status().lastNotificationSent, { code: 8, subcode: 0, words: '8 send hold timer expired' });
  network.startReading(B);
  clock.advance(10);
  t.deepEqual([...last().subarray(18)], [3, 8, 0], 'it was attempted');
});

test('by default it is 8 minutes, or twice the hold time', t => {
  for (const [holdTimeSeconds, seconds] of [
    [30, 480],
    [300, 600],
  ] as const) {
    const { clock, network, a, toB } = talker({ holdTimeSeconds });
    network.stopReading(B);
    for (const prefix of prefixes(2000)) a.announce(prefix);
    clock.advance((seconds - 2) * 1000);
    t.is(toB.status().state, 'Established');
    clock.advance(4000);
    t.is(toB.status().lastNotificationSent?.code, 8);
  }
});

test('0 switches it off, and so does a session without a hold time', t => {
  for (const more of [{ sendHoldTimeSeconds: 0 }, { holdTimeSeconds: 0 }]) {
    const { clock, network, a, toB } = talker(more);
    network.stopReading(B);
    for (const prefix of prefixes(2000)) a.announce(prefix);
    clock.advance(24 * 3600 * 1000);
    t.is(toB.status().state, 'Established');
  }
});

test('a peer that reads now and then, and one to whom nothing has to be said, stay', t => {
  const { clock, network, a, toB } = talker({ sendHoldTimeSeconds: 60 });
  clock.advance(600_000);
  t.is(toB.status().state, 'Established', 'nothing but keepalives');
  for (let round = 0; round < 20; round++) {
    network.stopReading(B);
    for (const prefix of prefixes(2000)) round % 2 === 0 ? a.announce(prefix) : a.withdraw(prefix);
    clock.advance(50_000);
    network.startReading(B);
    clock.advance(10);
  }
  t.is(toB.status().state, 'Established');
});

test('keepalives alone fill the buffers of a peer that reads nothing, too', t => {
  const { clock, network, toB } = talker({ sendHoldTimeSeconds: 60 });
  network.stopReading(B);
  // 4096 octets of 19 each, one every 10 s or sooner, and then the send hold time.
  clock.advance(3600_000);
  t.is(toB.status().lastNotificationSent?.code, 8);
});
