import test from 'ava';
import { type OwnRoute, OwnRoutesCalculator, ownRoute } from '../../../agent/calculators/own-routes.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { prefixContains } from '../../../core/prefix.js';
import { bgpConfiguration, block, cidr, node, type State, workload } from '../documents.js';
import { accumulate, runStateSequence } from './state-sequence.js';

const OWN = 'host1';

function twin(state: State): Map<Prefix, OwnRoute> {
  const blocks = state.flatMap(resource =>
    resource.kind === 'BlockAffinity' && resource.spec.node === OWN && resource.spec.state === 'confirmed'
      ? [resource.spec.cidr]
      : [],
  );
  const borrowed = state
    .flatMap(resource =>
      resource.kind === 'WorkloadEndpoint' && resource.spec.node === OWN ? resource.spec.ipNetworks : [],
    )
    .filter(network => !blocks.some(own => prefixContains(own, network)));
  const configuration = (name: string) =>
    state.flatMap(resource =>
      resource.kind === 'BGPConfiguration' && resource.metadata.name === name ? [resource.spec] : [],
    )[0];
  const own = configuration(`node.${OWN}`);
  const everyone = configuration('default');
  const communities = own?.communities ?? everyone?.communities ?? [];
  const advertised = own?.prefixAdvertisements ?? everyone?.prefixAdvertisements ?? [];
  const balancers = own?.serviceLoadBalancerIPs ?? everyone?.serviceLoadBalancerIPs ?? [];
  const disabled =
    (own?.serviceLoadBalancerAggregation ?? everyone?.serviceLoadBalancerAggregation) === 'Disabled';
  const services = [
    ...(own?.serviceClusterIPs ?? everyone?.serviceClusterIPs ?? []),
    ...(disabled ? [] : balancers),
  ].map(range => range.cidr);
  const bgp = state.flatMap(resource =>
    resource.kind === 'Node' && resource.metadata.name === OWN ? [resource.spec.bgp] : [],
  )[0];
  const dual = bgp?.ipv4Address !== undefined && bgp.ipv6Address !== undefined;
  const ipv6 = dual ? (bgp.ipv6Address?.split('/')[0] as IpAddress) : undefined;
  const all = [...new Set([...blocks, ...borrowed, ...services])].sort((a, b) => (a < b ? -1 : 1));
  return new Map(
    all.map(prefix => {
      const route = ownRoute(prefix, communities, advertised, prefix.includes(':') ? ipv6 : undefined);
      return [prefix, { ...route, blackhole: route.blackhole && !services.includes(prefix) }];
    }),
  );
}

function routesOf(state: State) {
  const calculator = new OwnRoutesCalculator(OWN);
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  return { routes: calculator.flush().set, conditions: calculator.conditions };
}

test('confirmed blocks of this node, and nothing else', t => {
  const { routes } = routesOf([
    block(OWN, '10.244.1.0/26'),
    block(OWN, '10.244.9.9/32'),
    block(OWN, '10.244.2.0/26', 'pending'),
    block(OWN, '10.244.3.0/26', 'pendingDeletion'),
    block('host2', '10.244.4.0/26'),
    node(OWN, '10.0.0.1/24'),
  ]);
  t.deepEqual(
    [...routes].map(([prefix, own]) => [prefix, own.blackhole]),
    [
      [cidr('10.244.1.0/26'), true],
      [cidr('10.244.9.9/32'), false],
    ],
  );
});

test('a borrowed workload address goes out as a host route, one inside an own block does not', t => {
  const { routes } = routesOf([
    block(OWN, '10.244.1.0/26'),
    workload(OWN, 'a', '10.244.1.7/32'),
    workload(OWN, 'b', '10.244.77.7/32'),
    workload('host2', 'c', '10.244.78.7/32'),
  ]);
  t.deepEqual([...routes.keys()], [cidr('10.244.1.0/26'), cidr('10.244.77.7/32')]);
});

