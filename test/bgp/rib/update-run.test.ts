/** UPDATEs that come in one read: what they do together, they do one by one. */
import test from 'ava';
import fc from 'fast-check';
import type { Rib } from '../../../bgp/rib/contract.js';
import { createRib } from '../../../bgp/rib/rib.js';
import { encodeEndOfRib } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { prefix, ribPeer, updateFor, WirePeer } from './wire-peer.js';

const newRib = () => createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
const speaker = ribPeer('e', 65001, '10.0.0.1');

const attributes = (set: number) => ({
  origin: 0,
  asPath: [{ type: 'sequence' as const, asns: [65001, 65100 + set] }],
  nextHop: 0xc0000201,
});

const announcement = (set: number, ...announced: string[]) =>
  updateFor(speaker, { announced, attributes: attributes(set) });

/** One octet of its last prefix is missing. */
function cut(message: Uint8Array): Uint8Array {
  const short = message.slice(0, -1);
  new DataView(short.buffer).setUint16(16, short.length);
  return short;
}

function tableOf(rib: Rib) {
  rib.flush();
  const table = { kind: 'received', peer: 'e' } as const;
  const query = { table, family: 'ipv4-unicast', prefix: undefined, after: undefined, limit: 1000 } as const;
  return rib.routes(query).routes.map(route => `${route.prefix} ${route.asPath}`);
}

/** Of prefixes in the table, whether used or free: the last place that a walk may begin at. */
function placesOf(rib: Rib): number {
  let places = 0;
  while (rib.walk('ipv4-unicast', places + 1, 0, () => {}) !== undefined) places++;
  return places;
}

/** All of it, in as many calls as it takes. Returns what was said but `ok`. */
function receiveAll(rib: Rib, index: number, bytes: Uint8Array): string[] {
  const said: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { outcome, next } = rib.receiveUpdates(index, bytes, at, bytes.length);
    if (outcome.kind !== 'ok') said.push(outcome.kind);
    if (outcome.kind === 'error') break;
    at = next;
  }
  return said;
}

const spot = fc.constantFrom('10.0.0.0/16', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32', '0.0.0.0/0');
const spots = fc.uniqueArray(spot, { minLength: 1, maxLength: 3 });
const message = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(1), spots).map(([set, to]) => announcement(set, ...to)) },
  { weight: 2, arbitrary: spots.map(withdrawn => updateFor(speaker, { withdrawn })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(spots, spots)
      .map(([withdrawn, announced]) =>
        updateFor(speaker, { withdrawn, announced, attributes: attributes(0) }),
      ),
  },
  { weight: 1, arbitrary: fc.constant(encodeEndOfRib(1, 1)) },
  { weight: 1, arbitrary: spots.map(to => cut(announcement(0, ...to))) },
);

test('messages in one read do what they do one by one', t => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), messages => {
      const [together, alone] = [newRib(), newRib()];
      const [one, other] = [new WirePeer(together, speaker), new WirePeer(alone, speaker)];
      const said = receiveAll(together, one.index, Buffer.concat(messages));
      const saidAlone: string[] = [];
      for (const each of messages) {
        saidAlone.push(...receiveAll(alone, other.index, each));
        if (saidAlone.at(-1) === 'error') break;
      }
      t.deepEqual(said, saidAlone);
      t.deepEqual(tableOf(together), tableOf(alone));
      t.deepEqual(together.counts('e'), alone.counts('e'));
    }),
    { numRuns: 500 },
  );
});

test('what came before a malformed message in the same read stands', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, speaker);
  const bytes = Buffer.concat([
    announcement(0, '10.1.0.0/16'),
    announcement(0, '10.2.0.0/16'),
    cut(announcement(0, '10.3.0.0/16', '10.4.0.0/16')),
  ]);
  t.deepEqual(receiveAll(rib, peer.index, bytes), ['error']);
  t.deepEqual(
    tableOf(rib).map(text => text.split(' ')[0]),
    [prefix('10.1.0.0/16'), prefix('10.2.0.0/16')],
  );
});

for (const [what, pathIds] of [
  ['', false],
  [' with path identifiers', true],
] as const) {
  for (const again of [false, true]) {
    const which = again ? 'the attributes of the message before' : 'new attributes';
    test(`prefixes of a malformed message with ${which}${what} take no room once it is judged`, t => {
      const rib = newRib();
      const addPath = { receive: pathIds ? (['ipv4-unicast'] as const) : [], send: [] };
      const sender = { ...speaker, addPath };
      for (let round = 0; round < 4; round++) {
        const peer = new WirePeer(rib, sender);
        if (again) t.is(peer.send({ announced: ['10.0.0.0/16'], attributes: attributes(0) }).kind, 'ok');
        const announced = Array.from({ length: 200 }, (_, i) => `10.${round + 1}.${i}.0/24`);
        const damaged = cut(updateFor(sender, { announced, attributes: attributes(0) }));
        t.deepEqual(receiveAll(rib, peer.index, damaged), ['error']);
        rib.peerDown(peer.index, 'flush');
        rib.flush();
      }
      // Their places have been given out again: there are no more of them than one round needs.
      t.is(placesOf(rib), again ? 200 : 199);
    });
  }
}
