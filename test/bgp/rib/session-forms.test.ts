/** How routes are written, by what a session agreed on: IPv6 next hops of IPv4 routes (RFC 8950), link-local ones, long messages. */
import test from 'ava';
import type { SessionForms } from '../../../bgp/rib/contract.js';
import { createRib } from '../../../bgp/rib/rib.js';
import { plainForms } from '../../../bgp/speaker/defaults.js';
import { decodeUpdate, type PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import { addressFromBytes, type IpAddress, type Ipv4Address } from '../../../core/ip-address.js';
import { contextOf, ip, prefix, prefixRange, ribPeer, WirePeer } from './wire-peer.js';

const newRib = () => createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
const over6 = { ...both, localAddress: ip('fd00::254') } as const;
const extended = { extendedNextHop: true } as const;

const path = (...asns: number[]): PathAttributes => ({
  origin: 0,
  asPath: [{ type: 'sequence', asns }],
  nextHop: 0xc0000201,
});

type Rib = ReturnType<typeof newRib>;

function routes(rib: Rib, family: 'ipv4-unicast' | 'ipv6-unicast' = 'ipv4-unicast') {
  const table = { kind: 'all-paths' } as const;
  return rib.routes({ table, family, prefix: undefined, after: undefined, limit: 1000 }).routes;
}

function bestNextHops(rib: Rib, family: 'ipv4-unicast' | 'ipv6-unicast' = 'ipv4-unicast') {
  rib.flush();
  return rib.takeBestRoutes(family, true)?.nextHopSets.map(set => set.nextHops.join());
}

test('an IPv4 prefix with an IPv6 next hop is a route where that was negotiated, and ends the session elsewhere', t => {
  const rib = newRib();
  const able = new WirePeer(rib, ribPeer('able', 65001, 'fd00::1', { ...over6, ...extended }));
  const unable = new WirePeer(rib, ribPeer('unable', 65002, 'fd00::2', over6));
  const route = { announced: ['10.1.0.0/16'], nextHop4: 'fd00::1' };
  t.deepEqual(able.send({ ...route, attributes: path(65001) }), { kind: 'ok' });
  t.like(unable.send({ ...route, attributes: path(65002) }), { kind: 'error', code: 3, subcode: 9 });
  t.deepEqual(bestNextHops(rib), ['fd00::1']);
  t.deepEqual(rib.takeWatchedNextHops(), [ip('fd00::1')]);
  for (const nextHop4 of ['::', 'ff02::1']) {
    const outcome = able.send({ ...route, nextHop4, attributes: path(65001) });
    t.like(outcome, { kind: 'repaired', treatedAsWithdraw: 1 }, nextHop4);
  }
  t.is(routes(rib).length, 0);
});

test('the same octets mean the same to sessions that differ in RFC 8950 alone, judged for each', t => {
  const rib = newRib();
  const able = new WirePeer(rib, ribPeer('able', 64512, 'fd00::1', { ...over6, ...extended }));
  const unable = new WirePeer(rib, ribPeer('unable', 64512, 'fd00::2', over6));
  const route = {
    announced: ['10.1.0.0/16'],
    nextHop4: 'fd00::1',
    attributes: { ...path(65001), localPref: 100 },
  };
  t.like(unable.send(route), { kind: 'error' });
  t.deepEqual(able.send(route), { kind: 'ok' });
  t.like(unable.send(route), { kind: 'error' });
});

test('IPv4 routes go over a session between IPv6 addresses only with RFC 8950, with our IPv6 address as next hop', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('source', 65001, '10.0.0.1'));
  const able = new WirePeer(rib, ribPeer('able', 65002, 'fd00::2', { ...over6, ...extended }));
  const unable = new WirePeer(rib, ribPeer('unable', 65003, 'fd00::3', over6));
  source.send({ announced: ['10.1.0.0/16', '10.2.0.0/16'], attributes: path(65001) });
  rib.flush();
  able.drain();
  unable.drain();
  t.is(unable.routes.size, 0);
  t.deepEqual([...able.routes.keys()], [prefix('10.1.0.0/16'), prefix('10.2.0.0/16')]);
  for (const text of able.routes.values()) t.true(text.includes('"nextHop":"fd00::254"'), text);
  source.send({ withdrawn: ['10.1.0.0/16'] });
  rib.flush();
  able.drain();
  t.deepEqual([...able.routes.keys()], [prefix('10.2.0.0/16')]);
});

