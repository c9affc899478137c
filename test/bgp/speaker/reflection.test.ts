/** Route reflection (RFC 4456) among speakers in memory: who hears of a route, and with which attributes. */
import test, { type ExecutionContext } from 'ava';
import type { PeerOptions, Speaker } from '../../../bgp/index.js';
import { acceptAll, newWorld, type World } from './memory.js';

const AS = 64512;
const ROUTE = '10.244.1.0/24';

/** Speakers of one AS by a short name: "3" is 10.0.0.3. */
class Topology {
  readonly world: World = newWorld();
  readonly #speakers = new Map<string, Speaker>();

  add(name: string, clusterId?: string): Speaker {
    const more = clusterId === undefined ? {} : { clusterId };
    const speaker = this.world.speaker(addressOf(name), AS, more);
    this.#speakers.set(name, speaker);
    return speaker;
  }

  at(name: string): Speaker {
    return this.#speakers.get(name)!;
  }

  /** A session as `a` sees it, and as `b` does. */
  link(a: string, b: string, atA: Partial<PeerOptions> = {}, atB: Partial<PeerOptions> = {}): void {
    this.see(a, b, atA);
    this.see(b, a, atB);
  }

  see(from: string, to: string, more: Partial<PeerOptions> = {}): void {
    const ends = { address: addressOf(to), localAddress: addressOf(from), asn: AS };
    this.at(from).addPeer({ ...ends, ...acceptAll, ...more });
  }

  /** `client` is a client of `reflector`. */
  reflect(reflector: string, ...clients: readonly string[]): void {
    for (const client of clients) this.link(reflector, client, { routeReflectorClient: true });
  }

  settle(): void {
    this.world.clock.advance(10_000);
  }

  /** The best path at a speaker: where from, next hop, ORIGINATOR_ID, CLUSTER_LIST. */
  best(name: string): string {
    const best = this.at(name).routes({ prefix: ROUTE }).routes[0];
    if (best === undefined) return 'none';
    const path = [best.from, best.nextHop, best.originatorId ?? '-', best.clusterList.join(',') || '-'];
    return path.join(' ').replaceAll('10.0.0.', '').replaceAll(' 179', '');
  }

  /** The paths that may not be used at a speaker, by reason. */
  refused(name: string): readonly string[] {
    const { routes } = this.at(name).routes({ table: { kind: 'all-paths' }, prefix: ROUTE });
    return routes
      .filter(({ usable }) => !usable)
      .map(({ from, reason }) => `${from.split(' ')[0]} ${reason}`);
  }

  /** Nobody tells anybody anything any more. */
  quiet(t: ExecutionContext): void {
    const sent = () => [...this.#speakers.values()].map(s => s.peers().map(p => p.counters.updatesSent));
    const before = sent();
    this.world.clock.advance(1000);
    t.deepEqual(sent(), before);
  }
}

const addressOf = (name: string) => `10.0.0.${name}`;

test("a client's route goes to clients and non-clients, a non-client's to clients alone", t => {
  const net = new Topology();
  for (const name of ['1', '2', '3', '4', '5']) net.add(name);
  net.reflect('1', '2', '3');
  net.link('1', '4');
  net.link('1', '5');
  net.at('2').announce(ROUTE);
  net.settle();
  t.deepEqual(
    ['2', '3', '4', '5'].map(each => net.best(each)),
    ['own 0.0.0.0 - -', '1 2 2 1', '1 2 2 1', '1 2 2 1'],
  );
  net.at('2').withdraw(ROUTE);
  net.at('4').announce(ROUTE);
  net.settle();
  t.deepEqual(
    ['2', '3', '4', '5'].map(each => net.best(each)),
    ['1 4 4 1', '1 4 4 1', 'own 0.0.0.0 - -', 'none'],
  );
  net.quiet(t);
});

test("routes from other ASes and the reflector's own are told as by anyone, without ORIGINATOR_ID and CLUSTER_LIST", t => {
  const net = new Topology();
  for (const name of ['1', '2', '4']) net.add(name);
  net.reflect('1', '2');
  net.link('1', '4');
  const outside = net.world.speaker('10.0.0.9', 65009);
  outside.addPeer({ address: '10.0.0.1', localAddress: '10.0.0.9', asn: AS, ...acceptAll });
  net.at('1').addPeer({ address: '10.0.0.9', localAddress: '10.0.0.1', asn: 65009, ...acceptAll });
  outside.announce(ROUTE);
  net.settle();
  t.deepEqual([net.best('2'), net.best('4')], ['1 9 - -', '1 9 - -']);
  outside.withdraw(ROUTE);
  net.at('1').announce(ROUTE);
  net.settle();
  t.deepEqual([net.best('2'), net.best('4')], ['1 1 - -', '1 1 - -']);
  net.at('1').withdraw(ROUTE);
  net.at('2').announce(ROUTE);
  net.settle();
  const told = outside.routes({ prefix: ROUTE }).routes[0];
  t.like(told, { asPath: '64512', originatorId: undefined, clusterList: [], nextHop: '10.0.0.1' });
});

test('what is reflected keeps its attributes, whatever the next-hop mode of the session (RFC 4456 section 10)', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3']) net.add(name);
  net.reflect('1', '2');
  net.link('1', '3', { routeReflectorClient: true, nextHop: 'self' });
  net.at('2').announce(ROUTE, { med: 7, localPref: 300, communities: ['64512:9'], nextHop: '10.0.0.77' });
  net.settle();
  const [told] = net.at('3').routes({ prefix: ROUTE }).routes;
  t.like(told, { nextHop: '10.0.0.77', med: 7, localPref: 300, asPath: '', origin: 'igp' });
  t.deepEqual(told?.communities, ['64512:9']);
});

