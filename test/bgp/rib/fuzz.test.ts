/**
 * Damaged UPDATEs by the thousand into the RIB (a tenth of `MARGAY_FUZZ_MESSAGES`): it says error where the slow decoder does, throws
 * nothing, and what it tells others is well-formed whatever it was told.
 */
import test from 'ava';
import { createRib } from '../../../bgp/rib/rib.js';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import { decodeUpdate } from '../../../bgp/wire/update.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { toHex } from '../../support/hex.js';
import { nearlyMessage } from '../../support/message-mutator.js';
import { Random } from '../../support/random.js';
import { contextOf, ribPeer, WirePeer } from './wire-peer.js';

const count = Number(process.env.MARGAY_FUZZ_MESSAGES ?? 20_000) / 10;
const seed = Number(process.env.MARGAY_FUZZ_SEED ?? Date.now() % 4294967296);
const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;

/** What speaks: inside and outside, with and without 4-octet AS numbers. AS 65001 is what most of the vectors' paths begin with. */
const speakers = [
  ribPeer('ibgp', 64512, '10.0.0.1', both),
  ribPeer('ebgp', 65001, '10.0.0.2', both),
  ribPeer('old-ibgp', 64512, '10.0.0.3', { ...both, fourOctetAs: false }),
  ribPeer('old-ebgp', 65001, '10.0.0.4', { ...both, fourOctetAs: false }),
];

function slowly(bytes: Uint8Array, peer: WirePeer): string {
  try {
    decodeUpdate(bytes, 0, bytes.length, contextOf(peer.peer));
    return 'no error';
  } catch (error) {
    if (error instanceof BgpMessageError) return `error ${error.code}`;
    throw error;
  }
}

test('the RIB refuses what the slow decoder refuses, and tells nothing malformed', t => {
  t.log(`${count} messages, seed ${seed}`);
  const random = new Random(seed);
  const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
  const peers = speakers.map(peer => new WirePeer(rib, peer));
  const listeners = [
    new WirePeer(rib, ribPeer('to-ibgp', 64512, '10.0.1.1', { ...both, fourOctetAs: false })),
    new WirePeer(rib, ribPeer('to-ebgp', 65100, '10.0.1.2', both)),
  ];
  const buffer = new Uint8Array(8192);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const message = nearlyMessage(random);
    if (message[18] !== 2 || message.length < 23 || message.length > 4096) continue;
    // The RIB is given what the framer has cut out.
    message[16] = message.length >>> 8;
    message[17] = message.length & 255;
    const peer = peers[i & 3]!;
    buffer.fill(0xaa).set(message);
    const { outcome } = rib.receiveUpdates(peer.index, buffer, 0, message.length);
    const word = outcome.kind === 'error' ? `error ${outcome.code}` : 'no error';
    if (word !== slowly(message, peer)) t.fail(`${word} at message ${i}, seed ${seed}: ${toHex(message)}`);
    outcomes.set(outcome.kind, (outcomes.get(outcome.kind) ?? 0) + 1);
    if (outcome.kind === 'error') {
      rib.peerDown(peer.index, 'flush');
      peer.index = rib.peerUp(peer.peer);
    }
    if (random.below(10) > 0) continue;
    const watched = rib.takeWatchedNextHops() ?? [];
    rib.setNextHopStatus(watched.map(nextHop => ({ nextHop, reachable: true, metric: 0 })));
    rib.flush();
    for (const each of [...peers, ...listeners]) each.drain();
  }
  const told = listeners.map(({ messages }) => messages);
  t.log(`${[...outcomes].map(([kind, times]) => `${times} ${kind}`).join(', ')}; told ${told.join(' and ')}`);
  t.deepEqual([...outcomes.keys()].sort(), ['end-of-rib', 'error', 'ok', 'repaired']);
  t.true(told.every(messages => messages > 0));
});