test('an IPv6 next hop of an IPv4 route is reflected to who can take it; others inside the AS get ours, clients nothing', t => {
  const rib = newRib();
  const outside = new WirePeer(rib, ribPeer('outside', 65001, 'fd00::1', { ...over6, ...extended }));
  const plain = new WirePeer(rib, ribPeer('plain', 64512, '10.0.0.2'));
  const client = { ...extended, routeReflectorClient: true };
  const inside = new WirePeer(rib, ribPeer('inside', 64512, '10.0.0.3', client));
  const able = new WirePeer(rib, ribPeer('able', 64512, '10.0.0.4', extended));
  outside.send({ announced: ['10.1.0.0/16'], nextHop4: 'fd00::1', attributes: path(65001) });
  inside.send({ announced: ['10.2.0.0/16'], nextHop4: 'fd00::3', attributes: { ...path(), localPref: 100 } });
  rib.flush();
  for (const peer of [plain, able]) peer.drain();
  const nextHops = (peer: WirePeer) =>
    Object.fromEntries([...peer.routes].map(([of, text]) => [of, JSON.parse(text).nextHop]));
  t.deepEqual(nextHops(plain), { '10.1.0.0/16': '10.0.0.254' });
  t.deepEqual(nextHops(able), { '10.1.0.0/16': 'fd00::1', '10.2.0.0/16': 'fd00::3' });
});

test('a slow peer is told the newest state of IPv4 routes with IPv6 next hops, too', t => {
  const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address, logLimitBytes: 100 });
  const source = new WirePeer(rib, ribPeer('source', 65001, '10.0.0.1'));
  const slow = new WirePeer(rib, ribPeer('slow', 65002, 'fd00::2', { ...over6, ...extended }));
  rib.flush();
  slow.drain();
  for (const each of prefixRange('10.0.0.0', 24, 50)) {
    source.send({ announced: [each], attributes: path(65001) });
    rib.flush();
  }
  source.send({ withdrawn: ['10.0.7.0/24'] });
  rib.flush();
  slow.drain();
  t.is(slow.routes.size, 49);
});

const link: Partial<SessionForms> = { interface: 'eth0' };

test('of two next hops the link-local one is used on the link of the session, the global one elsewhere and further on', t => {
  const rib = newRib();
  const near = new WirePeer(rib, ribPeer('near', 65001, 'fd00::1', { ...over6, ...link }));
  const far = new WirePeer(rib, ribPeer('far', 65002, 'fd01::1', over6));
  const inside = new WirePeer(rib, ribPeer('inside', 64512, 'fd00::3', over6));
  near.send({ announced: ['fd10::/32'], nextHop6: 'fd00::1 fe80::1', attributes: path(65001) });
  far.send({ announced: ['fd20::/32'], nextHop6: 'fd01::1 fe80::1', attributes: path(65002) });
  t.deepEqual(bestNextHops(rib, 'ipv6-unicast'), ['fe80::1%eth0', 'fd01::1']);
  t.deepEqual(rib.takeWatchedNextHops(), [ip('fe80::1%eth0'), ip('fd01::1')]);
  inside.drain();
  const told = [...inside.routes.values()].map(text => JSON.parse(text).nextHop);
  t.deepEqual(told, ['fd00::1', 'fd01::1']);
  t.deepEqual(
    routes(rib, 'ipv6-unicast').map(({ nextHop }) => nextHop),
    [ip('fe80::1%eth0'), ip('fd01::1')],
  );
});

test('a global and a link-local next hop in the wrong order are taken for what they are', t => {
  const rib = newRib();
  const near = new WirePeer(rib, ribPeer('near', 65001, 'fd00::1', { ...over6, ...link }));
  const far = new WirePeer(rib, ribPeer('far', 65002, 'fd01::1', over6));
  near.send({ announced: ['fd10::/32'], nextHop6: 'fe80::1 fd00::1', attributes: path(65001) });
  far.send({ announced: ['fd20::/32'], nextHop6: 'fe80::1 fd01::1', attributes: path(65002) });
  t.deepEqual(bestNextHops(rib, 'ipv6-unicast'), ['fe80::1%eth0', 'fd01::1']);
});

