/** What peers are given: packing, sharing, late and slow readers, next hops, policies, graceful restart. */
import test from 'ava';
import type { RibPeer } from '../../../bgp/rib/contract.js';
import { createRib } from '../../../bgp/rib/rib.js';
import type { OriginatedRoute } from '../../../bgp/speaker/contract.js';
import type { PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { ip, prefix, prefixRange, ribPeer, WirePeer } from './wire-peer.js';

const newRib = (logLimitBytes = 1 << 24) =>
  createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address, logLimitBytes });

const path = (...asns: number[]): PathAttributes => ({
  origin: 0,
  asPath: [{ type: 'sequence', asns }],
  nextHop: 0xc0000201,
});

function own(text: string, over: Partial<OriginatedRoute> = {}): OriginatedRoute {
  const none = {
    nextHop: undefined,
    communities: [],
    largeCommunities: [],
    localPref: undefined,
    med: undefined,
  };
  return { prefix: prefix(text), ...none, ...over };
}

/** Announces in messages of 900 prefixes. */
function sendAll(peer: WirePeer, prefixes: readonly string[], attributes: PathAttributes): void {
  for (let from = 0; from < prefixes.length; from += 900) {
    peer.send({ announced: prefixes.slice(from, from + 900), attributes });
  }
}

/** What a peer knows of one prefix. */
function told(peer: WirePeer, text: string): Record<string, unknown> | undefined {
  peer.drain();
  const known = peer.routes.get(prefix(text));
  return known === undefined ? undefined : JSON.parse(known);
}

test('a table of 20 000 prefixes is packed to full messages, the withdrawals too', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('a', 65001, '10.0.0.1'));
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  const table = prefixRange('20.0.0.0', 24, 20_000);
  sendAll(source, table, path(65001));
  rib.flush();
  client.drain();
  t.is(client.routes.size, 20_000);
  t.is(client.messages, Math.ceil(20_000 / Math.floor((4096 - 23 - 24) / 4)));
  client.messages = 0;
  rib.peerDown(source.index, 'flush');
  rib.flush();
  client.drain();
  t.is(client.routes.size, 0);
  t.is(client.messages, Math.ceil(20_000 / Math.floor((4096 - 23) / 4)));
});

test('peers of one group are given the same bytes, and the source none', t => {
  const rib = newRib();
  const [a, b, c] = ['1', '2', '3'].map(n => rib.peerUp(ribPeer(n, 65000 + Number(n), `10.0.0.${n}`)));
  for (const index of [a, b, c]) rib.takeOutput(index!);
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  source.drain();
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009) });
  rib.flush();
  const bytes = rib.takeOutput(a!);
  t.truthy(bytes);
  t.is(rib.takeOutput(b!), bytes);
  t.is(rib.takeOutput(c!), bytes);
  t.is(rib.takeOutput(source.index), undefined);
});

test('clients that join at once share the snapshot; one that joins after a withdrawal is not told of the route', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  sendAll(source, prefixRange('20.0.0.0', 24, 1000), path(65009));
  rib.flush();
  const [a, b] = ['1', '2'].map(n => rib.peerUp(ribPeer(n, 65000 + Number(n), `10.0.0.${n}`)));
  t.is(rib.takeOutput(a!), rib.takeOutput(b!));
  source.send({ withdrawn: ['20.0.0.0/24'] });
  rib.flush();
  const late = new WirePeer(rib, ribPeer('3', 65003, '10.0.0.3'));
  const everTold: string[] = [];
  const remember = late.routes.set.bind(late.routes);
  late.routes.set = (key, value) => {
    everTold.push(key);
    return remember(key, value);
  };
  late.drain();
  t.is(late.routes.size, 999);
  t.false(everTold.includes('20.0.0.0/24'));
});

