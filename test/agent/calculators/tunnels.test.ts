import test from 'ava';
import { type OwnAddresses, TunnelsCalculator } from '../../../agent/calculators/tunnels.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import {
  type IPPoolResource,
  MARGAY_API,
  type NodeResource,
  type NodeStatusResource,
  type Resource,
} from '../../../core/resources/resource.js';
import type { TunnelKind } from '../../../ipip/desired.js';
import { node, pool } from '../documents.js';

const felix = { ipipMtu: undefined, vxlanMtu: 1400, vxlanPort: 4789, vxlanVni: 4096, externalNodes: [] };

function modes(ipipMode: 'Always' | 'Never', vxlanMode: 'Always' | 'Never' = 'Never'): IPPoolResource {
  const plain = pool('pods', '10.244.0.0/16');
  return { ...plain, spec: { ...plain.spec, ipipMode, vxlanMode } };
}

function status(
  name: string,
  ready: readonly TunnelKind[],
  sends: readonly TunnelKind[] = [],
): NodeStatusResource {
  const receives = ready.map(tunnel => ({ tunnel, state: 'Ready' as const }));
  const metadata = { name, labels: {}, annotations: {} };
  return { apiVersion: MARGAY_API, kind: 'NodeStatus', metadata, spec: { version: '1', receives, sends } };
}

function own(blocks: readonly string[] = ['10.244.1.0/24'], workloads: readonly string[] = []): OwnAddresses {
  return {
    blocks: blocks as readonly Prefix[],
    workloads: new Map(workloads.map(address => [`${address}/32` as Prefix, 'cali0'])),
  };
}

function calculator(...resources: readonly Resource[]): TunnelsCalculator {
  const tunnels = new TunnelsCalculator('a');
  for (const resource of resources) tunnels.onChange({ kind: 'changed', resource });
  return tunnels;
}