test('a link-local next hop alone is usable on the link of the session only, and handed on to nobody', t => {
  for (const nextHop6 of ['fe80::1', ':: fe80::1', 'fe80::1 fe80::1']) {
    const rib = newRib();
    const near = new WirePeer(rib, ribPeer('near', 65001, 'fe80::1', { ...over6, ...link }));
    const far = new WirePeer(rib, ribPeer('far', 65002, 'fd01::1', over6));
    const client = { ...over6, ...link, routeReflectorClient: true };
    const one = new WirePeer(rib, ribPeer('one', 64512, 'fd00::3', client));
    const other = new WirePeer(rib, ribPeer('other', 64512, 'fd00::4', client));
    near.send({ announced: ['fd10::/32'], nextHop6, attributes: path(65001) });
    far.send({ announced: ['fd20::/32'], nextHop6, attributes: path(65002) });
    one.send({ announced: ['fd30::/32'], nextHop6, attributes: { ...path(), localPref: 100 } });
    t.deepEqual(new Set(bestNextHops(rib, 'ipv6-unicast')), new Set(['fe80::1%eth0']), nextHop6);
    t.deepEqual(
      routes(rib, 'ipv6-unicast').map(({ usable, reason }) => (usable ? 'usable' : reason)),
      ['usable', 'link-local-next-hop', 'usable'],
    );
    other.drain();
    const told = [...other.routes].map(([of, text]) => `${of} ${JSON.parse(text).nextHop}`);
    // Ours for the one from outside; the one to be reflected must keep its next hop, which is good for nobody else.
    t.deepEqual(told, ['fd10::/32 fd00::254']);
  }
});

test('our own link-local address makes a route to it unusable on whatever interface', t => {
  const rib = newRib();
  const near = new WirePeer(rib, ribPeer('near', 65001, 'fe80::1', { ...over6, ...link }));
  rib.setOwnAddresses([ip('fe80::5')]);
  near.send({ announced: ['fd10::/32'], nextHop6: 'fe80::5', attributes: path(65001) });
  rib.flush();
  t.is(routes(rib, 'ipv6-unicast')[0]?.reason, 'next-hop-is-ours');
});

/** What each UPDATE to a peer has as next hop in MP_REACH_NLRI, by its octets, with the prefixes of a family. */
function toldNextHops(rib: Rib, peer: WirePeer): Record<string, string> {
  const told: Record<string, string> = {};
  for (let chunk = rib.takeOutput(peer.index); chunk !== undefined; chunk = rib.takeOutput(peer.index)) {
    for (let at = 0; at < chunk.length; ) {
      const length = (chunk[at + 16]! << 8) | chunk[at + 17]!;
      const update = decodeUpdate(chunk, at, at + length, contextOf(peer.peer));
      const octets = update.attributes.mpReach?.nextHop ?? new Uint8Array(0);
      const addresses = [0, 16].filter(from => from < octets.length);
      const words = addresses.map(from => addressFromBytes('ipv6', octets, from)).join(' ');
      for (const each of update.announced) told[each] = words;
      at += length;
    }
  }
  return told;
}

const onLink = { ...over6, sharedSubnets: [prefix('fd00::/64')], linkLocalAddress: ip('fe80::254') } as const;

function originate(rib: Rib, nextHop: string | undefined, ...prefixes: string[]): void {
  const rest = { communities: [], largeCommunities: [], localPref: undefined, med: undefined };
  rib.originate(
    prefixes.map(each => ({ prefix: prefix(each), nextHop: nextHop as IpAddress | undefined, ...rest })),
  );
}