test('the initial table is sent once a client has read it, after the flush of what was known', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009) });
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  client.drain();
  t.false(rib.initialTableSent(client.index, 'ipv4-unicast'));
  rib.flush();
  t.false(rib.initialTableSent(client.index, 'ipv4-unicast'));
  client.drain();
  t.true(rib.initialTableSent(client.index, 'ipv4-unicast'));
  t.is(client.routes.size, 1);
});

test('while selection is held only own routes are told; on release everything is', t => {
  const rib = newRib();
  rib.holdSelection('ipv4-unicast', true);
  const source = new WirePeer(rib, ribPeer('a', 65001, '10.0.0.1'));
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  rib.originate([own('10.8.0.0/16'), own('10.9.0.0/16')]);
  sendAll(source, ['20.0.0.0/24', '20.0.1.0/24', '10.8.0.0/16'], path(65001));
  rib.flush();
  client.drain();
  t.deepEqual([...client.routes.keys()].sort(), ['10.8.0.0/16', '10.9.0.0/16'] as never[]);
  rib.withdrawOriginated([prefix('10.9.0.0/16')]);
  source.send({ withdrawn: ['20.0.1.0/24'] });
  rib.flush();
  client.drain();
  t.deepEqual([...client.routes.keys()], ['10.8.0.0/16'] as never[]);
  rib.holdSelection('ipv4-unicast', false);
  t.true(rib.dirty);
  rib.flush();
  client.drain();
  t.true(rib.initialTableSent(client.index, 'ipv4-unicast'));
  t.deepEqual([...client.routes.keys()].sort(), ['10.8.0.0/16', '20.0.0.0/24'] as never[]);
});

test('a peer that does not read is told the newest state when it does, and holds no log meanwhile', t => {
  const rib = newRib(10_000);
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  const slow = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  const quick = new WirePeer(rib, ribPeer('c', 65003, '10.0.0.3'));
  const table = prefixRange('20.0.0.0', 24, 2000);
  sendAll(source, table, path(65009));
  rib.flush();
  slow.drain();
  for (let round = 1; round <= 50; round++) {
    sendAll(source, table.slice(0, 1000), path(65009, 65100 + round));
    rib.flush();
    quick.drain();
  }
  source.send({ withdrawn: table.slice(500, 1500) });
  rib.flush();
  quick.drain();
  slow.bytes = 0;
  slow.drain();
  t.is(slow.routes.size, 1000);
  t.deepEqual([...slow.routes].sort(), [...quick.routes].sort());
  t.true(slow.bytes < 10_000, `${slow.bytes} bytes for 1500 changed prefixes`);
  source.send({ withdrawn: table.slice(0, 1) });
  rib.flush();
  slow.drain();
  t.is(slow.routes.size, 999);
});

test('next hops: own to external peers but for a shared subnet, unchanged to internal ones', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  const nextHopFor = (over: Partial<RibPeer>, asn = 65002) => {
    const peer = new WirePeer(rib, ribPeer('x', asn, '10.0.0.2', over));
    const { nextHop } = told(peer, '10.1.0.0/16') ?? {};
    rib.peerDown(peer.index, 'flush');
    rib.flush();
    return nextHop;
  };
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009) });
  rib.flush();
  t.is(nextHopFor({}), '10.0.0.254');
  t.is(nextHopFor({ sharedSubnets: [prefix('192.0.2.0/24')] }), '192.0.2.1');
  t.is(nextHopFor({ nextHopMode: 'keep' }), '192.0.2.1');
  t.is(nextHopFor({}, 64512), '192.0.2.1');
  t.is(nextHopFor({ nextHopMode: 'self' }, 64512), '10.0.0.254');
  t.is(nextHopFor({ address: ip('192.0.2.1') }, 64512), undefined);
});