test('advertisements that cover a route give it their communities, by name or by value, standard and large', t => {
  const { routes, conditions } = routesOf([
    block(OWN, '10.244.1.0/26'),
    bgpConfiguration('default', {
      communities: [
        { name: 'blue', value: '64512:100' },
        { name: 'big', value: '4200000000:1:2' },
      ],
      prefixAdvertisements: [
        { cidr: cidr('10.244.0.0/16'), communities: ['blue', 'big', '65535:65281', '64512:100', 'red'] },
        { cidr: cidr('10.245.0.0/16'), communities: ['64512:999'] },
      ],
    }),
  ]);
  const route = routes.get(cidr('10.244.1.0/26'))?.route;
  t.deepEqual(route?.communities, [64512 * 65536 + 100, 0xffffff01]);
  t.deepEqual(route?.largeCommunities, [[4200000000, 1, 2]]);
  t.deepEqual(
    conditions.map(({ objects }) => objects[1]),
    ['red'],
  );
});

test('ranges of services are announced as a whole, without a blackhole; load balancers’ unless single addresses are wanted', t => {
  const ranges = {
    serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }],
    serviceExternalIPs: [{ cidr: cidr('198.51.100.0/24') }],
    serviceLoadBalancerIPs: [{ cidr: cidr('192.0.2.0/24') }],
    prefixAdvertisements: [{ cidr: cidr('10.96.0.0/12'), communities: ['64512:7'] }],
  };
  const whole = routesOf([bgpConfiguration('default', ranges)]);
  t.deepEqual(
    [...whole.routes].map(([prefix, { blackhole, route }]) => [prefix, blackhole, route.communities.length]),
    [
      [cidr('10.96.0.0/12'), false, 1],
      [cidr('198.51.100.0/24'), false, 0],
      [cidr('192.0.2.0/24'), false, 0],
    ],
  );
  t.deepEqual(whole.conditions, []);
  const single = routesOf([
    bgpConfiguration('default', { ...ranges, serviceLoadBalancerAggregation: 'Disabled' }),
  ]);
  t.deepEqual([...single.routes.keys()], [cidr('10.96.0.0/12'), cidr('198.51.100.0/24')]);
  t.deepEqual(
    single.conditions.map(({ key }) => key),
    ['service-addresses BGPConfiguration/default serviceLoadBalancerAggregation'],
  );
});

test('a host of both families names its IPv6 address as the next hop of IPv6 routes', t => {
  const nextHops = (own: ReturnType<typeof node>) =>
    [...routesOf([own, block(OWN, '10.244.1.0/26'), block(OWN, 'fd10::/122')]).routes.values()].map(
      ({ route }) => route.nextHop as string | undefined,
    );
  t.deepEqual(nextHops(node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' })), [undefined, 'fd00::1']);
  t.deepEqual(nextHops(node(OWN, undefined, { ipv6: 'fd00::1/64' })), [undefined, undefined]);
});

test('state sequences agree with the whole-snapshot twin', t => {
  const advertise = (name: string, ...values: string[]) =>
    bgpConfiguration(name, {
      prefixAdvertisements: [{ cidr: cidr('10.244.0.0/16'), communities: values }],
    });
  const states: State[] = [
    [block(OWN, '10.244.1.0/26')],
    [block(OWN, '10.244.1.0/26', 'pending'), workload(OWN, 'a', '10.244.1.1/32')],
    [
      block(OWN, '10.244.1.0/26'),
      workload(OWN, 'a', '10.244.1.1/32', '10.9.0.1/32'),
      advertise('default', '1:2'),
    ],
    [block(OWN, '10.244.1.0/26'), advertise('default', '1:2'), advertise(`node.${OWN}`, '3:4:5')],
    [block('host2', '10.244.1.0/26'), workload('host2', 'a', '10.244.1.1/32')],
    [workload(OWN, 'a', '10.9.0.1/32'), workload(OWN, 'b', '10.9.0.1/32')],
    [
      node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' }),
      block(OWN, 'fd10::/122'),
      bgpConfiguration('default', {
        serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }, { cidr: cidr('fd96::/108') }],
        serviceLoadBalancerIPs: [{ cidr: cidr('192.0.2.0/24') }],
      }),
    ],
    [
      node(OWN, undefined, { ipv6: 'fd00::1/64' }),
      block(OWN, 'fd10::/122'),
      bgpConfiguration('default', {
        serviceLoadBalancerIPs: [{ cidr: cidr('192.0.2.0/24') }],
        serviceLoadBalancerAggregation: 'Disabled',
      }),
    ],
  ];
  const create = () => {
    const calculator = new OwnRoutesCalculator(OWN);
    const output = accumulate<Prefix, OwnRoute>(t);
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => output.apply(calculator.flush()),
    };
  };
  runStateSequence(t, states, create, twin);
});