test('our own next hop goes with our link-local address to a peer on its link, and to no other (RFC 2545 section 3)', t => {
  const rib = newRib();
  const peers = {
    internal: ribPeer('internal', 64512, 'fd00::1', onLink),
    external: ribPeer('external', 65001, 'fd00::2', onLink),
    'in another subnet': ribPeer('other', 65002, 'fd00:0:0:1::3', onLink),
    'of whom we have no such address': ribPeer('none', 65003, 'fd00::4', {
      ...onLink,
      linkLocalAddress: undefined,
    }),
    'to whom we speak from elsewhere': ribPeer('loopback', 65004, 'fd00::5', {
      ...onLink,
      localAddress: ip('fd99::1'),
    }),
    unnumbered: ribPeer('unnumbered', 65005, 'fe80::6', {
      ...onLink,
      ...link,
      localAddress: ip('fe80::254'),
      sharedSubnets: [prefix('fe80::/64')],
    }),
  };
  originate(rib, undefined, 'fd10::/32');
  const told = Object.entries(peers).map(([name, peer]) => {
    const wire = new WirePeer(rib, peer);
    rib.flush();
    return `${name}: ${toldNextHops(rib, wire)['fd10::/32']}`;
  });
  t.deepEqual(told, [
    'internal: fd00::254 fe80::254',
    'external: fd00::254 fe80::254',
    'in another subnet: fd00::254',
    'of whom we have no such address: fd00::254',
    'to whom we speak from elsewhere: fd99::1',
    'unnumbered: fe80::254',
  ]);
});

test('a next hop that is not ours goes alone, whatever link-local address came with it; in its place ours goes with ours', t => {
  const rib = newRib();
  const outside = new WirePeer(rib, ribPeer('outside', 65001, 'fd00::1', { ...onLink, ...link }));
  const client = { ...onLink, ...link, routeReflectorClient: true };
  const inside = new WirePeer(rib, ribPeer('inside', 64512, 'fd00::2', client));
  const internal = new WirePeer(rib, ribPeer('internal', 64512, 'fd00::3', onLink));
  const self = new WirePeer(rib, ribPeer('self', 64512, 'fd00::4', { ...onLink, nextHopMode: 'self' }));
  const external = new WirePeer(rib, ribPeer('external', 65002, 'fd00::5', onLink));
  outside.send({ announced: ['fd10::/32'], nextHop6: 'fd00::1 fe80::1', attributes: path(65001) });
  outside.send({ announced: ['fd11::/32'], nextHop6: 'fd77::1 fe80::1', attributes: path(65001) });
  const reflected = { ...path(), localPref: 100 };
  inside.send({ announced: ['fd20::/32'], nextHop6: 'fd00::2 fe80::2', attributes: reflected });
  originate(rib, 'fd00::77', 'fd30::/32');
  rib.flush();
  t.deepEqual(toldNextHops(rib, internal), {
    'fd10::/32': 'fd00::1',
    'fd11::/32': 'fd77::1',
    'fd20::/32': 'fd00::2',
    'fd30::/32': 'fd00::77',
  });
  t.deepEqual(toldNextHops(rib, self), {
    'fd10::/32': 'fd00::254 fe80::254',
    'fd11::/32': 'fd00::254 fe80::254',
    'fd20::/32': 'fd00::2',
    'fd30::/32': 'fd00::254 fe80::254',
  });
  t.deepEqual(toldNextHops(rib, external), {
    // A third party's of the shared subnet, and those that only we can reach.
    'fd10::/32': 'fd00::1',
    'fd11::/32': 'fd00::254 fe80::254',
    'fd20::/32': 'fd00::2',
    'fd30::/32': 'fd00::77',
  });
});

test('IPv4 prefixes with our IPv6 next hop have the link-local one beside it, too (RFC 8950 section 3)', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('able', 65001, 'fd00::1', { ...onLink, ...extended }));
  originate(rib, undefined, '10.1.0.0/16');
  originate(rib, '192.0.2.1', '10.2.0.0/16');
  rib.flush();
  t.deepEqual(toldNextHops(rib, peer), { '10.1.0.0/16': 'fd00::254 fe80::254', '10.2.0.0/16': '' });
});