const [a, b] = [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')];

test('pools without a tunnel want none, and nothing is said of any', t => {
  const tunnels = calculator(a, b, modes('Never'));
  t.deepEqual(tunnels.wanted(), new Set());
  t.like(tunnels.intent(felix, own()), { ipip: undefined, vxlan: undefined, udp: undefined });
  t.deepEqual(tunnels.identity(own(), a), {
    ipipAddress: undefined,
    vxlanAddress: undefined,
    vtepMac: undefined,
  });
  t.deepEqual(tunnels.status('1'), { version: '1', receives: [], sends: [] });
});

test('a pool’s mode wants its tunnel, with the cluster’s parameters', t => {
  const tunnels = calculator(a, modes('Never', 'Always'));
  const intent = tunnels.intent(felix, own());
  t.like(intent, { local: '10.0.0.1' as Ipv4Address, address: '10.244.1.0' as Ipv4Address, ipip: undefined });
  t.like(intent?.vxlan, { vni: 4096, port: 4789, mtu: 1400 });
  t.regex(intent?.vxlan?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
});

test('UDP encapsulation is asked for by an annotation', t => {
  const plain = modes('Never');
  const annotations = { 'margay.io/udpMode': 'Always' };
  const tunnels = calculator(a, { ...plain, metadata: { ...plain.metadata, annotations } });
  t.deepEqual(tunnels.wanted(), new Set(['udp']));
  t.deepEqual(tunnels.intent(felix, own())?.udp, { port: 8285, mtu: undefined });
  t.like(tunnels.identity(own(), a), { ipipAddress: '10.244.1.0' as Ipv4Address, vxlanAddress: undefined });
});

test('a tunnel is wanted as long as a host sends by it: another one, or this one', t => {
  const tunnels = calculator(a, b, modes('Never'), status('b', ['ipip'], ['ipip']));
  t.deepEqual(tunnels.wanted(), new Set(['ipip']));
  tunnels.onChange({ kind: 'changed', resource: status('b', ['ipip']) });
  t.deepEqual(tunnels.wanted(), new Set());
  tunnels.setOwn({ receives: new Map(), sends: ['ipip'] });
  t.deepEqual(tunnels.wanted(), new Set(['ipip']));
});

test('what a host said that is gone does not count', t => {
  const tunnels = calculator(a, modes('Never'), status('b', ['ipip'], ['ipip']));
  t.deepEqual(tunnels.wanted(), new Set());
});

test('what lingers stays open and is not said to be received', t => {
  const tunnels = calculator(a, modes('Never'));
  tunnels.setOwn({ receives: new Map([['ipip', { kind: 'ready' }]]), sends: [] });
  tunnels.setLingering(new Set(['ipip']), true);
  t.truthy(tunnels.intent(felix, own())?.ipip);
  t.true(tunnels.intent(felix, own())?.mayRemove);
  t.deepEqual(tunnels.status('1').receives, []);
});

test('what this host receives, cannot receive and sends by is told to the others', t => {
  const tunnels = calculator(a, modes('Always'));
  t.deepEqual(tunnels.status('1').receives, []);
  tunnels.setOwn({ receives: new Map([['ipip', { kind: 'ready' }]]), sends: ['ipip'] });
  t.deepEqual(tunnels.status('1'), {
    version: '1',
    receives: [{ tunnel: 'ipip', state: 'Ready' }],
    sends: ['ipip'],
  });
  tunnels.setOwn({ receives: new Map([['ipip', { kind: 'unavailable', reason: 'no module' }]]), sends: [] });
  t.deepEqual(tunnels.status('1').receives, [{ tunnel: 'ipip', state: 'Unavailable', reason: 'no module' }]);
});

test('the other hosts, in order of their names, with what they say of themselves', t => {
  const mac = '02:00:00:00:00:0c';
  const c: NodeResource = {
    ...node('c', '10.0.0.3/24'),
    spec: { bgp: { ipv4Address: '10.0.0.3/24' }, vxlanTunnelMACAddr: mac },
  };
  const tunnels = calculator(c, a, b, node('addressless'), status('c', ['vxlan']));
  t.deepEqual(tunnels.remoteHosts(), [
    { name: 'b', address: '10.0.0.2' as Ipv4Address, receives: undefined, vtepMac: '' },
    { name: 'c', address: '10.0.0.3' as Ipv4Address, receives: { vxlan: { kind: 'ready' } }, vtepMac: mac },
  ]);
});

// ---------------------------------------------------------------- address and MAC

function withTunnelAddress(address: string): NodeResource {
  return { ...a, spec: { bgp: { ipv4Address: '10.0.0.1/24', ipv4IPIPTunnelAddr: address as Ipv4Address } } };
}

test('the address inside tunnels is the first free one of the lowest block', t => {
  const address = (given: OwnAddresses, host = a) =>
    calculator(host, modes('Always')).intent(felix, given)?.address;
  t.is(address(own(['10.244.9.0/24', '10.244.1.0/24'])) as string, '10.244.1.0');
  t.is(address(own(['10.244.1.0/24'], ['10.244.1.0', '10.244.1.1'])) as string, '10.244.1.2');
  t.is(
    address(own(['10.244.1.0/31', '10.244.2.0/24'], ['10.244.1.0', '10.244.1.1'])) as string,
    '10.244.2.0',
  );
  t.is(address(own([])), undefined);
  t.is(address(own(['fd10::/64'])), undefined);
});

test('the one that the Node has is kept while it is out of a block of this host', t => {
  const address = (given: OwnAddresses, host: NodeResource) =>
    calculator(host, modes('Always')).identity(given, host).ipipAddress;
  t.is(address(own(), withTunnelAddress('10.244.1.77')) as string, '10.244.1.77');
  t.is(address(own(), withTunnelAddress('10.244.7.7')) as string, '10.244.1.0');
});

test('an IPv6 pool that wants VXLAN is routed plainly, and that is said', t => {
  const plain = pool('six', 'fd10::/48');
  const tunnels = calculator(a, { ...plain, spec: { ...plain.spec, vxlanMode: 'Always' } });
  t.deepEqual(tunnels.wanted(), new Set());
  t.deepEqual(
    tunnels.conditions(own()).map(({ severity, objects }) => [severity, objects]),
    [['warning', ['IPPool/six']]],
  );
});

test('a workload that has the tunnel’s address is named', t => {
  const tunnels = calculator(withTunnelAddress('10.244.1.0'), modes('Always'));
  t.deepEqual(tunnels.conditions(own()), []);
  t.is(tunnels.conditions(own(undefined, ['10.244.1.0'])).length, 1);
});

test('two hosts with one MAC are named', t => {
  const mac = '02:00:00:00:00:0c';
  const copy = (name: string, address: string): NodeResource => ({
    ...node(name, address),
    spec: { bgp: { ipv4Address: address }, vxlanTunnelMACAddr: mac },
  });
  const tunnels = calculator(copy('a', '10.0.0.1/24'), copy('b', '10.0.0.2/24'));
  const [collision] = tunnels.conditions(own());
  t.deepEqual(collision?.objects, ['Node/a', 'Node/b']);
});

test('to a host whose MAC another one has nothing is sent: its packets would arrive there', t => {
  const mac = '02:00:00:00:00:0c';
  const withMac = (host: NodeResource): NodeResource => ({
    ...host,
    spec: { ...host.spec, vxlanTunnelMACAddr: mac },
  });
  const [c, d] = [node('c', '10.0.0.3/24'), node('d', '10.0.0.4/24')];
  const ready = ['b', 'c', 'd'].map(name => status(name, ['vxlan']));
  const sendsTo = (...nodes: readonly NodeResource[]) =>
    calculator(...nodes, ...ready)
      .remoteHosts()
      .filter(({ receives }) => receives?.vxlan?.kind === 'ready')
      .map(({ name }) => name);
  t.deepEqual(sendsTo(a, b, withMac(d), withMac(c)), ['b', 'c']);
  t.deepEqual(sendsTo(withMac(a), b, withMac(c), d), ['b', 'd']);
  t.deepEqual(sendsTo(a, b, c, withMac(d)), ['b', 'c', 'd']);
});
