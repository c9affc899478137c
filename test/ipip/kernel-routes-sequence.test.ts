/** The incremental calculator against an obvious one that starts over, on random sequences. */
import test from 'ava';
import fc from 'fast-check';
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContains, prefixContainsAddress, prefixLength } from '../../core/prefix.js';
import type { DesiredRoute, RouteLeg } from '../../ipip/desired.js';
import { type BestPath, KernelRoutesCalculator } from '../../ipip/kernel-routes.js';
import type { Resolution } from '../../ipip/next-hops.js';
import type { RouteEnvironment } from '../../ipip/route-environment.js';
import { SharedRoutes } from '../../ipip/shared-routes.js';

const nextHops = ['10.0.0.2', '10.0.0.3', '10.0.1.2'] as IpAddress[];
const prefixes = [
  '0.0.0.0/0',
  '10.0.0.0/24',
  '10.244.0.0/16',
  '10.244.1.0/24',
  '10.244.1.128/25',
  '10.244.1.7/32',
  '10.244.2.0/24',
  '172.16.0.0/16',
] as Prefix[];
const modes = ['Never', 'CrossSubnet', 'Always'] as const;

/** What the environment is made of, small enough to be generated. */
const remoteState = fc.constantFrom(...(['stranger', 'silent', 'none', 'ready', 'unavailable'] as const));

const facts = fc.record({
  blocks: fc.subarray(['10.244.1.0/24', '10.244.2.0/24', '10.244.1.7/32'] as Prefix[]),
  connected: fc.boolean(),
  mode: fc.constantFrom(...modes),
  ownSubnet: fc.option(fc.constant('10.0.0.0/24' as Prefix), { nil: undefined }),
  workload: fc.option(fc.constantFrom(5, 6), { nil: undefined }),
  underlay: fc.boolean(),
  resolutions: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
  ipip: fc.constantFrom(...(['open', 'unavailable', 'absent'] as const)),
  remote: fc.array(remoteState, { minLength: 3, maxLength: 3 }),
});
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

const resolutions: readonly Resolution[] = [
  { kind: 'unreachable' },
  { kind: 'connected', ifindex: 2 },
  { kind: 'connected', ifindex: 3 },
  { kind: 'via', gateway: '10.0.0.9' as IpAddress, ifindex: 2, onlink: false },
];

const ownEnds = {
  open: { kind: 'open', ifindex: 9, mtu: 1480 },
  unavailable: { kind: 'unavailable', reason: 'no module' },
} as const;

const receptions = {
  silent: undefined,
  none: {},
  ready: { ipip: { kind: 'ready' } },
  unavailable: { ipip: { kind: 'unavailable', reason: 'no module' } },
} as const;

/** How a next hop is reached: by the tunnel, plainly, or not at all. */
function way(nextHop: IpAddress, env: RouteEnvironment): 'ipip' | 'plain' | undefined {
  const host = env.remoteHosts.get(nextHop);
  const there =
    host === undefined ? 'ready' : host.receives === undefined ? 'silent' : host.receives.ipip?.kind;
  const here = env.tunnels.get('ipip')?.kind;
  if (here === 'open' && there === 'ready') return 'ipip';
  // Neither end says that it cannot, and the other end knows of no tunnel yet: as before there was one.
  return here !== 'unavailable' && there === undefined ? 'plain' : undefined;
}

function withNextHop(
  now: Facts,
  change: { readonly which: number; readonly resolution: number; readonly remote: Facts['remote'][number] },
): Facts {
  return {
    ...now,
    resolutions: now.resolutions.with(change.which, change.resolution),
    remote: now.remote.with(change.which, change.remote),
  };
}

function environment(of: Facts): RouteEnvironment {
  return {
    ownBlocks: of.blocks,
    connected: new Map(of.connected ? [['10.0.0.0/24' as Prefix, 'eth0']] : []),
    underlayAddresses: of.underlay ? ['10.244.2.2' as IpAddress] : [],
    pools: [{ cidr: '10.244.0.0/16' as Prefix, ipipMode: of.mode, vxlanMode: 'Never', udpMode: 'Never' }],
    ownSubnets: { ipv4: of.ownSubnet, ipv6: undefined },
    preferredSources: { ipv4: '10.0.0.1' as IpAddress, ipv6: undefined },
    tunnelSources: { ipv4: undefined, ipv6: undefined },
    tunnels: new Map(of.ipip === 'absent' ? [] : [['ipip', ownEnds[of.ipip]]]),
    remoteHosts: new Map(
      nextHops.flatMap((address, i) => {
        const state = of.remote[i]!;
        if (state === 'stranger') return [];
        const receives = receptions[state];
        return [[address, { name: `host-${i}`, address, receives, vtepMac: '' }] as const];
      }),
    ),
    metric: 1024,
    resolve: nextHop => resolutions[of.resolutions[nextHops.indexOf(nextHop)]!]!,
    workloads: new Map(of.workload === undefined ? [] : [['10.244.1.7/32' as Prefix, of.workload]]),
  };
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('best' as const),
    prefix: fc.constantFrom(...prefixes),
    path: fc.option(
      fc.record({
        nextHops: fc.subarray(nextHops, { minLength: 1 }),
        origin: fc.constantFrom('own' as const, 'ibgp' as const, 'ebgp' as const),
      }),
      { nil: undefined },
    ),
  }),
  fc.record({ kind: fc.constant('environment' as const), facts }),
  // One next hop only: what is told of the others must not depend on it.
  fc.record({
    kind: fc.constant('next-hop' as const),
    which: fc.integer({ min: 0, max: 2 }),
    resolution: fc.integer({ min: 0, max: 3 }),
    remote: remoteState,
  }),
  fc.record({ kind: fc.constant('flush' as const) }),
);