test('own routes: their next hop, MED and communities go to external peers, NO_EXPORT of received ones is honoured', t => {
  const rib = newRib();
  const external = new WirePeer(rib, ribPeer('e', 65002, '10.0.0.2'));
  const internal = new WirePeer(rib, ribPeer('i', 64512, '10.0.0.3'));
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  rib.originate([own('10.1.0.0/16', { communities: [0xffffff01], med: 7, nextHop: ip('10.0.0.77') })]);
  source.send({ announced: ['10.2.0.0/16'], attributes: { ...path(65009), communities: [0xffffff01] } });
  source.send({ announced: ['10.3.0.0/16'], attributes: { ...path(65009), communities: [0xffffff02] } });
  source.send({ announced: ['10.4.0.0/16'], attributes: { ...path(65009), multiExitDisc: 5 } });
  rib.flush();
  t.like(told(external, '10.1.0.0/16'), { nextHop: '10.0.0.77', multiExitDisc: 7, asPath: '64512' });
  t.is(told(external, '10.2.0.0/16'), undefined);
  t.is(told(external, '10.3.0.0/16'), undefined);
  t.like(told(external, '10.4.0.0/16'), { asPath: '64512 65009' });
  t.is(told(external, '10.4.0.0/16')?.multiExitDisc, undefined);
  t.like(told(internal, '10.1.0.0/16'), { localPref: 100, asPath: '' });
  t.like(told(internal, '10.2.0.0/16'), { localPref: 100, asPath: '65009' });
  t.is(told(internal, '10.3.0.0/16'), undefined);
  t.like(told(internal, '10.4.0.0/16'), { multiExitDisc: 5 });
});

test('a refreshed peer is told everything again', t => {
  const rib = newRib();
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  rib.originate([own('10.1.0.0/16'), own('10.2.0.0/16')]);
  rib.flush();
  client.drain();
  client.routes.clear();
  rib.refresh(client.index, 'ipv4-unicast');
  client.drain();
  t.is(client.routes.size, 2);
});

test('graceful restart: stale routes stay, the same routes come back without a word to others, the rest goes', t => {
  const rib = newRib();
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  const restarting = ribPeer('s', 65009, '10.0.0.9');
  let source = new WirePeer(rib, restarting);
  source.send({ announced: ['10.1.0.0/16', '10.2.0.0/16'], attributes: path(65009) });
  rib.flush();
  client.drain();
  rib.peerDown(source.index, { keepStale: ['ipv4-unicast'] });
  rib.flush();
  t.is(rib.counts('s').stale, 2);
  t.is(rib.takeOutput(client.index), undefined);
  source = new WirePeer(rib, restarting);
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009) });
  rib.flush();
  t.is(rib.takeOutput(client.index), undefined);
  t.deepEqual(rib.counts('s'), { received: 2, accepted: 2, advertised: 0, stale: 1 });
  t.is(rib.flushStale('s', 'ipv4-unicast'), 1);
  rib.flush();
  client.drain();
  t.deepEqual([...client.routes.keys()], [prefix('10.1.0.0/16')]);
});

test('graceful restart: what is stale at a second loss goes', t => {
  const rib = newRib();
  const restarting = ribPeer('s', 65009, '10.0.0.9');
  let source = new WirePeer(rib, restarting);
  source.send({ announced: ['10.1.0.0/16', '10.2.0.0/16'], attributes: path(65009) });
  rib.peerDown(source.index, { keepStale: ['ipv4-unicast'] });
  source = new WirePeer(rib, restarting);
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009) });
  rib.peerDown(source.index, { keepStale: ['ipv4-unicast'] });
  rib.flush();
  t.deepEqual(rib.counts('s'), { received: 1, accepted: 1, advertised: 0, stale: 1 });
});

