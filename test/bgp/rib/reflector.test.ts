/**
 * A reflector with many clients that come and go: who joins late is told the table as it is and nothing that is gone, and whatever is
 * freed and used again (sources, paths, exported blocks, prefixes), every route carries the ORIGINATOR_ID of the client it is from.
 */
import test from 'ava';
import { createRib } from '../../../bgp/rib/rib.js';
import type { Asn } from '../../../core/asn.js';
import { type Ipv4Address, ipv4FromNumber, ipv4ToNumber } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { prefix, ribPeer, WirePeer } from './wire-peer.js';

const REFLECTOR = '9.9.9.9' as Ipv4Address;

function reflector(logLimitBytes = 1 << 24) {
  return createRib({ asn: 64512 as Asn, routerId: REFLECTOR, logLimitBytes });
}

const client = (number: number) => {
  const address = ipv4FromNumber(ipv4ToNumber('10.1.0.0' as Ipv4Address) + number);
  return ribPeer(`c${number}`, 64512, address, { routeReflectorClient: true });
};

const slot = (number: number) => prefix(`10.${100 + (number >> 8)}.${number & 255}.0/24`);

/** mulberry32: reproducible from the seed in the message. */
function randomFrom(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Also remembers every prefix that was ever announced to it: a table that ends right may have been wrong in between. */
class Witness extends WirePeer {
  readonly everTold = new Set<Prefix>();

  override learn(bytes: Uint8Array): void {
    super.learn(bytes);
    for (const each of this.routes.keys()) this.everTold.add(each);
  }
}

const attributesOf = (number: number, med: number) => ({
  origin: 0,
  asPath: [],
  nextHop: 0xc0000200 + (number % 200),
  localPref: 100,
  multiExitDisc: med,
});

test('a late joiner is never told a route that is gone, whenever it joins and however much has happened since', t => {
  const rib = reflector();
  const source = new WirePeer(rib, client(1));
  const first = new WirePeer(rib, client(2));
  const there = new Set<Prefix>();
  const random = randomFrom(1);
  let told = 0;
  for (let round = 0; round < 100; round++) {
    const announced = Array.from({ length: 20 }, () => slot(Math.floor(random() * 400)));
    const withdrawn = [...there].filter(each => random() < 0.1 && !announced.includes(each));
    source.send({ announced, withdrawn, attributes: attributesOf(round % 3, round % 7) });
    for (const each of withdrawn) there.delete(each);
    for (const each of announced) there.add(each);
    rib.flush();
    // The first reader is slow now and then, so that the log behind a snapshot is long.
    if (random() < 0.3) first.drain();
    // Two at once share a snapshot; the second reads it only after the next changes.
    const [early, late] = [new Witness(rib, client(3)), new Witness(rib, client(4))];
    rib.flush();
    early.drain();
    const now = [...there].sort();
    t.deepEqual([...early.routes.keys()].sort(), now);
    t.deepEqual([...early.everTold].sort(), now, `round ${round}`);
    const gone = now[Math.floor(random() * now.length)]!;
    source.send({ withdrawn: [gone] });
    there.delete(gone);
    rib.flush();
    late.drain();
    t.false(late.everTold.has(gone), `round ${round}: ${gone}`);
    t.deepEqual([...late.routes.keys()].sort(), [...there].sort());
    told += late.everTold.size;
    for (const joiner of [early, late]) rib.peerDown(joiner.index, 'flush');
    rib.flush();
  }
  first.drain();
  t.deepEqual([...first.routes.keys()].sort(), [...there].sort());
  t.true(told > 5000);
});

for (const seed of [1, 2, 3, 4]) {
  test(`after mass reconnects every ORIGINATOR_ID and CLUSTER_LIST is right (seed ${seed})`, t => {
    const rib = reflector(seed % 2 === 0 ? 20_000 : 1 << 24);
    const random = randomFrom(seed);
    const clients = 30;
    const live = new Map<number, WirePeer>();
    const owners = new Map<Prefix, number>();
    let checked = 0;
    const join = (number: number) => {
      const peer = new WirePeer(rib, client(number));
      live.set(number, peer);
      // Some say the same of their routes as others do: blocks are shared by all that does not tell them apart.
      const mine = Array.from({ length: 8 }, (_, i) => slot(number * 8 + i));
      peer.send({
        announced: mine,
        attributes: attributesOf(Math.floor(random() * 3), Math.floor(random() * 2)),
      });
      for (const each of mine) owners.set(each, number);
    };
    const leave = (number: number) => {
      rib.peerDown(live.get(number)!.index, random() < 0.3 ? { keepStale: ['ipv4-unicast'] } : 'flush');
      live.delete(number);
    };
    for (let round = 0; round < 10; round++) {
      const order = Array.from({ length: clients }, (_, i) => i + 1).sort(() => random() - 0.5);
      // All within one flush, a few flushes, or one after the other.
      const flushes = [0, 0.1, 1][round % 3]!;
      for (const number of order) {
        if (live.has(number)) leave(number);
        if (random() < flushes) rib.flush();
      }
      if (round % 2 === 0)
        for (const number of order) if (random() < 0.5) rib.flushStale(`c${number}`, 'ipv4-unicast');
      if (round % 4 === 0) rib.flush();
      for (const number of order.sort(() => random() - 0.5)) {
        join(number);
        if (random() < flushes) rib.flush();
        if (random() < 0.2) live.get(order[0]!)?.drain(1);
      }
      for (const number of order) rib.flushStale(`c${number}`, 'ipv4-unicast');
      rib.flush();
      for (const [number, peer] of live) {
        peer.drain();
        t.is(peer.routes.size, (clients - 1) * 8, `round ${round}: c${number}`);
        for (const [each, text] of peer.routes) {
          const { originatorId, clusterList } = JSON.parse(text) as Told;
          const from = client(owners.get(each)!);
          if (originatorId !== ipv4ToNumber(from.remoteRouterId) || clusterList.join() !== `${0x09090909}`)
            return t.fail(`round ${round}: c${number} is told ${each} with ${text}`);
          checked++;
        }
      }
    }
    t.is(checked, 10 * clients * (clients - 1) * 8);
  });
}

interface Told {
  readonly originatorId: number;
  readonly clusterList: readonly number[];
}

test('paths refused for a loop say which: our CLUSTER_ID, given or by default, or our router id', t => {
  for (const clusterId of [undefined, '244.0.0.1' as Ipv4Address]) {
    const rib = createRib({ asn: 64512 as Asn, routerId: REFLECTOR, clusterId });
    const source = new WirePeer(rib, client(1));
    const lists = [[ipv4ToNumber(clusterId ?? REFLECTOR)], [7, ipv4ToNumber(clusterId ?? REFLECTOR)], [7]];
    lists.forEach((clusterList, i) => {
      source.send({ announced: [slot(i)], attributes: { ...attributesOf(1, 0), clusterList } });
    });
    source.send({
      announced: [slot(3)],
      attributes: { ...attributesOf(1, 0), originatorId: ipv4ToNumber(REFLECTOR) },
    });
    rib.flush();
    const query = {
      table: { kind: 'all-paths' },
      family: 'ipv4-unicast',
      prefix: undefined,
      after: undefined,
      limit: 10,
    } as const;
    const reasons = rib.routes(query).routes.map(({ reason }) => reason);
    t.deepEqual(reasons, ['own-cluster-id', 'own-cluster-id', 'only-path', 'own-originator-id']);
  }
});

test('a change of the cluster id is told to the clients, and loops are judged anew', t => {
  const rib = reflector();
  const [source, sink] = [new WirePeer(rib, client(1)), new WirePeer(rib, client(2))];
  source.send({ announced: [slot(1)], attributes: attributesOf(1, 0) });
  source.send({ announced: [slot(2)], attributes: { ...attributesOf(1, 0), clusterList: [0xf4000001] } });
  const told = () => {
    rib.flush();
    sink.drain();
    return [...sink.routes]
      .map(([each, text]) => `${each} ${(JSON.parse(text) as Told).clusterList.join()}`)
      .sort();
  };
  t.deepEqual(told(), [`${slot(1)} ${0x09090909}`, `${slot(2)} ${0x09090909},${0xf4000001}`]);
  rib.setClusterId('244.0.0.1' as Ipv4Address);
  t.deepEqual(told(), [`${slot(1)} ${0xf4000001}`]);
  rib.setClusterId(REFLECTOR);
  t.deepEqual(told(), [`${slot(1)} ${0x09090909}`, `${slot(2)} ${0x09090909},${0xf4000001}`]);
});
