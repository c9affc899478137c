/**
 * Random sequences of everything that can happen to a RIB, against its slow twin: at every quiet point each peer, whatever it
 * read in between and however slowly, knows exactly what the twin says, and so does the best-route consumer.
 */
import test from 'ava';
import type { RibPeer } from '../../../bgp/rib/contract.js';
import { createRib } from '../../../bgp/rib/rib.js';
import type { BestRouteBatch, NextHopSet, RoutePolicy } from '../../../bgp/speaker/contract.js';
import { NO_ROUTE } from '../../../bgp/speaker/contract.js';
import type { PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import { addressFamily, addressFromBytes, type Ipv4Address } from '../../../core/ip-address.js';
import { ipv4PrefixFromNumber, type Prefix, prefixOf } from '../../../core/prefix.js';
import { Twin } from './twin.js';
import { ip, prefix, ribPeer, WirePeer } from './wire-peer.js';

/** mulberry32: reproducible from the seed in the test's name. */
function randomFrom(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const insideTen: RoutePolicy = {
  rules: [
    {
      within: { prefix: prefix('10.0.0.0/8'), minLength: 8, maxLength: 24 },
      source: 'any',
      action: 'accept',
      reason: '',
    },
    {
      within: { prefix: prefix('fd00::/16'), minLength: 48, maxLength: 128 },
      source: 'peers',
      action: 'accept',
      reason: '',
    },
  ],
  otherwise: 'reject',
};
const ownOnly: RoutePolicy = {
  rules: [{ within: undefined, source: 'local', action: 'accept', reason: '' }],
  otherwise: 'reject',
};
const everything: RoutePolicy = { rules: [], otherwise: 'accept' };
const operating: RoutePolicy = {
  rules: [
    {
      within: { prefix: prefix('10.2.0.0/15'), minLength: 16, maxLength: 32 },
      source: 'any',
      peerType: 'ebgp',
      action: 'accept',
      operations: [
        { kind: 'add-communities', communities: ['64512:7', '64512:1:2', '64512:7'] },
        { kind: 'set-local-pref', value: 150 },
      ],
      reason: '',
    },
    {
      within: { prefix: prefix('10.0.0.0/8'), minLength: 8, maxLength: 16, negated: true },
      source: 'peers',
      communities: ['1:2'],
      action: 'reject',
      reason: '',
    },
    {
      within: undefined,
      source: 'any',
      asPathPrefix: [65001, 65002] as Asn[],
      action: 'accept',
      operations: [
        { kind: 'prepend-as-path', asns: [65010, 65011] as Asn[] },
        { kind: 'set-med', value: 7 },
      ],
      reason: '',
    },
    { within: undefined, source: 'any', localPref: 200, action: 'reject', reason: '' },
    {
      within: undefined,
      source: 'peers',
      interface: 'eth1',
      action: 'accept',
      operations: [{ kind: 'add-communities', communities: ['65535:0'] }],
      reason: '',
    },
  ],
  otherwise: 'accept',
};
const overEth0: RoutePolicy = {
  rules: [{ within: undefined, source: 'peers', interface: 'eth0', action: 'accept', reason: '' }],
  otherwise: 'reject',
};
const policies = [everything, everything, insideTen, ownOnly, operating, operating, overEth0];

const none = { receive: [], send: [] } as const;
const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
const addPath = { addPath: { receive: families, send: families } } as const;
const addPath4 = { addPath: { receive: ['ipv4-unicast'], send: ['ipv4-unicast'] } } as const;
const both = { families, localAddress: ip('10.0.0.254') } as const;
const shared = { sharedSubnets: [prefix('10.0.0.0/24')] };
const catalogue: readonly RibPeer[] = [
  ribPeer('e1', 65001, '10.0.0.1', both),
  ribPeer('e2', 65001, '10.0.0.2', { ...both, ...shared, takesLongLived: true }),
  ribPeer('e3', 65003, '10.0.0.3', { ...shared, fourOctetAs: false, exportPolicy: insideTen }),
  ribPeer('i1', 64512, '10.0.0.4', both),
  ribPeer('i2', 64512, '10.0.0.5', { nextHopMode: 'self' }),
  ribPeer('i3', 64512, '10.0.0.6', { ...both, takesLongLived: true }),
  ribPeer('c1', 64512, '10.0.0.8', { ...both, routeReflectorClient: true }),
  ribPeer('c2', 64512, '10.0.0.9', { ...both, routeReflectorClient: true, nextHopMode: 'self' }),
  ribPeer('a1', 64512, '10.0.0.20', {
    ...both,
    ...addPath,
    takesLongLived: true,
    routeReflectorClient: true,
    pathsPerPrefix: 3,
  }),
  ribPeer('a2', 65015, '10.0.0.21', { ...both, ...addPath, ...shared, pathsPerPrefix: 2 }),
  ribPeer('a3', 64512, '10.0.0.22', { ...both, ...addPath4, pathsPerPrefix: 5 }),
  ribPeer('a4', 65016, '10.0.0.23', { ...both, addPath: { receive: families, send: [] } }),
  ribPeer('e4', 65004, '10.0.0.7', { nextHopMode: 'keep', importPolicy: insideTen }),
  ribPeer('p1', 65005, '10.0.0.11', { role: 'customer' }),
  ribPeer('p2', 65006, '10.0.0.12', { role: 'provider', importPolicy: operating }),
  ribPeer('p3', 65007, '10.0.0.10', { role: 'peer', exportPolicy: operating }),
];

const prefixes: readonly Prefix[] = [
  ...Array.from({ length: 24 }, (_, i) => prefix(`10.${i}.0.0/16`)),
  ...['0.0.0.0/0', '10.1.2.0/24', '10.1.2.128/25', '192.0.2.1/32', '172.16.0.0/12', '128.0.0.0/1'].map(
    prefix,
  ),
  ...Array.from({ length: 8 }, (_, i) => prefix(`fd00:${i + 1}::/32`)),
  ...['fd00:9:1::/48', '2001:db8::1/128', '::/0'].map(prefix),
];
const nextHops = ['10.0.0.1', '10.0.0.2', '10.0.0.5', '10.0.0.9', '192.0.2.77'].map(ip);
const nextHops6 = ['fd00::1', 'fd00::9'].map(ip);

class Sequence {
  readonly random: () => number;
  readonly rib;
  readonly twin = new Twin(64512, '9.9.9.9');
  readonly live = new Map<string, WirePeer>();
  readonly known = new Map<Prefix, string>();
  /** Whether there is a best-route consumer; prefixes are freed earlier without one. */
  readonly consumed: boolean;

  constructor(seed: number) {
    this.consumed = seed % 3 !== 0;
    this.random = randomFrom(seed);
    const logLimitBytes = this.pick([200, 2000, 1 << 24]);
    this.rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address, logLimitBytes });
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  some<T>(from: readonly T[], chance: number): T[] {
    return from.filter(() => this.random() < chance);
  }

  attributes(peer: RibPeer): PathAttributes {
    const internal = peer.asn === peer.localAsn;
    const tail = this.pick([[], [65001], [65002, 65003], [100000], [64512], [65002, 65002, 65002]]);
    const asns = internal ? tail : [peer.asn, ...tail];
    return {
      origin: this.pick([0, 0, 1, 2]),
      asPath: asns.length === 0 ? [] : [{ type: 'sequence', asns }],
      nextHop: undefined as never,
      ...(this.random() < 0.4 ? { multiExitDisc: this.pick([0, 10, 20]) } : {}),
      ...(internal ? { localPref: this.pick([100, 100, 200]) } : {}),
      ...(this.random() < 0.3
        ? {
            communities: [
              this.pick([0xffffff01, 0xffffff02, 0xffffff03, 0x00010002, 0xffff0000, 0xffff0006, 0xffff0007]),
            ],
          }
        : {}),
      ...(this.random() < 0.1 ? { onlyToCustomer: this.pick([65001, 65007]) } : {}),
      ...(internal && this.random() < 0.3 ? { originatorId: this.pick([0x01010101, 0x09090909]) } : {}),
      ...(internal && this.random() < 0.3
        ? { clusterList: this.pick([[1], [1, 2], [0xf4000001], [0x09090909, 3]]) }
        : {}),
    };
  }

  update(): void {
    const peer = this.pick([...this.live.values()]);
    if (peer === undefined) return;
    const mine = prefixes.filter(each => peer.peer.families.length === 2 || !each.includes(':'));
    const several = peer.peer.addPath.receive.length > 0 ? this.pick([1, 2, 3]) : 1;
    const repeated = Array.from({ length: several }, () => mine).flat();
    const announced = this.some(repeated, this.pick([0, 0.05, 0.3, 0.9]));
    const withdrawn = this.some(repeated, this.pick([0, 0.05, 0.3]));
    const pathIds = {
      announced: announced.map(() => this.pick([0, 1, 2, 7, 0xffffffff])),
      withdrawn: withdrawn.map(() => this.pick([0, 1, 2, 7, 0xffffffff])),
    };
    const nextHop = this.pick(nextHops);
    const nextHop6 = this.pick(nextHops6);
    const { nextHop: _, ...rest } = this.attributes(peer.peer);
    const hop = addressNumber(nextHop);
    const attributes = { ...rest, nextHop: hop };
    const outcome = peer.send({ announced, withdrawn, nextHop6, attributes, pathIds });
    if (announced.length + withdrawn.length > 0 && outcome.kind !== 'ok') throw new Error(outcome.kind);
    const { key, addPath: agreed } = peer.peer;
    const idOf = (each: Prefix, pathId: number | undefined) =>
      agreed.receive.includes(`${addressFamily(each)}-unicast`) ? pathId : undefined;
    for (const [i, each] of withdrawn.entries()) {
      this.twin.remove(key, each, idOf(each, pathIds.withdrawn[i]));
    }
    for (const [i, each] of announced.entries()) {
      const hop = each.includes(':') ? nextHop6 : nextHop;
      this.twin.announce(key, each, rest, hop, idOf(each, pathIds.announced[i]));
    }
  }

  upOrDown(): void {
    const peer = this.pick(catalogue);
    const { key } = peer;
    const there = this.live.get(key);
    if (there === undefined) {
      const before = this.twin.peers.get(key)?.peer ?? peer;
      const now =
        this.random() < 0.1
          ? { ...before, routeReflectorClient: !before.routeReflectorClient }
          : this.random() < 0.1
            ? { ...before, addPath: this.pick([addPath, addPath4, { addPath: none }]).addPath }
            : before;
      this.twin.up(now);
      this.live.set(key, new WirePeer(this.rib, now));
      return;
    }
    const kept = this.pick([families, families, [], [], ['ipv4-unicast'], ['ipv6-unicast']] as const);
    this.rib.peerDown(there.index, kept.length > 0 ? { keepStale: kept } : 'flush');
    this.twin.down(key, kept);
    this.live.delete(key);
  }

  flushStale(): void {
    const { key } = this.pick(catalogue);
    const family = this.pick(['ipv4', 'ipv6'] as const);
    const expected = this.twin.flushStale(key, family);
    const gone = this.rib.flushStale(key, `${family}-unicast`);
    if (gone !== expected) throw new Error(`flushStale: ${gone} instead of ${expected}`);
  }

  /** RFC 7313, of either family whatever the other is at. */
  routeRefresh(): void {
    const peer = this.pick([...this.live.values()]);
    if (peer === undefined) return;
    const { key } = peer.peer;
    const family = this.pick(['ipv4', 'ipv6'] as const);
    if (this.random() < 0.5) {
      this.rib.beginRefresh(peer.index, `${family}-unicast`);
      this.twin.beginRefresh(key, family);
      return;
    }
    const expected = this.twin.endRefresh(key, family);
    const gone = this.rib.endRefresh(peer.index, `${family}-unicast`);
    if (gone !== expected) throw new Error(`endRefresh: ${gone} instead of ${expected}`);
  }

  /** RFC 9494. */
  longLived(): void {
    const { key } = this.pick(catalogue);
    const family = this.pick(['ipv4', 'ipv6'] as const);
    const expected = this.twin.beginLongLived(key, family);
    const gone = this.rib.beginLongLived(key, `${family}-unicast`);
    if (gone !== expected) throw new Error(`beginLongLived: ${gone} instead of ${expected}`);
  }

  own(): void {
    const routes = this.some(prefixes, 0.1).map(each => ({
      prefix: each,
      nextHop: this.random() < 0.3 && !each.includes(':') ? this.pick(nextHops) : undefined,
      communities: this.random() < 0.3 ? [0xffffff01] : [],
      largeCommunities: [],
      localPref: this.random() < 0.2 ? 300 : undefined,
      med: this.random() < 0.2 ? 5 : undefined,
    }));
    this.rib.originate(routes);
    for (const route of routes) this.twin.originate(route);
    const gone = this.some(prefixes, 0.1);
    this.rib.withdrawOriginated(gone);
    for (const each of gone) this.twin.remove('own', each);
  }

  nextHops(): void {
    const statuses = this.some([...nextHops, ...nextHops6], 0.3).map(nextHop => ({
      nextHop,
      reachable: this.random() < 0.7,
      metric: this.pick([0, 0, 5, 10]),
      interface: this.pick([undefined, 'eth0', 'eth1']),
    }));
    for (const status of statuses) this.twin.status.set(status.nextHop, status);
    const watched = this.rib.takeWatchedNextHops();
    // What is no longer watched is forgotten, and reported anew when it comes back.
    this.rib.setNextHopStatus(watched === undefined ? statuses : [...this.twin.status.values()]);
    if (this.random() < 0.2) {
      const own = this.some(nextHops, 0.2);
      this.twin.own = new Set(own);
      this.rib.setOwnAddresses(own);
    }
  }

  policy(): void {
    const known = [...this.twin.peers.keys()];
    const key = this.pick(known);
    if (key === undefined) return;
    const entry = this.twin.peers.get(key)!;
    const importPolicy = this.pick(policies);
    const exportPolicy = this.pick(policies);
    const nextHopMode = this.pick(['auto', 'self', 'keep'] as const);
    const { sharedSubnets } = this.pick([shared, { sharedSubnets: [] }]);
    const changed = {
      ...entry.peer,
      importPolicy,
      exportPolicy,
      nextHopMode,
      sharedSubnets,
      pathsPerPrefix: this.pick([1, 2, 3, 5]),
      routeReflectorClient: this.random() < 0.3,
      ownAsnsAllowed: this.pick([0, 0, 1]),
      removePrivateAsns: this.random() < 0.3,
      gracefulShutdown: this.random() < 0.2,
      honourGracefulShutdown: this.random() < 0.8,
    };
    const peer = this.live.get(key);
    if (peer === undefined) this.rib.setStalePolicies(key, changed);
    else this.rib.setPolicies(peer.index, changed);
    entry.peer = { ...entry.peer, ...changed };
  }

  clusterId(): void {
    const clusterId = this.pick(['9.9.9.9', '244.0.0.1', '244.0.0.2']) as Ipv4Address;
    this.rib.setClusterId(clusterId);
    this.twin.clusterId = clusterId;
  }

  takeSome(): void {
    const peer = this.pick([...this.live.values()]);
    peer?.drain(this.pick([1, 2, 5]));
    if (peer !== undefined && this.random() < 0.1) this.rib.refresh(peer.index, 'ipv4-unicast');
    if (!this.consumed) return;
    const restart = this.random() < 0.05;
    if (restart) this.forget('ipv4');
    if (restart || this.random() < 0.5) this.learnBest(this.rib.takeBestRoutes('ipv4-unicast', restart));
  }

  learnBest(batch: BestRouteBatch | undefined): boolean {
    if (batch === undefined) return false;
    const words = batch.family === 'ipv4-unicast' ? 1 : 4;
    for (let i = 0; i < batch.count; i++) {
      const length = batch.lengths[i]!;
      const key =
        words === 1 ? ipv4PrefixFromNumber(batch.addresses[i]!, length) : prefix6(batch.addresses, i, length);
      const set = batch.nextHopSet[i]!;
      if (set === NO_ROUTE) this.known.delete(key);
      else this.known.set(key, describeSet(batch.nextHopSets[set]!));
    }
    return true;
  }

  /** The consumer starts over: it will be told the whole table. */
  forget(family: 'ipv4' | 'ipv6'): void {
    for (const key of this.known.keys()) if (addressFamily(key) === family) this.known.delete(key);
  }

  step(): void {
    const chance = this.random();
    if (chance < 0.35) this.update();
    else if (chance < 0.45) this.upOrDown();
    else if (chance < 0.47) this.flushStale();
    else if (chance < 0.49) this.longLived();
    else if (chance < 0.51) this.routeRefresh();
    else if (chance < 0.55) this.own();
    else if (chance < 0.59) this.nextHops();
    else if (chance < 0.62) this.policy();
    else if (chance < 0.63) this.clusterId();
    else if (chance < 0.8) this.takeSome();
    else this.rib.flush();
  }

  /** Everybody reads all there is; undefined if all is as the twin says. */
  differenceWhenQuiet(drainAll: boolean): string | undefined {
    this.rib.flush();
    if (this.rib.dirty) return 'dirty after flush';
    for (const peer of this.live.values()) {
      if (!drainAll && this.random() < 0.4) continue;
      peer.drain();
      const difference = compareMaps(peer.routes, this.twin.expected(peer.peer.key));
      if (difference !== undefined) return `${peer.peer.key}: ${difference}`;
    }
    for (const { key } of catalogue) {
      const counts = JSON.stringify(this.rib.counts(key));
      const expected = JSON.stringify(this.twin.counts(key));
      if (counts !== expected) return `counts of ${key}: ${counts} instead of ${expected}`;
    }
    if (!this.consumed) return undefined;
    while (this.learnBest(this.rib.takeBestRoutes('ipv4-unicast', false)));
    while (this.learnBest(this.rib.takeBestRoutes('ipv6-unicast', false)));
    const difference = compareMaps(this.known, this.expectedBest());
    return difference && `best routes: ${difference}`;
  }

  expectedBest(): Map<Prefix, string> {
    const best = new Map<Prefix, string>();
    for (const each of this.twin.paths.keys()) {
      const path = this.twin.best(each);
      if (path === undefined) continue;
      const origin = path.peer === undefined ? 'own' : path.peer.asn === path.peer.localAsn ? 'ibgp' : 'ebgp';
      const hops = path.nextHop === undefined ? [] : [path.nextHop];
      best.set(each, describeSet({ nextHops: hops, origin, stale: path.stale }));
    }
    return best;
  }
}

const describeSet = ({ nextHops: hops, origin, stale }: NextHopSet) => `${hops.join()} ${origin} ${stale}`;

function addressNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function prefix6(words: Int32Array, at: number, length: number): Prefix {
  const view = new DataView(new ArrayBuffer(16));
  for (let i = 0; i < 4; i++) view.setInt32(4 * i, words[4 * at + i]!);
  return prefixOf(addressFromBytes('ipv6', new Uint8Array(view.buffer)), length);
}

function compareMaps(
  actual: ReadonlyMap<Prefix, string>,
  expected: ReadonlyMap<Prefix, string>,
): string | undefined {
  for (const [key, value] of expected) {
    if (actual.get(key) !== value) return `${key} is ${actual.get(key)} instead of ${value}`;
  }
  for (const key of actual.keys()) if (!expected.has(key)) return `${key} should be gone`;
  return undefined;
}

const SEEDS = 125;

test('after any sequence of events every peer and the best-route consumer know what the twin says', t => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const sequence = new Sequence(seed);
    for (let round = 0; round < 12; round++) {
      const steps = 1 + Math.floor(sequence.random() * 40);
      for (let i = 0; i < steps; i++) sequence.step();
      const difference = sequence.differenceWhenQuiet(round === 11);
      if (difference !== undefined) return t.fail(`seed ${seed}, round ${round}: ${difference}`);
    }
  }
  t.pass();
});
