/** How much peers may tell: prefixes of one peer, and what all of them together take of memory. */
import test from 'ava';
import type { PeerOptions, SpeakerLimits } from '../../../bgp/index.js';
import { encodeUpdate, Writer } from '../../../bgp/wire/index.js';
import { type IpAddress, ipv4FromNumber } from '../../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../../core/prefix.js';
import { toHex } from '../../support/hex.js';
import { acceptAll, newWorld } from './memory.js';
import { RawPeer, type RawPeerOptions } from './raw-peer.js';

const US = '10.0.0.1';

/** A speaker of AS 64512 with peers that are driven octet for octet; the first is 10.0.0.2 of AS 65002. */
function setting(options: Partial<PeerOptions>, limits: Partial<SpeakerLimits> = {}) {
  const world = newWorld();
  const speaker = world.speaker(US, 64512, { limits });
  const add = (last: number, more: Partial<PeerOptions> = {}) =>
    speaker.addPeer({
      address: `10.0.0.${last}`,
      asn: 65000 + last,
      passive: true,
      families: ['ipv4-unicast', 'ipv6-unicast'],
      ...acceptAll,
      ...more,
    });
  const dial = (last: number, more: Pick<RawPeerOptions, 'capabilities'> = {}) => {
    const address = `10.0.0.${last}`;
    const transport = world.network.host(address as IpAddress);
    const raw = new RawPeer({ transport, address, asn: 65000 + last, remote: US, remoteAsn: 64512, ...more });
    world.clock.advance(100);
    return raw;
  };
  return { world, speaker, peer: add(2, options), add, dial };
}

const prefixes = (count: number, from = 0x10000000): Prefix[] =>
  Array.from({ length: count }, (_, i) => prefixOf(ipv4FromNumber(from + i * 256), 24));

interface Told {
  readonly announced?: readonly Prefix[];
  readonly withdrawn?: readonly Prefix[];
  readonly asn?: number;
  readonly med?: number;
  readonly unknown?: Uint8Array;
}

function update({ announced = [], withdrawn = [], asn = 65002, med, unknown }: Told): Uint8Array {
  const attributes = {
    origin: 0,
    asPath: [{ type: 'sequence' as const, asns: [asn] }],
    nextHop: 0x0a000002,
    ...(med === undefined ? {} : { multiExitDisc: med }),
    ...(unknown === undefined ? {} : { unknown: [{ flags: 0xe0, type: 99, value: unknown }] }),
  };
  const message = { announced, withdrawn, attributes: announced.length > 0 ? attributes : {} };
  return encodeUpdate(message, { fourOctetAs: true, ibgp: false });
}

const limit = (more: object = {}) => ({ maxPrefixes: { 'ipv4-unicast': { limit: 3, ...more } } });

test('a peer that tells too many prefixes gets 6/1 with family and limit, and stays down until it is added anew', t => {
  const { world, speaker, peer, add, dial } = setting(limit());
  add(3);
  const raw = dial(2);
  const other = dial(3);
  raw.send(update({ announced: prefixes(3) }));
  world.clock.advance(100);
  t.is(other.routes.size, 3);
  raw.send(update({ announced: prefixes(1, 0x20000000) }));
  world.clock.advance(100);
  t.deepEqual(
    raw.notifications.map(({ code, subcode, data }) => [code, subcode, toHex(data)]),
    [[6, 1, '00010100000003']],
  );
  t.is(other.routes.size, 0);
  t.is(peer.status().state, 'Idle');
  t.is(peer.status().routes.received, 0);
  world.clock.advance(3_600_000);
  t.is(peer.status().state, 'Idle');
  t.true(dial(2).closed, 'a connection of its own is refused as well');
  add(2, limit({ limit: 4 }));
  const again = dial(2);
  t.true(again.established);
  again.send(update({ announced: prefixes(4) }));
  world.clock.advance(100);
  t.is(peer.status().state, 'Established');
  t.is(speaker.routes({}).routes.length, 4);
});

test('a peer that would keep our routes after a NOTIFICATION gets its 6/1 in a Hard Reset (RFC 8538 section 5.1)', t => {
  const { world, speaker, peer, dial } = setting(limit());
  const restart = { restarting: false, notification: true, restartTimeSeconds: 120 };
  const families = [{ afi: 1, safi: 1, forwarding: true }];
  const raw = dial(2, {
    capabilities: [
      { kind: 'four-octet-as', asn: 65002 },
      { kind: 'graceful-restart', ...restart, families },
    ],
  });
  raw.send(update({ announced: prefixes(4) }));
  world.clock.advance(100);
  t.deepEqual(
    raw.notifications.map(({ code, subcode, data }) => [code, subcode, toHex(data)]),
    [[6, 9, '060100010100000003']],
  );
  t.is(speaker.routes({}).routes.length, 0);
  t.is(peer.status().routes.stale, 0);
});

test('what is beyond the limit is told to nobody, not even for a moment', t => {
  const { world, add, dial } = setting(limit());
  add(3);
  const raw = dial(2);
  const other = dial(3);
  raw.send(update({ announced: prefixes(100) }));
  for (let i = 0; i < 100; i++) {
    world.clock.advance(1);
    t.is(other.routes.size, 0);
  }
  t.is(raw.notifications.length, 1);
});

