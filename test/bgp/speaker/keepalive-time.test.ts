/** The keepalive time is in no message: it changes under a session that goes on. */
import test from 'ava';
import { MessageType } from '../../../bgp/iana.js';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../../bgp/speaker/defaults.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';
import type { Asn } from '../../../core/asn.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';

const [A, B] = ['10.0.0.1', '10.0.0.2'] as readonly string[] as readonly [Ipv4Address, Ipv4Address];
const ASN = 64512 as Asn;

function peerConfig(address: IpAddress, keepaliveTimeSeconds: number | undefined): PeerConfig {
  return {
    ...peerDefaults,
    key: 'peer',
    type: 'test',
    address,
    asn: ASN,
    families: ['ipv4-unicast'],
    keepaliveTimeSeconds,
  };
}

function newSpeaker(clock: FakeClock, network: MemoryNetwork, own: Ipv4Address, peer: Ipv4Address): Speaker {
  const speaker = new Speaker({
    transport: network.host(own),
    clock,
    random: () => 0.5,
    unixMs: () => clock.now(),
    onEvent: () => {},
  });
  const listen = [{ address: own, port: 179 }];
  speaker.command({ kind: 'configure', config: { ...speakerDefaults, asn: ASN, routerId: own, listen } });
  speaker.command({ kind: 'set-peer', peer: { ...peerConfig(peer, undefined), passive: own > peer } });
  speaker.command({ kind: 'configuration-complete' });
  return speaker;
}

test('another keepalive time counts at once, and the session stays', t => {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const speaker = newSpeaker(clock, network, A, B);
  newSpeaker(clock, network, B, A);
  clock.advance(10_000);
  t.like(speaker.peerStatus('peer'), { state: 'Established', session: { keepaliveSeconds: 30 } });
  let keepalives = 0;
  network.tap(A, B, bytes => {
    if (bytes[18] === MessageType.keepalive) keepalives++;
  });
  const sentIn = (seconds: number) => {
    keepalives = 0;
    clock.advance(seconds * 1000);
    return keepalives;
  };
  const usual = sentIn(60);
  t.true(usual >= 2 && usual <= 3, `${usual}`);
  speaker.command({ kind: 'set-peer', peer: peerConfig(B, 2) });
  t.is(speaker.peerStatus('peer')?.session?.keepaliveSeconds, 2);
  const often = sentIn(60);
  t.true(often >= 30 && often <= 41, `${often}`);
  speaker.command({ kind: 'set-peer', peer: peerConfig(B, undefined) });
  t.true(sentIn(60) <= 4);
  // More than a third of the hold time is not waited (RFC 4271 section 4.4).
  speaker.command({ kind: 'set-peer', peer: peerConfig(B, 80) });
  t.is(speaker.peerStatus('peer')?.session?.keepaliveSeconds, 30);
  clock.advance(200_000);
  t.like(speaker.peerStatus('peer'), { state: 'Established', counters: { established: 1 } });
});
