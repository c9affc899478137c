/** Each step of the decision process on two paths that differ in nothing that comes before it. */
import test from 'ava';
import type { RibPeer } from '../../../bgp/rib/contract.js';
import { decisionSteps } from '../../../bgp/rib/decision.js';
import { createRib } from '../../../bgp/rib/rib.js';
import type { PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { ip, prefix, ribPeer, WirePeer } from './wire-peer.js';

interface Side {
  readonly asn?: number;
  readonly address?: string;
  readonly routerId?: string;
  readonly attributes?: PathAttributes;
  readonly metric?: number;
}

const target = prefix('10.1.0.0/16');

function peerOf(key: string, side: Side, fallback: string): RibPeer {
  const address = side.address ?? fallback;
  const remoteRouterId = (side.routerId ?? '1.1.1.1') as Ipv4Address;
  return ribPeer(key, side.asn ?? 65001, address, { remoteRouterId });
}

/** Announces both, in either order; the key of the best and why. */
function decide(a: Side, b: Side) {
  const answers = [
    ['a', 'b'],
    ['b', 'a'],
  ].map(order => {
    const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
    const sides = { a, b };
    for (const key of order as ('a' | 'b')[]) {
      const side = sides[key];
      const nextHop = key === 'a' ? 0xc0000201 : 0xc0000202;
      const peer = new WirePeer(rib, peerOf(key, side, key === 'a' ? '10.0.0.2' : '10.0.0.1'));
      const internal = peer.peer.asn === 64512;
      const attributes: PathAttributes = {
        origin: 0,
        asPath: [{ type: 'sequence', asns: internal ? [65001] : [peer.peer.asn] }],
        nextHop,
        ...(internal ? { localPref: 100 } : {}),
        ...side.attributes,
      };
      peer.send({ announced: [target], attributes });
      rib.setNextHopStatus([
        { nextHop: ip(`192.0.2.${nextHop & 255}`), reachable: true, metric: side.metric ?? 0 },
      ]);
    }
    rib.flush();
    const query = { family: 'ipv4-unicast', prefix: target, after: undefined, limit: 9 } as const;
    const { routes } = rib.routes({ ...query, table: { kind: 'all-paths' } });
    return routes.map(({ from, best, reason }) => `${from} ${best} ${reason}`).join(', ');
  });
  return answers[0] === answers[1] ? answers[0] : `depends on the order: ${answers.join(' / ')}`;
}

const internal = { asn: 64512 } as const;
const asPath = (...asns: number[]) => ({ asPath: [{ type: 'sequence', asns }] }) as const;

/** `a` wins for the reason, although all later steps and the lower address speak for `b`. */
const table: Readonly<Record<string, readonly [Side, Side]>> = {
  'not-long-lived-stale': [
    { ...internal, attributes: { localPref: 1 } },
    { ...internal, attributes: { localPref: 100, communities: [0xffff0006] } },
  ],
  'higher-local-pref': [
    { ...internal, attributes: { localPref: 200, ...asPath(65001, 65002) } },
    { ...internal, attributes: { localPref: 100 } },
  ],
  'shorter-as-path': [{ attributes: { origin: 2 } }, { attributes: asPath(65001, 65002) }],
  'lower-origin': [
    { attributes: { origin: 0, multiExitDisc: 9 } },
    { attributes: { origin: 1, multiExitDisc: 1 } },
  ],
  'lower-med': [{ ...internal, attributes: { multiExitDisc: 1 } }, { attributes: { multiExitDisc: 2 } }],
  'ebgp-over-ibgp': [{ metric: 9 }, { ...internal, metric: 1 }],
  'lower-igp-metric': [{ metric: 1, routerId: '2.2.2.2' }, { metric: 9 }],
  'lower-router-id': [{ routerId: '1.1.1.1' }, { routerId: '200.1.1.1' }],
  'shorter-cluster-list': [
    { ...internal, attributes: { originatorId: 5, clusterList: [1] } },
    { ...internal, attributes: { originatorId: 5, clusterList: [1, 2] } },
  ],
  'lower-peer-address': [
    { address: '9.0.0.1', attributes: { nextHop: 0xc0000209 } },
    { address: '10.0.0.1' },
  ],
  'lower-peer-key': [{ address: '9.0.0.1', attributes: { nextHop: 0xc0000209 } }, { address: '9.0.0.1' }],
};

for (const [reason, [a, b]] of Object.entries(table)) {
  test(`${reason} decides`, t => {
    t.is(decide(a, b), `a true ${reason}, b false ${reason}`);
  });
}

/** Of one peer, under two identifiers: `first` wins, whichever comes first. */
const amongOnePeer: Readonly<Record<string, readonly [PathAttributes, PathAttributes]>> = {
  'lower-next-hop': [
    { nextHop: 0xc0000201, communities: [9] },
    { nextHop: 0xc0000202, communities: [1] },
  ],
  'lower-attributes': [
    { nextHop: 0xc0000201, communities: [1] },
    { nextHop: 0xc0000201, communities: [9] },
  ],
};

for (const [reason, paths] of Object.entries(amongOnePeer)) {
  test(`${reason} decides between two paths of one peer (ADD-PATH)`, t => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
      const addPath = { receive: ['ipv4-unicast'], send: [] } as const;
      const peer = new WirePeer(rib, ribPeer('a', 65001, '10.0.0.1', { addPath }));
      for (const place of order) {
        const attributes = { origin: 0, ...asPath(65001), ...paths[place] };
        peer.send({ announced: [target], pathIds: { announced: [7 + place] }, attributes });
      }
      rib.flush();
      const query = { family: 'ipv4-unicast', prefix: target, after: undefined, limit: 9 } as const;
      const { routes } = rib.routes({ ...query, table: { kind: 'all-paths' } });
      t.deepEqual(
        routes.map(({ pathId, best }) => [pathId, best]),
        [
          [7, true],
          [8, false],
        ],
      );
      t.is(routes[0]?.reason, reason);
    }
  });
}