test('a table that is asked for while a change waits to be decided is told as decided', t => {
  const rib = newRib();
  const restarting = ribPeer('s', 65009, '10.0.0.9');
  let source = new WirePeer(rib, restarting);
  const best = () =>
    rib
      .routes({
        table: { kind: 'best' },
        family: 'ipv4-unicast',
        prefix: undefined,
        after: undefined,
        limit: 9,
      })
      .routes.map(route => [route.prefix, route.asPath, route.stale]);
  source.send({ announced: ['10.1.0.0/16', '10.2.0.0/16'], attributes: path(65009) });
  t.deepEqual(best(), [
    ['10.1.0.0/16', '65009', false],
    ['10.2.0.0/16', '65009', false],
  ]);
  rib.peerDown(source.index, { keepStale: ['ipv4-unicast'] });
  source = new WirePeer(rib, restarting);
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009, 65010) });
  t.deepEqual(best(), [
    ['10.1.0.0/16', '65009 65010', false],
    ['10.2.0.0/16', '65009', true],
  ]);
  source.send({ withdrawn: ['10.1.0.0/16'] });
  t.deepEqual(best(), [['10.2.0.0/16', '65009', true]]);
});

test('a peer index is given out again only after its routes are gone', t => {
  const rib = newRib();
  const first = new WirePeer(rib, ribPeer('a', 65001, '10.0.0.1'));
  first.send({ announced: ['10.1.0.0/16'], attributes: path(65001) });
  rib.flush();
  rib.peerDown(first.index, 'flush');
  const second = rib.peerUp(ribPeer('b', 65002, '10.0.0.2'));
  t.not(second, first.index);
  rib.flush();
  t.is(rib.peerUp(ribPeer('c', 65003, '10.0.0.3')), first.index);
});

test('predicates judge decoded routes on the way in and out', t => {
  const rib = newRib();
  const importPolicy = ({ asPath }: { readonly asPath: string }) =>
    asPath.includes('65666') ? ('reject' as const) : ('accept' as const);
  const exportPolicy = ({ from }: { readonly from: string }) =>
    from === 'own' ? ('accept' as const) : ('reject' as const);
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9', { importPolicy }));
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2', { exportPolicy }));
  const other = new WirePeer(rib, ribPeer('c', 65003, '10.0.0.3'));
  source.send({ announced: ['10.1.0.0/16'], attributes: path(65009, 65666) });
  source.send({ announced: ['10.2.0.0/16'], attributes: path(65009) });
  rib.originate([own('10.3.0.0/16')]);
  rib.flush();
  client.drain();
  other.drain();
  t.deepEqual([...client.routes.keys()], [prefix('10.3.0.0/16')]);
  t.deepEqual([...other.routes.keys()].sort(), [prefix('10.2.0.0/16'), prefix('10.3.0.0/16')]);
  t.is(rib.counts('s').accepted, 1);
});

test('pages of a table are in prefix order and complete', t => {
  const rib = newRib();
  const source = new WirePeer(rib, ribPeer('s', 65009, '10.0.0.9'));
  const client = new WirePeer(rib, ribPeer('b', 65002, '10.0.0.2'));
  const table = [
    ...prefixRange('200.0.0.0', 24, 300),
    ...prefixRange('20.0.0.0', 24, 300),
    prefix('20.0.0.0/16'),
  ];
  sendAll(source, table, path(65009));
  rib.flush();
  client.drain();
  for (const which of ['best', 'advertised'] as const) {
    const seen: string[] = [];
    for (let after = undefined as ReturnType<typeof prefix> | undefined; ; ) {
      const table =
        which === 'best' ? ({ kind: 'best' } as const) : ({ kind: 'advertised', peer: 'b' } as const);
      const page = rib.routes({ table, family: 'ipv4-unicast', prefix: undefined, after, limit: 7 });
      seen.push(...page.routes.map(route => route.prefix));
      after = page.routes.at(-1)?.prefix;
      if (!page.more) break;
    }
    t.is(seen.length, 601);
    t.deepEqual(seen.slice(0, 3), ['20.0.0.0/16', '20.0.0.0/24', '20.0.1.0/24']);
    t.is(new Set(seen).size, 601);
    t.is(seen.at(-1), '200.1.43.0/24');
  }
});