test('with `restart` it comes back after so many seconds', t => {
  const { world, peer, dial } = setting(limit({ action: 'restart', restartSeconds: 60 }));
  const raw = dial(2);
  raw.send(update({ announced: prefixes(4) }));
  world.clock.advance(100);
  t.is(raw.notifications[0]?.subcode, 1);
  world.clock.advance(58_000);
  t.is(peer.status().state, 'Idle');
  world.clock.advance(3000);
  t.is(peer.status().state, 'Active');
  t.true(dial(2).established);
});

test('withdrawn prefixes do not count, rejected ones do, and IPv6 has a limit of its own', t => {
  const { world, peer, dial } = setting({ ...limit(), import: () => 'reject' });
  const raw = dial(2);
  for (let i = 0; i < 10; i++) {
    raw.send(update({ announced: prefixes(3, 0x10000000 + i * 65536) }));
    raw.send(update({ withdrawn: prefixes(3, 0x10000000 + i * 65536) }));
  }
  world.clock.advance(100);
  t.is(peer.status().state, 'Established');
  raw.send(update({ announced: prefixes(4) }));
  world.clock.advance(100);
  t.is(raw.notifications[0]?.subcode, 1);
});

test('a limit of IPv6 prefixes is told with the numbers of IPv6', t => {
  const { world, dial } = setting({ maxPrefixes: { 'ipv6-unicast': { limit: 1 } } });
  const raw = dial(2);
  raw.send(update({ announced: prefixes(5) }));
  const nlri = new Writer().u8(16).u16(0x2001).u8(16).u16(0x2002).finish();
  const nextHop = Uint8Array.of(0x20, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
  raw.send(
    encodeUpdate(
      {
        announced: [],
        withdrawn: [],
        attributes: {
          origin: 0,
          asPath: [{ type: 'sequence', asns: [65002] }],
          mpReach: { afi: 2, safi: 1, nextHop, nlri },
        },
      },
      { fourOctetAs: true, ibgp: false },
    ),
  );
  world.clock.advance(100);
  t.deepEqual(
    raw.notifications.map(({ code, subcode, data }) => [code, subcode, toHex(data)]),
    [[6, 1, '00020100000001']],
  );
});

test('`warn` says so near the limit and beyond it, once each, and no more', t => {
  const { world, peer, dial } = setting(limit({ limit: 10, warnPercent: 50, action: 'warn' }));
  const raw = dial(2);
  for (let i = 0; i < 20; i++) {
    raw.send(update({ announced: prefixes(1, 0x10000000 + i * 256) }));
    world.clock.advance(100);
  }
  t.is(peer.status().routes.received, 20);
  t.is(peer.status().state, 'Established');
  t.is(world.logs.filter(line => line.includes('of 10 prefixes')).length, 2);
  t.regex(peer.status().info, /^20 prefixes of ipv4-unicast, 10 are allowed/);
});

interface Flood {
  readonly limits: Partial<SpeakerLimits>;
  /** One message of it. */
  message(i: number): Uint8Array;
}

const floods: Readonly<Record<string, Flood>> = {
  'distinct attribute sets for ever new prefixes': {
    limits: { attributeSets: 1000 },
    message: i => update({ announced: prefixes(1, 0x20000000 + i * 256), med: i }),
  },
  'routes without end': {
    limits: { routes: 5000 },
    message: i => update({ announced: prefixes(100, 0x20000000 + i * 25600) }),
  },
  'huge unknown attributes': {
    limits: { attributeBytes: 1_000_000 },
    message: i => {
      const unknown = new Uint8Array(3900);
      new DataView(unknown.buffer).setUint32(0, i);
      return update({ announced: prefixes(1, 0x20000000 + i * 256), unknown });
    },
  },
};

for (const [name, { limits, message }] of Object.entries(floods)) {
  test(`a flood of ${name} ends with 6/8 for its peer, again and again, and with nothing for the others`, t => {
    const { world, speaker, peer, add, dial } = setting({}, limits);
    const good = add(3);
    const other = dial(3);
    other.send(update({ announced: prefixes(10), asn: 65003 }));
    for (let round = 0; round < 3; round++) {
      world.clock.advance(120_000);
      const raw = dial(2);
      t.true(raw.established);
      for (let i = 0; i < 3000 && raw.notifications.length === 0; i++) {
        raw.send(message(i));
        if (i % 50 === 0) world.clock.advance(10);
      }
      world.clock.advance(100);
      t.deepEqual(
        raw.notifications.map(({ code, subcode }) => [code, subcode]),
        [[6, 8]],
      );
      t.true(raw.closed);
      t.is(peer.status().routes.received, 0);
      t.is(good.status().state, 'Established');
      t.is(speaker.routes({}).routes.length, 10);
    }
    t.is(other.routes.size, 0, 'it is told of the flood no more');
    t.is(good.status().counters.established, 1);
  });
}

test('what one prefix is told with, over and over, takes no more than one set', t => {
  const { world, peer, dial } = setting({}, { attributeSets: 100 });
  const raw = dial(2);
  for (let i = 0; i < 1000; i++) {
    raw.send(update({ announced: prefixes(1), med: i }));
    if (i % 20 === 0) world.clock.advance(100);
  }
  world.clock.advance(100);
  t.is(peer.status().state, 'Established');
});
