import test from 'ava';
import { defaultPeerTimers, PeerContext } from '../../../agent/calculators/peer-context.js';
import { PeerRangesCalculator, peerRange } from '../../../agent/calculators/peer-ranges.js';
import { scopeOf } from '../../../agent/calculators/peer-scope.js';
import type { PeerRangeConfig } from '../../../bgp/speaker/contract.js';
import type { BGPPeerRangeResource } from '../../../core/resources/resource.js';
import { asn, bgpFilter, bgpPeerRange, cidr, node, type State, secret } from '../documents.js';
import { accumulate, runStateSequence } from './state-sequence.js';

const OWN = 'rr1';
const options = { nodeName: OWN, timers: defaultPeerTimers, mode: 'route-reflector' } as const;
const clients = cidr('10.0.0.0/16');
const password = { secretKeyRef: { name: 's', key: 'k' } };

function calculated(state: State) {
  const calculator = new PeerRangesCalculator(options);
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  return { ranges: calculator.flush().set, keys: calculator.conditions.map(({ key }) => key) };
}

test('a range of clients: internal peers unless AS numbers are named, at most a hundred, of one family', t => {
  const { ranges } = calculated([node(OWN, '10.0.0.1/24'), bgpPeerRange('clients', { cidr: clients })]);
  t.like(ranges.get('clients'), { key: 'clients', prefix: clients, asns: 'internal', limit: 100 });
  t.like(ranges.get('clients')?.template, {
    type: 'dynamic',
    name: 'clients',
    families: ['ipv4-unicast'],
    routeReflectorClient: true,
    importPolicy: undefined,
    exportPolicy: undefined,
    administrativeState: 'up',
    sharedSubnets: [],
  });
});

test('fields and options of a range are those of a BGPPeer', t => {
  const { ranges } = calculated([
    node(OWN, '10.0.0.1/24'),
    bgpFilter('in', { importV4: [{ action: 'Accept' }] }),
    secret('s', { k: 'hunter2' }),
    bgpPeerRange('tors', {
      cidr: cidr('10.0.0.128/25'),
      asNumbers: [asn(65001), asn(65003)],
      limit: 4,
      filters: ['in'],
      password,
      ttlSecurity: 1,
      maxRestartTime: '1m',
      bfd: 'On',
      families: 'Both',
      holdTime: '9s',
      routeReflectorClient: false,
    }),
  ]);
  t.like(ranges.get('tors'), {
    limit: 4,
    asns: [
      { first: asn(65001), last: asn(65001) },
      { first: asn(65003), last: asn(65003) },
    ],
  });
  t.like(ranges.get('tors')?.template, {
    families: ['ipv4-unicast', 'ipv6-unicast'],
    password: 'hunter2',
    ttlSecurityHops: 1,
    restartTimeSeconds: 60,
    bfd: { strict: false },
    holdTimeSeconds: 9,
    routeReflectorClient: false,
    sharedSubnets: ['10.0.0.0/24'],
  });
  t.is(ranges.get('tors')?.template.importPolicy?.rules.length, 1);
});

test('a range inside our IPv6 subnet has our link-local address on its link, as it changes', t => {
  const calculator = new PeerRangesCalculator(options);
  for (const resource of [
    node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' }),
    bgpPeerRange('near', { cidr: cidr('fd00::/96') }),
    bgpPeerRange('far', { cidr: cidr('fd00::/32') }),
  ])
    calculator.onChange({ kind: 'changed', resource });
  calculator.flush();
  calculator.setInterfaces(new Map([['fd00::1', 'eth0']] as never), new Map([['eth0', 'fe80::1']] as never));
  const told = [...calculator.flush().set].map(
    ([key, { template }]) => `${key} ${template.linkLocalAddress}`,
  );
  t.deepEqual(told, ['near fe80::1']);
});

test('without its password a range is down, and without its filter it is said', t => {
  const { ranges, keys } = calculated([
    node(OWN, '10.0.0.1/24'),
    bgpPeerRange('tors', { cidr: clients, filters: ['in'], password }),
    bgpPeerRange('elsewhere', { cidr: clients, node: 'rr2', filters: ['in'], password }),
  ]);
  t.is(ranges.get('tors')?.template.administrativeState, 'down');
  t.deepEqual(keys, [
    'missing-filter BGPPeerRange/tors BGPFilter/in',
    'no-password BGPPeerRange/tors Secret/s',
  ]);
});

test('state sequences agree with the whole-snapshot twin', t => {
  const states: State[] = [
    [bgpPeerRange('a', { cidr: clients })],
    [
      node(OWN, '10.0.0.1/24', { labels: { role: 'rr' } }),
      bgpPeerRange('a', { cidr: clients, nodeSelector: 'has(role)' }),
    ],
    [
      node(OWN, '10.0.0.1/24'),
      bgpPeerRange('a', { cidr: clients, nodeSelector: 'has(role)' }),
      bgpPeerRange('b', { cidr: clients, node: OWN, filters: ['f'], password }),
    ],
    [
      node(OWN, '10.0.0.1/24'),
      secret('s', { k: 'x' }),
      bgpPeerRange('b', { cidr: clients, node: OWN, password }),
    ],
    [
      bgpFilter('f', { exportV4: [{ action: 'Reject' }] }),
      bgpPeerRange('b', { cidr: clients, filters: ['f'] }),
    ],
  ];
  const create = () => {
    const calculator = new PeerRangesCalculator(options);
    const output = accumulate<string, PeerRangeConfig>(t);
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => output.apply(calculator.flush()),
    };
  };
  runStateSequence(t, states, create, state => {
    const context = new PeerContext(options);
    for (const resource of state) context.onChange({ kind: 'changed', resource });
    const ours = state
      .filter((one): one is BGPPeerRangeResource => one.kind === 'BGPPeerRange')
      .filter(({ spec }) => scopeOf(spec)(OWN, context.own))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    return new Map(ours.map(range => [range.metadata.name, peerRange(range, context)]));
  });
});