test('another link-local address of ours is told without a new session, and so is that there is none any more', t => {
  const rib = newRib();
  const peer = ribPeer('near', 65001, 'fd00::1', onLink);
  const near = new WirePeer(rib, peer);
  originate(rib, undefined, 'fd10::/32', 'fd11::/32');
  originate(rib, 'fd00::77', 'fd30::/32');
  rib.flush();
  t.is(Object.keys(toldNextHops(rib, near)).length, 3);
  const change = (linkLocalAddress: IpAddress | undefined) => {
    rib.setPolicies(near.index, { ...peer, linkLocalAddress });
    rib.flush();
    return toldNextHops(rib, near);
  };
  const ours = (nextHop: string) => ({ 'fd10::/32': nextHop, 'fd11::/32': nextHop });
  t.deepEqual(change(ip('fe80::255')), ours('fd00::254 fe80::255'));
  t.deepEqual(change(undefined), ours('fd00::254'));
  t.deepEqual(change(undefined), {});
});

test('peers on one link share what is encoded, whatever link-local addresses they have themselves', t => {
  const rib = newRib();
  const [one, other] = ['fd00::1', 'fd00::2'].map(
    (address, i) => new WirePeer(rib, ribPeer(address, 65001 + i, address, onLink)),
  );
  originate(rib, undefined, 'fd10::/32');
  rib.flush();
  const [first, second] = [rib.takeOutput(one!.index), rib.takeOutput(other!.index)];
  t.not(first, undefined);
  t.is(first?.buffer, second?.buffer);
});

const long = { maxMessageLength: 65535 } as const;

test('prefixes fill messages of 4096 octets, or of 65535 where both ends take them (RFC 8654)', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('source', 65001, '10.0.0.1', long));
  const plain = new WirePeer(rib, ribPeer('plain', 65002, '10.0.0.2'));
  const able = new WirePeer(rib, ribPeer('able', 65003, '10.0.0.3', long));
  const able6 = new WirePeer(rib, ribPeer('able6', 65004, 'fd00::4', { ...over6, ...long }));
  const announced = prefixRange('10.0.0.0', 24, 16000);
  source.send({ announced, attributes: path(65001) });
  const six = Array.from({ length: 5000 }, (_, i) => `fd00:${i.toString(16)}::/32`);
  able6.send({ announced: six, nextHop6: 'fd00::4', attributes: path(65004) });
  const reader6 = new WirePeer(rib, ribPeer('reader6', 65005, 'fd00::5', { ...over6, ...long }));
  rib.flush();
  for (const peer of [plain, able, reader6]) peer.drain();
  t.is(plain.routes.size, announced.length);
  t.is(able.routes.size, announced.length);
  t.true(plain.longest <= 4096 && plain.longest > 4080, `${plain.longest}`);
  t.true(able.longest <= 65535 && able.longest > 63000, `${able.longest}`);
  t.is(able.messages, 1);
  t.is(reader6.routes.size, six.length);
  t.true(reader6.longest > 20000, `${reader6.longest}`);
});

test('attributes above 4096 octets go to those that take them, to the others not (RFC 8654 section 4)', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('source', 65001, '10.0.0.1', long));
  const plain = new WirePeer(rib, ribPeer('plain', 65002, '10.0.0.2'));
  const able = new WirePeer(rib, ribPeer('able', 65003, '10.0.0.3', long));
  const communities = (count: number) => Array.from({ length: count }, (_, i) => 0x10000 + i);
  const send = (count: number) => {
    const attributes = { ...path(65001), communities: communities(count) };
    t.deepEqual(source.send({ announced: ['10.1.0.0/16'], attributes }), { kind: 'ok' });
    rib.flush();
    for (const peer of [plain, able]) peer.drain();
  };
  send(10);
  t.deepEqual([plain.routes.size, able.routes.size], [1, 1]);
  // What the plain peer was told before is taken back.
  send(5000);
  t.deepEqual([plain.routes.size, able.routes.size], [0, 1]);
  t.is(JSON.parse(able.routes.get(prefix('10.1.0.0/16'))!).communities.length, 5000);
  t.true(able.longest > 20000);
  send(900);
  t.deepEqual([plain.routes.size, able.routes.size], [1, 1]);
  t.true(plain.longest <= 4096);
  // More than even a long message holds.
  send(16370);
  t.deepEqual([plain.routes.size, able.routes.size], [0, 0]);
});

test('sessions that agreed on nothing write what RFC 4271 knows', t => {
  t.deepEqual(plainForms, {
    addPath: { receive: [], send: [] },
    extendedNextHop: false,
    maxMessageLength: 4096,
    interface: undefined,
  });
});