test('two reflectors with one cluster id tell their clients the route and refuse it from each other', t => {
  const net = new Topology();
  for (const name of ['1', '2']) net.add(name, '244.0.0.1');
  for (const name of ['3', '4']) net.add(name);
  for (const reflector of ['1', '2']) net.reflect(reflector, '3', '4');
  net.link('1', '2');
  net.at('3').announce(ROUTE);
  net.settle();
  t.deepEqual([net.best('1'), net.best('2'), net.best('4')], ['3 3 - -', '3 3 - -', '1 3 3 244.0.0.1']);
  t.deepEqual(net.refused('1'), ['10.0.0.2 own-cluster-id']);
  t.deepEqual(net.refused('2'), ['10.0.0.1 own-cluster-id']);
  net.quiet(t);
});

test('two reflectors with different cluster ids hand the routes of their clients over, with both in CLUSTER_LIST', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3', '4']) net.add(name);
  net.reflect('1', '3');
  net.reflect('2', '4');
  net.link('1', '2');
  net.at('3').announce(ROUTE);
  net.settle();
  t.deepEqual([net.best('2'), net.best('4')], ['1 3 3 1', '2 3 3 2,1']);
  net.at('3').withdraw(ROUTE);
  net.settle();
  t.deepEqual(
    ['1', '2', '4'].map(each => net.best(each)),
    ['none', 'none', 'none'],
  );
  net.quiet(t);
});

test('a client of two reflectors prefers the shorter CLUSTER_LIST, and lives on with the other one', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3', '4']) net.add(name);
  net.reflect('1', '3');
  net.reflect('2', '3', '4');
  net.link('1', '2', { routeReflectorClient: true }, { routeReflectorClient: true });
  net.at('4').announce(ROUTE);
  net.settle();
  t.is(net.best('3'), '2 4 4 2');
  net.at('2').addPeer({
    address: '10.0.0.3',
    asn: AS,
    localAddress: '10.0.0.2',
    import: () => 'reject',
    export: () => 'reject',
    routeReflectorClient: true,
  });
  net.settle();
  t.is(net.best('3'), '1 4 4 1,2');
  net.quiet(t);
});

test('in a hierarchy a route climbs and descends once, and CLUSTER_LIST is its way', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3', '4', '5', '6']) net.add(name);
  net.reflect('1', '2', '3');
  net.reflect('2', '4', '5');
  net.reflect('3', '6');
  net.at('4').announce(ROUTE);
  net.settle();
  t.deepEqual(
    ['1', '2', '3', '5', '6'].map(each => net.best(each)),
    ['2 4 4 2', '4 4 - -', '1 4 4 1,2', '2 4 4 2', '3 4 4 3,1,2'],
  );
  net.at('4').withdraw(ROUTE);
  net.settle();
  t.deepEqual(
    ['1', '2', '3', '5', '6'].map(each => net.best(each)),
    ['none', 'none', 'none', 'none', 'none'],
  );
  net.quiet(t);
});

test('reflectors that are clients of each other in a circle come to rest, and forget what is withdrawn', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3', '4']) net.add(name);
  const both = { routeReflectorClient: true };
  net.link('1', '2', both, both);
  net.link('2', '3', both, both);
  net.link('3', '1', both, both);
  net.reflect('1', '4');
  net.at('4').announce(ROUTE);
  net.settle();
  t.deepEqual(
    ['1', '2', '3'].map(each => net.best(each)),
    ['4 4 - -', '1 4 4 1', '1 4 4 1'],
  );
  net.quiet(t);
  net.at('4').withdraw(ROUTE);
  net.settle();
  t.deepEqual(
    ['1', '2', '3'].map(each => net.best(each)),
    ['none', 'none', 'none'],
  );
  net.quiet(t);
});

test('a route that comes back to its originator is refused there', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3']) net.add(name);
  net.reflect('1', '3');
  net.reflect('2', '3');
  net.link('1', '2');
  net.at('3').announce(ROUTE, { nextHop: '10.0.0.77' });
  net.world.clock.advance(10_000);
  // Reflector 2 has a path of its client and one of reflector 1; without the first it tells the second back.
  net.at('2').addPeer({
    address: '10.0.0.3',
    asn: AS,
    localAddress: '10.0.0.2',
    routeReflectorClient: true,
    import: () => 'reject',
    export: () => 'accept',
  });
  net.settle();
  t.is(net.best('2'), '1 77 3 1');
  t.deepEqual(net.refused('3'), ['10.0.0.2 own-originator-id']);
  net.quiet(t);
});

test('internal peers that are not clients tell each other nothing through us', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3']) net.add(name);
  net.link('1', '2');
  net.link('1', '3');
  net.at('2').announce(ROUTE);
  net.settle();
  t.deepEqual([net.best('1'), net.best('3')], ['2 2 - -', 'none']);
});

test('whether a peer is a client changes live: routes come and go, sessions stay', t => {
  const net = new Topology();
  for (const name of ['1', '2', '3']) net.add(name);
  net.link('1', '2');
  net.link('1', '3');
  net.at('2').announce(ROUTE);
  net.settle();
  t.is(net.best('3'), 'none');
  net.see('1', '3', { routeReflectorClient: true });
  net.settle();
  t.is(net.best('3'), '1 2 2 1');
  net.see('1', '3');
  net.settle();
  t.is(net.best('3'), 'none');
  net.see('1', '2', { routeReflectorClient: true });
  net.settle();
  t.is(net.best('3'), '1 2 2 1');
  t.deepEqual(
    net
      .at('1')
      .peers()
      .map(({ counters }) => counters.established),
    [1, 1],
  );
});
