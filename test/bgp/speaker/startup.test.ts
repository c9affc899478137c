/** What a speaker waits for after a restart (RFC 4724 section 4.1), and what it says meanwhile. */
import test from 'ava';
import type { PeerConfig, PeerStatus, SpeakerEvent } from '../../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../../bgp/speaker/defaults.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';
import type { Asn } from '../../../core/asn.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';

const ASN = 64512 as Asn;

/** One that came back to a kernel with its routes. */
function restarted(
  network: MemoryNetwork,
  address: string,
  options: { readonly peers: readonly string[]; readonly own?: string; readonly deferralSeconds: number },
) {
  const events: { readonly at: number; readonly event: SpeakerEvent }[] = [];
  const { clock } = network;
  const speaker = new Speaker({
    transport: network.host(address as IpAddress),
    clock,
    random: () => 0.5,
    unixMs: () => clock.now(),
    onEvent: event => events.push({ at: clock.now(), event }),
  });
  speaker.command({
    kind: 'configure',
    config: {
      ...speakerDefaults,
      asn: ASN,
      routerId: address as Ipv4Address,
      listen: [{ address: address as IpAddress, port: 179 }],
      gracefulRestart: {
        restartTimeSeconds: 120,
        staleTimeSeconds: 120,
        selectionDeferralSeconds: options.deferralSeconds,
        forwardingPreserved: ['ipv4-unicast'],
      },
      restarting: true,
    },
  });
  for (const peer of options.peers) speaker.command({ kind: 'set-peer', peer: peerConfig(address, peer) });
  if (options.own !== undefined) {
    const unset = { nextHop: undefined, localPref: undefined, med: undefined };
    const route = { prefix: options.own as Prefix, communities: [], largeCommunities: [], ...unset };
    speaker.command({ kind: 'originate', routes: [route] });
  }
  speaker.command({ kind: 'configuration-complete' });
  return {
    peer: (key: string): PeerStatus => speaker.peerStatus(key)!,
    /** When it was in sync, in seconds, and whether by itself. */
    inSync: () =>
      events.flatMap(({ at, event }) =>
        event.kind === 'rib-in-sync' && event.family === 'ipv4-unicast'
          ? [{ seconds: Math.floor(at / 1000), timedOut: event.timedOut }]
          : [],
      ),
    best: () => {
      const everything = { prefix: undefined, after: undefined, limit: 100 };
      const { routes } = speaker.rib.routes({
        table: { kind: 'best' },
        family: 'ipv4-unicast',
        ...everything,
      });
      return routes.map(({ prefix }) => prefix);
    },
  };
}

function peerConfig(local: string, remote: string): PeerConfig {
  return {
    ...peerDefaults,
    key: remote,
    address: remote as IpAddress,
    asn: ASN,
    localAddress: local as IpAddress,
    families: ['ipv4-unicast'],
    connectRetrySeconds: 1,
  };
}

test('two that restart at once do not wait for each other, and each is in sync when the other has told', t => {
  const network = new MemoryNetwork(new FakeClock());
  const own = { a: '10.244.1.0/24', b: '10.244.2.0/24' };
  const a = restarted(network, '10.0.0.1', { peers: ['10.0.0.2'], own: own.a, deferralSeconds: 120 });
  const b = restarted(network, '10.0.0.2', { peers: ['10.0.0.1'], own: own.b, deferralSeconds: 120 });
  network.clock.advance(10_000);
  t.deepEqual(a.inSync(), [{ seconds: 0, timedOut: false }]);
  t.deepEqual(b.inSync(), [{ seconds: 0, timedOut: false }]);
  t.deepEqual(a.best(), [own.a, own.b]);
  t.deepEqual(b.best(), [own.a, own.b]);
});

test('a peer that restarts as well and waits for a third: ours is told at once, but not in sync before it has told', t => {
  const network = new MemoryNetwork(new FakeClock());
  const a = restarted(network, '10.0.0.1', { peers: ['10.0.0.2'], deferralSeconds: 120 });
  const b = restarted(network, '10.0.0.2', { peers: ['10.0.0.1', '10.0.0.3'], deferralSeconds: 20 });
  network.clock.advance(10_000);
  t.like(a.peer('10.0.0.2'), { state: 'Established', session: { endOfRibSent: ['ipv4-unicast'] } });
  t.like(b.peer('10.0.0.1'), { session: { endOfRibReceived: ['ipv4-unicast'], endOfRibSent: [] } });
  t.deepEqual(a.inSync(), []);
  network.clock.advance(15_000);
  t.deepEqual(a.inSync(), [{ seconds: 20, timedOut: false }]);
  t.deepEqual(b.inSync(), [{ seconds: 20, timedOut: true }]);
});

test('a peer that does not come holds selection up until the deferral timer', t => {
  const network = new MemoryNetwork(new FakeClock());
  const own = '10.244.2.0/24';
  const a = restarted(network, '10.0.0.1', { peers: ['10.0.0.2', '10.0.0.3'], deferralSeconds: 30 });
  restarted(network, '10.0.0.2', { peers: ['10.0.0.1'], own, deferralSeconds: 120 });
  network.clock.advance(29_000);
  t.is(a.peer('10.0.0.2').routes.received, 1);
  t.deepEqual(a.best(), []);
  t.deepEqual(a.peer('10.0.0.2').session?.endOfRibSent, []);
  network.clock.advance(2000);
  t.deepEqual(a.inSync(), [{ seconds: 30, timedOut: true }]);
  t.deepEqual(a.best(), [own]);
  t.deepEqual(a.peer('10.0.0.2').session?.endOfRibSent, ['ipv4-unicast']);
});
