import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { DesiredRoute, EncapsulationMode } from '../../ipip/desired.js';
import type { RemoteHost } from '../../ipip/encapsulation.js';
import { type BestPath, KernelRoutesCalculator } from '../../ipip/kernel-routes.js';
import type { Resolution } from '../../ipip/next-hops.js';
import type { RouteEnvironment } from '../../ipip/route-environment.js';
import { SharedRoutes } from '../../ipip/shared-routes.js';

const p = (text: string) => text as Prefix;
const ip = (text: string) => text as IpAddress;

const onEth0 = (nextHop: IpAddress): Resolution =>
  nextHop.startsWith('10.0.0.') ? { kind: 'connected', ifindex: 2 } : { kind: 'unreachable' };

function environment(more: Partial<RouteEnvironment> = {}): RouteEnvironment {
  return {
    ownBlocks: [],
    connected: new Map(),
    underlayAddresses: [],
    pools: [pool('Never')],
    ownSubnets: { ipv4: p('10.0.0.0/24'), ipv6: undefined },
    preferredSources: { ipv4: ip('10.0.0.1'), ipv6: undefined },
    tunnelSources: { ipv4: ip('10.244.1.0'), ipv6: undefined },
    tunnels: new Map(),
    remoteHosts: new Map(),
    metric: 1024,
    resolve: onEth0,
    workloads: new Map(),
    ...more,
  };
}

function pool(ipipMode: EncapsulationMode, vxlanMode: EncapsulationMode = 'Never') {
  return { cidr: p('10.244.0.0/16'), ipipMode, vxlanMode, udpMode: 'Never' } as const;
}

const path = (...nextHops: string[]): BestPath => ({ nextHops: nextHops.map(ip), origin: 'ibgp' });

function calculate(env: RouteEnvironment, best: Readonly<Record<string, BestPath>> = {}) {
  const calculator = new KernelRoutesCalculator(new SharedRoutes());
  calculator.setEnvironment(env);
  for (const [prefix, one] of Object.entries(best)) calculator.setBest(p(prefix), one);
  const { set } = calculator.flush();
  return { calculator, set, refusals: calculator.refusals() };
}

const leg = (gateway: string | undefined, ifindex = 2, onlink = false) => ({
  gateway: gateway as IpAddress | undefined,
  ifindex,
  onlink,
});

function unicast(legs: ReturnType<typeof leg>[], source = '10.0.0.1'): DesiredRoute {
  return {
    kind: 'unicast',
    legs,
    preferredSource: source === '' ? undefined : ip(source),
    mtu: undefined,
    metric: 1024,
  };
}

test('a pod CIDR goes plainly by its next hop, from the node’s address', t => {
  const { set } = calculate(environment(), { '10.244.2.0/24': path('10.0.0.2') });
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast([leg('10.0.0.2')]));
});

test('outside every pool the kernel chooses the source, and no tunnel is asked for', t => {
  const { set } = calculate(environment({ pools: [pool('Always')] }), { '0.0.0.0/0': path('10.0.0.2') });
  t.deepEqual(set.get(p('0.0.0.0/0')), unicast([leg('10.0.0.2')], ''));
});

test('an IPv6 pool does not get an IPv4 source', t => {
  const six = { cidr: p('fd10::/48'), ipipMode: 'Never', vxlanMode: 'Never', udpMode: 'Never' } as const;
  const resolve = (): Resolution => ({ kind: 'connected', ifindex: 2 });
  const { set } = calculate(environment({ pools: [six], resolve }), { 'fd10:0:0:1::/64': path('fd00::2') });
  t.deepEqual(set.get(p('fd10:0:0:1::/64')), unicast([leg('fd00::2')], ''));
});

test('several next hops are legs in one order, however they are told, each router once', t => {
  const resolve = (nextHop: IpAddress): Resolution =>
    nextHop.startsWith('10.0.0.')
      ? onEth0(nextHop)
      : { kind: 'via', gateway: ip('10.0.0.254'), ifindex: 2, onlink: true };
  const { set } = calculate(environment({ resolve }), {
    '10.244.2.0/24': path('10.0.0.10', '10.0.0.9', '192.0.2.1', '192.0.2.2'),
    '10.244.3.0/24': path('192.0.2.2', '10.0.0.9', '10.0.0.10'),
  });
  const legs = [leg('10.0.0.9'), leg('10.0.0.10'), leg('10.0.0.254', 2, true)];
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast(legs));
  t.is(set.get(p('10.244.2.0/24')), set.get(p('10.244.3.0/24')), 'what does the same is one object');
});

