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
const facts = fc.record({
  blocks: fc.subarray(['10.244.1.0/24', '10.244.2.0/24', '10.244.1.7/32'] as Prefix[]),
  connected: fc.boolean(),
  mode: fc.constantFrom(...modes),
  ownSubnet: fc.option(fc.constant('10.0.0.0/24' as Prefix), { nil: undefined }),
  workload: fc.option(fc.constantFrom(5, 6), { nil: undefined }),
  underlay: fc.boolean(),
  resolutions: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
});
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

const resolutions: readonly Resolution[] = [
  { kind: 'unreachable' },
  { kind: 'connected', ifindex: 2 },
  { kind: 'connected', ifindex: 3 },
  { kind: 'via', gateway: '10.0.0.9' as IpAddress, ifindex: 2, onlink: false },
];

function environment(of: Facts): RouteEnvironment {
  return {
    ownBlocks: of.blocks,
    connected: new Map(of.connected ? [['10.0.0.0/24' as Prefix, 'eth0']] : []),
    underlayAddresses: of.underlay ? ['10.244.2.2' as IpAddress] : [],
    pools: [{ cidr: '10.244.0.0/16' as Prefix, ipipMode: of.mode, vxlanMode: 'Never' }],
    ownSubnet: of.ownSubnet,
    preferredSource: '10.0.0.1' as IpAddress,
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
        env.ownSubnet === undefined ||
        !prefixContainsAddress(env.ownSubnet, nextHop));
    const carries = env.underlayAddresses.some(address => prefixContainsAddress(prefix, address));
    if (path.nextHops.some(tunnelled) && carries) continue;
    const legs = new Map<string, RouteLeg>();
    for (const nextHop of path.nextHops) {
      const found = env.resolve(nextHop);
      if (tunnelled(nextHop) || found.kind === 'unreachable') continue;
      const gateway = found.kind === 'via' ? found.gateway : nextHop;
      legs.set(`${gateway} ${found.ifindex}`, { gateway, ifindex: found.ifindex, onlink: false });
    }
    if (legs.size === 0) continue;
    routes.set(prefix, {
      kind: 'unicast',
      legs: [...legs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, leg]) => leg),
      preferredSource: pool === undefined ? undefined : env.preferredSource,
      mtu: undefined,
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
      let env = environment(first);
      calculator.setEnvironment(env);
      for (const one of [...steps, { kind: 'flush' as const }]) {
        if (one.kind === 'best') {
          calculator.setBest(one.prefix, one.path);
          if (one.path === undefined) best.delete(one.prefix);
          else best.set(one.prefix, one.path);
        } else if (one.kind === 'environment') {
          env = environment(one.facts);
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