/** DESIGN in words, prefix by prefix. */
function twin(best: ReadonlyMap<Prefix, BestPath>, env: RouteEnvironment): Map<Prefix, DesiredRoute> {
  const { metric } = env;
  const routes = new Map<Prefix, DesiredRoute>();
  for (const [prefix, path] of best) {
    if (path.origin === 'own') continue;
    if (prefixLength(prefix) < 32 && env.ownBlocks.some(block => prefixContains(block, prefix))) continue;
    if (env.connected.has(prefix)) continue;
    const pool = env.pools.find(({ cidr }) => prefixContains(cidr, prefix));
    const tunnelled = (nextHop: IpAddress) =>
      pool !== undefined &&
      pool.ipipMode !== 'Never' &&
      (pool.ipipMode === 'Always' ||
        env.ownSubnets.ipv4 === undefined ||
        !prefixContainsAddress(env.ownSubnets.ipv4, nextHop));
    const carries = [...env.underlayAddresses, ...path.nextHops].some(address =>
      prefixContainsAddress(prefix, address),
    );
    const legs = new Map<string, RouteLeg>();
    let inTunnel = 0;
    for (const nextHop of path.nextHops) {
      const found = env.resolve(nextHop);
      const taken = tunnelled(nextHop) ? way(nextHop, env) : 'plain';
      if (taken === undefined || found.kind === 'unreachable') continue;
      if (taken === 'ipip') {
        inTunnel++;
        legs.set(`${nextHop} 9`, { gateway: nextHop, ifindex: 9, onlink: true });
        continue;
      }
      const gateway = found.kind === 'via' ? found.gateway : nextHop;
      legs.set(`${gateway} ${found.ifindex}`, { gateway, ifindex: found.ifindex, onlink: false });
    }
    if (legs.size === 0 || (inTunnel > 0 && carries)) continue;
    const plain = [...legs.values()].some(({ ifindex }) => ifindex !== 9);
    routes.set(prefix, {
      kind: 'unicast',
      legs: [...legs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, leg]) => leg),
      preferredSource: pool === undefined ? undefined : env.preferredSources.ipv4,
      mtu: inTunnel > 0 && !plain ? 1480 : undefined,
      metric,
    });
  }
  for (const block of env.ownBlocks)
    if (prefixLength(block) < 32) routes.set(block, { kind: 'blackhole', metric });
  for (const [prefix, ifindex] of env.workloads) {
    const legs = [{ gateway: undefined, ifindex, onlink: false }];
    routes.set(prefix, { kind: 'unicast', legs, preferredSource: undefined, mtu: undefined, metric });
  }
  return routes;
}

const sorted = (routes: ReadonlyMap<Prefix, DesiredRoute>) =>
  [...routes].sort(([a], [b]) => (a < b ? -1 : 1));

test('after any sequence the sum of the differences is what starting over gives', t => {
  fc.assert(
    fc.property(facts, fc.array(step, { maxLength: 40 }), (first, steps) => {
      const calculator = new KernelRoutesCalculator(new SharedRoutes());
      const best = new Map<Prefix, BestPath>();
      const told = new Map<Prefix, DesiredRoute>();
      let now = first;
      let env = environment(now);
      calculator.setEnvironment(env);
      for (const one of [...steps, { kind: 'flush' as const }]) {
        if (one.kind === 'best') {
          calculator.setBest(one.prefix, one.path);
          if (one.path === undefined) best.delete(one.prefix);
          else best.set(one.prefix, one.path);
        } else if (one.kind === 'environment' || one.kind === 'next-hop') {
          now = one.kind === 'environment' ? one.facts : withNextHop(now, one);
          env = environment(now);
          calculator.setEnvironment(env);
        } else {
          const { set, deleted } = calculator.flush();
          for (const prefix of deleted) t.true(told.delete(prefix), `${prefix} was not there`);
          for (const [prefix, route] of set) {
            t.not(told.get(prefix), route, `${prefix} told again unchanged`);
            told.set(prefix, route);
          }
          t.deepEqual(sorted(told), sorted(twin(best, env)));
          for (const prefix of calculator.refusals().keys()) t.true(best.has(prefix) && !told.has(prefix));
        }
      }
    }),
    { numRuns: 1500 },
  );
});