test('a leg that is unreachable is left out; without any the reason is told', t => {
  const { set, refusals } = calculate(environment(), {
    '10.244.2.0/24': path('10.0.0.2', '192.0.2.1'),
    '10.244.3.0/24': path('192.0.2.1'),
  });
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast([leg('10.0.0.2')]));
  t.deepEqual(refusals.get(p('10.244.3.0/24')), { kind: 'next-hop-unreachable', nextHop: ip('192.0.2.1') });
});

const open = new Map([['ipip', { kind: 'open', ifindex: 9, mtu: 1480 }]] as const);
const unavailable = new Map([['ipip', { kind: 'unavailable', reason: 'no module' }]] as const);
const anywhere = (): Resolution => ({ kind: 'connected', ifindex: 2 });

function host(address: string, receives: RemoteHost['receives']): readonly [IpAddress, RemoteHost] {
  return [ip(address), { name: `host ${address}`, address: ip(address), receives, vtepMac: '' }];
}

test('each leg decides for itself whether it needs a tunnel that this host cannot make', t => {
  const env = environment({ pools: [pool('CrossSubnet')], resolve: anywhere, tunnels: unavailable });
  const { set, refusals } = calculate(env, {
    '10.244.2.0/24': path('10.0.0.2', '10.0.9.2'),
    '10.244.3.0/24': path('10.0.9.2'),
  });
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast([leg('10.0.0.2')]));
  const why = { kind: 'no-tunnel', tunnel: 'ipip', reason: 'no module' } as const;
  t.deepEqual(refusals.get(p('10.244.3.0/24')), why);
});

test('across subnets by the tunnel: its device, onlink, its MTU, and this host’s address inside it', t => {
  const remoteHosts = new Map([host('10.0.9.2', { ipip: { kind: 'ready' } })]);
  const env = environment({ pools: [pool('CrossSubnet')], resolve: anywhere, tunnels: open, remoteHosts });
  const { set, calculator } = calculate(env, { '10.244.2.0/24': path('10.0.9.2') });
  const expected = { ...unicast([leg('10.0.9.2', 9, true)], '10.244.1.0'), mtu: 1480 };
  t.deepEqual(set.get(p('10.244.2.0/24')), expected);
  t.is(calculator.tunnelUse.routes('ipip'), 1);
});

test('legs of both kinds in one route: each has the MTU of its device', t => {
  const env = environment({ pools: [pool('CrossSubnet')], resolve: anywhere, tunnels: open });
  const { set } = calculate(env, { '10.244.2.0/24': path('10.0.0.2', '10.0.9.2') });
  const legs = [leg('10.0.0.2'), leg('10.0.9.2', 9, true)];
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast(legs, '10.244.1.0'));
});

test('a host that becomes ready moves its own routes only', t => {
  const before = new Map([host('10.0.0.2', {}), host('10.0.0.3', {})]);
  const env = environment({ pools: [pool('Always')], tunnels: open, remoteHosts: before });
  const { calculator, set } = calculate(env, {
    '10.244.2.0/24': path('10.0.0.2'),
    '10.244.3.0/24': path('10.0.0.3'),
  });
  t.deepEqual(set.get(p('10.244.2.0/24')), unicast([leg('10.0.0.2')]));
  const remoteHosts = new Map([...before, host('10.0.0.3', { ipip: { kind: 'ready' } })]);
  calculator.setEnvironment({ ...env, remoteHosts });
  t.deepEqual([...calculator.flush().set.keys()], [p('10.244.3.0/24')]);
  t.deepEqual(calculator.tunnelUse.inUse, ['ipip']);
});

test('a host that has never said anything gets its routes as soon as it is ready', t => {
  const remoteHosts = new Map([host('10.0.0.2', undefined)]);
  const env = environment({ pools: [pool('Always')], tunnels: open, remoteHosts });
  const { calculator, refusals } = calculate(env, { '10.244.2.0/24': path('10.0.0.2') });
  t.is(refusals.get(p('10.244.2.0/24'))?.kind, 'host-not-ready');
  calculator.setEnvironment({
    ...env,
    remoteHosts: new Map([host('10.0.0.2', { ipip: { kind: 'ready' } })]),
  });
  t.deepEqual([...calculator.flush().set.keys()], [p('10.244.2.0/24')]);
  t.is(refusals.size, 0);
});

test('the underlay’s own next hop never goes into the tunnel that leads to it', t => {
  const env = environment({ pools: [pool('Always')], resolve: anywhere, tunnels: open });
  const { refusals } = calculate(env, { '10.244.2.0/24': path('10.244.2.9') });
  const why = { kind: 'would-carry-peer-address', address: ip('10.244.2.9') } as const;
  t.deepEqual(refusals.get(p('10.244.2.0/24')), why);
});