test('every step but the first has a case', t => {
  t.deepEqual(
    [...Object.keys(table), ...Object.keys(amongOnePeer)],
    decisionSteps.slice(1).map(([reason]) => reason),
  );
});

test('our own route beats any other', t => {
  const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
  const peer = new WirePeer(rib, ribPeer('i', 64512, '10.0.0.1'));
  peer.send({ announced: [target], attributes: { origin: 0, asPath: [], nextHop: 1 << 24, localPref: 4e9 } });
  const own = { prefix: target, nextHop: undefined, localPref: undefined, med: undefined };
  rib.originate([{ ...own, communities: [], largeCommunities: [] }]);
  rib.flush();
  const query = { family: 'ipv4-unicast', prefix: target, after: undefined, limit: 9 } as const;
  const [best] = rib.routes({ ...query, table: { kind: 'best' } }).routes;
  t.like(best, { from: 'own', reason: 'own-route', best: true });
});

test('MULTI_EXIT_DISC of another neighbouring AS does not count, whatever the order of arrival', t => {
  // Pairwise, c beats a (MED), a beats b (router id) and b beats c (router id): only the set has a best one.
  const sides = {
    a: { asn: 65001, med: 20, routerId: '1.0.0.1' },
    b: { asn: 65002, med: 0, routerId: '1.0.0.2' },
    c: { asn: 65001, med: 10, routerId: '1.0.0.3' },
  };
  for (const order of ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']) {
    const rib = createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });
    for (const key of [...order] as (keyof typeof sides)[]) {
      const { asn, med, routerId } = sides[key];
      const remoteRouterId = routerId as Ipv4Address;
      const peer = new WirePeer(
        rib,
        ribPeer(key, asn, `10.0.0.${order.indexOf(key) + 1}`, { remoteRouterId }),
      );
      const attributes = { origin: 0, ...asPath(asn, 65100), nextHop: 0xc0000201, multiExitDisc: med };
      peer.send({ announced: [target], attributes });
    }
    rib.flush();
    const query = { family: 'ipv4-unicast', prefix: target, after: undefined, limit: 9 } as const;
    const { routes } = rib.routes({ ...query, table: { kind: 'all-paths' } });
    t.is(routes[0]?.from, 'b');
    const reasons = routes.map(({ from, reason }) => `${from} ${reason}`).sort();
    t.deepEqual(reasons, ['a lower-med', 'b lower-router-id', 'c lower-router-id'], order);
  }
});
