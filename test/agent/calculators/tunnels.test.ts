import test from 'ava';
import { type OwnAddresses, TunnelsCalculator } from '../../../agent/calculators/tunnels.js';
import type { Ipv4Address, Ipv6Address } from '../../../core/ip-address.js';
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

const felix = {
  ipipMtu: undefined,
  vxlanMtu: 1400,
  vxlanMtuV6: undefined,
  vxlanPort: 4789,
  vxlanVni: 4096,
  externalNodes: [],
};

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
    vxlanIpv6Address: undefined,
    vtepIpv6Mac: undefined,
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

/** A pool of IPv6 by VXLAN, and hosts with an address of each family. */
function ipv6Pool(vxlanMode: 'Always' | 'Never' = 'Always'): IPPoolResource {
  const plain = pool('six', 'fd10::/48');
  return { ...plain, spec: { ...plain.spec, vxlanMode } };
}

function dualStack(name: string, last: number, spec: Partial<NodeResource['spec']> = {}): NodeResource {
  const bgp = { ipv4Address: `10.0.0.${last}/24`, ipv6Address: `fd00::${last}/64` };
  return { ...node(name), spec: { bgp, ...spec } };
}

test('an IPv6 pool that wants VXLAN wants a device of its own, between IPv6 addresses', t => {
  const tunnels = calculator(dualStack('a', 1), ipv6Pool());
  const blocks = own(['10.244.1.0/24', 'fd10:0:0:1::/64'], []);
  t.deepEqual(tunnels.wanted(), new Set(['vxlan-v6']));
  const intent = tunnels.intent({ ...felix, vxlanMtuV6: 1380 }, blocks);
  t.like(intent, { local: '10.0.0.1' as Ipv4Address, vxlan: undefined });
  const ends = { local: 'fd00::1' as Ipv6Address, address: 'fd10:0:0:1::' as Ipv6Address };
  t.like(intent?.['vxlan-v6'], { ...ends, vni: 4096, port: 4789, mtu: 1380 });
  const identity = tunnels.identity(blocks, dualStack('a', 1));
  t.like(identity, { vxlanAddress: undefined, vtepMac: undefined, vxlanIpv6Address: ends.address });
  t.is(identity.vtepIpv6Mac, intent?.['vxlan-v6']?.mac);
  t.not(identity.vtepIpv6Mac, tunnels.identity(blocks, node('a')).vtepMac);
  t.deepEqual(tunnels.conditions(blocks), []);
});

test('both families at once are two devices, and a host that has no IPv6 says so', t => {
  const both = calculator(dualStack('a', 1), modes('Never', 'Always'), ipv6Pool());
  t.deepEqual(both.wanted(), new Set(['vxlan', 'vxlan-v6']));
  const lacking = calculator(a, modes('Never', 'Always'), ipv6Pool());
  t.is(lacking.intent(felix, own())?.['vxlan-v6'], undefined);
  t.not(lacking.intent(felix, own())?.vxlan, undefined);
  t.deepEqual(
    lacking.conditions(own()).map(({ severity, objects }) => [severity, objects]),
    [['error', ['Node/a']]],
  );
});

test('a host is one of each family that it has an address of, with the MAC of its device for that family', t => {
  const macs = { vxlanTunnelMACAddr: '02:00:00:00:00:04', vxlanTunnelMACAddrV6: '02:00:00:00:00:06' };
  const tunnels = calculator(dualStack('a', 1), dualStack('b', 2, macs), node('c', '10.0.0.3/24'));
  t.deepEqual(
    tunnels.remoteHosts().map(({ name, address, vtepMac }) => [name, address, vtepMac]),
    [
      ['b', '10.0.0.2' as Ipv4Address, macs.vxlanTunnelMACAddr],
      ['b', 'fd00::2' as Ipv6Address, macs.vxlanTunnelMACAddrV6],
      ['c', '10.0.0.3' as Ipv4Address, ''],
    ],
  );
});

test('two hosts with one MAC of their IPv6 devices: VXLAN over IPv6 alone is not sent to the second', t => {
  const macs = { vxlanTunnelMACAddrV6: '02:00:00:00:00:06' };
  const ready = status('c', ['vxlan', 'vxlan-v6']);
  const tunnels = calculator(dualStack('a', 1), dualStack('b', 2, macs), dualStack('c', 3, macs), ready);
  const of = (address: string) => tunnels.remoteHosts().find(one => one.address === address)?.receives;
  t.like(of('fd00::3'), { 'vxlan-v6': { kind: 'unavailable' }, vxlan: { kind: 'ready' } });
  t.like(of('10.0.0.3'), { 'vxlan-v6': { kind: 'ready' }, vxlan: { kind: 'ready' } });
  t.regex(tunnels.conditions(own())[0]!.message, /vxlanTunnelMACAddrV6/);
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