test('own blocks are black holes, but a host route among them is not', t => {
  const ownBlocks = [p('10.244.1.0/24'), p('10.244.9.9/32')];
  const { set } = calculate(environment({ ownBlocks }));
  t.deepEqual([...set], [[p('10.244.1.0/24'), { kind: 'blackhole', metric: 1024 }]]);
});

test('what is equal to or inside an own block is refused, but for a single address that has moved away', t => {
  const env = environment({ ownBlocks: [p('10.244.1.0/24')] });
  const { set, refusals } = calculate(env, {
    '10.244.1.0/25': path('10.0.0.2'),
    '10.244.1.7/32': path('10.0.0.2'),
    '10.244.0.0/16': path('10.0.0.2'),
  });
  t.deepEqual(refusals.get(p('10.244.1.0/25')), { kind: 'inside-own-block', block: p('10.244.1.0/24') });
  t.deepEqual([...set.keys()].sort(), [p('10.244.0.0/16'), p('10.244.1.0/24'), p('10.244.1.7/32')]);
});

test('what is equal to a connected prefix is refused', t => {
  const env = environment({ connected: new Map([[p('10.0.0.0/24'), 'eth0']]) });
  const { set, refusals } = calculate(env, { '10.0.0.0/24': path('10.0.0.2') });
  t.is(set.size, 0);
  t.deepEqual(refusals.get(p('10.0.0.0/24')), { kind: 'equals-connected-prefix', interfaceName: 'eth0' });
});

test('a tunnel must not carry what it travels on; plainly the same route is fine', t => {
  const best = { '10.244.0.0/16': path('10.0.0.2') };
  const underlayAddresses = [ip('10.244.0.2')];
  const tunnelled = calculate(
    environment({ underlayAddresses, pools: [pool('Always')], tunnels: open }),
    best,
  );
  t.deepEqual(tunnelled.refusals.get(p('10.244.0.0/16')), {
    kind: 'would-carry-peer-address',
    address: ip('10.244.0.2'),
  });
  t.is(calculate(environment({ underlayAddresses }), best).set.size, 1);
});

test('a workload here is reached by its interface, whatever others announce', t => {
  const env = environment({
    ownBlocks: [p('10.244.1.0/24')],
    workloads: new Map([[p('10.244.1.2/32'), 7]]),
  });
  const { set } = calculate(env, { '10.244.1.2/32': path('10.0.0.2') });
  t.deepEqual(set.get(p('10.244.1.2/32')), unicast([leg(undefined, 7)], ''));
});

test('own routes come back as best ones and are not programmed', t => {
  const { set, refusals } = calculate(environment(), {
    '10.244.1.0/24': { nextHops: [ip('10.0.0.1')], origin: 'own' },
  });
  t.is(set.size, 0);
  t.is(refusals.size, 0);
});

test('nothing is told before the environment is known, and then everything', t => {
  const calculator = new KernelRoutesCalculator(new SharedRoutes());
  calculator.setBest(p('10.244.2.0/24'), path('10.0.0.2'));
  t.is(calculator.flush().set.size, 0);
  calculator.setEnvironment(environment());
  t.is(calculator.flush().set.size, 1);
});

test('an environment that is what it was costs nothing; a next hop that moves has its routes told anew, and only those', t => {
  const { calculator } = calculate(environment(), {
    '10.244.2.0/24': path('10.0.0.2'),
    '10.244.3.0/24': path('10.0.0.3'),
    '10.244.4.0/24': path('192.0.2.1'),
  });
  calculator.setEnvironment(environment());
  t.deepEqual(calculator.flush(), { set: new Map(), deleted: new Set() });
  const moved = (nextHop: IpAddress): Resolution =>
    nextHop === '10.0.0.3' ? { kind: 'unreachable' } : { kind: 'connected', ifindex: 2 };
  for (let i = 0; i < 2; i++) {
    calculator.setEnvironment(environment({ resolve: moved }));
    const there = calculator.flush();
    t.deepEqual([...there.set.keys()], [p('10.244.4.0/24')]);
    t.deepEqual([...there.deleted], [p('10.244.3.0/24')]);
    calculator.setEnvironment(environment());
    const back = calculator.flush();
    t.deepEqual([...back.set.keys()], [p('10.244.3.0/24')]);
    t.deepEqual([...back.deleted], [p('10.244.4.0/24')]);
  }
});
