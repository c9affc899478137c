import test from 'ava';
import type { Ipv4Address, Ipv6Address } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { type TunnelKind, tunnelKinds } from '../../ipip/desired.js';
import {
  type DeviceFacts,
  desiredDevice,
  deviceNames,
  fragmentationWarning,
  ownDevice,
  planDevice,
  underlayOf,
  underlaysOf,
} from '../../ipip/tunnel-devices.js';
import type { TunnelIntent } from '../../ipip/tunnel-intent.js';
import type { InterfaceAddress } from '../../linux/netlink/address.js';
import type { Link, TunnelParameters } from '../../linux/netlink/link.js';
import { plainForm, type Route } from '../../linux/netlink/route.js';

const ip = (text: string) => text as Ipv4Address;
const MAC = '02:00:00:00:00:01';

const intent: TunnelIntent = {
  local: ip('10.0.0.1'),
  address: ip('10.244.1.0'),
  ipip: { mtu: undefined },
  vxlan: { vni: 4096, port: 4789, mac: MAC, mtu: undefined },
  'vxlan-v6': {
    vni: 4096,
    port: 4789,
    mac: MAC,
    mtu: undefined,
    local: 'fd00::1' as Ipv6Address,
    address: 'fd10::' as Ipv6Address,
  },
  udp: { port: 8285, mtu: undefined },
  mayRemove: true,
};

function link(more: Partial<Link>): Link {
  return {
    ifindex: 2,
    name: 'eth0',
    mtu: 1500,
    up: true,
    carrier: true,
    loopback: false,
    kind: '',
    masterIfindex: 0,
    alias: '',
    linkLayerAddress: '',
    tunnel: undefined,
    ...more,
  };
}

const eth0 = link({});

const ipip = (more: Partial<Link> = {}) =>
  link({
    ifindex: 9,
    name: 'margay.ipip',
    alias: 'margay ipip',
    mtu: 1480,
    kind: 'ipip',
    tunnel: { kind: 'ipip', local: ip('10.0.0.1'), remote: undefined, pathMtuDiscovery: true, ttl: 0 },
    ...more,
  });

const vxlan = (more: Partial<Link> = {}) =>
  link({
    ifindex: 9,
    name: 'margay.vxlan',
    alias: 'margay vxlan',
    mtu: 1450,
    kind: 'vxlan',
    linkLayerAddress: MAC,
    tunnel: {
      kind: 'vxlan',
      vni: 4096,
      port: 4789,
      local: ip('10.0.0.1'),
      learning: false,
      parentIfindex: 0,
    },
    ...more,
  });

const vxlanV6 = (more: Partial<Link> = {}) =>
  vxlan({
    name: 'margay.vxlan-v6',
    alias: 'margay vxlan-v6',
    mtu: 1430,
    tunnel: { ...vxlan().tunnel!, local: 'fd00::1' as Ipv6Address } as TunnelParameters,
    ...more,
  });

const tun = (more: Partial<Link> = {}) =>
  link({ ifindex: 9, name: 'margay.udp', alias: 'margay udp', mtu: 1472, kind: 'tun', ...more });

const right: Readonly<Record<TunnelKind, Link>> = {
  ipip: ipip(),
  vxlan: vxlan(),
  'vxlan-v6': vxlanV6(),
  udp: tun(),
};

function address(ifindex: number, text: string, prefixLength = 32): InterfaceAddress {
  return { ifindex, address: ip(text), prefixLength, scope: 0, flags: 0x80 };
}

function facts(links: readonly Link[], more: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    links: [eth0, ...links],
    addresses: [address(2, '10.0.0.1', 24), address(9, '10.244.1.0'), address(9, 'fd10::', 128)],
    foreignRoutes: [],
    ...more,
  };
}

function plan(kind: TunnelKind, given: DeviceFacts, wanted = intent) {
  return planDevice(desiredDevice(kind, wanted, eth0.mtu)!, given);
}

test('tunnels go over the interface that has the node’s address', t => {
  t.is(underlayOf(intent.local, facts([])), eth0);
  t.is(underlayOf(ip('10.0.0.9'), facts([])), undefined);
});

test('where a loopback or a dummy has the node’s address, tunnels go over what leads to routers, the narrowest first', t => {
  const wide = link({ ifindex: 3, name: 'eth1', mtu: 9000 });
  const theirs = vxlan({ ifindex: 5, name: 'flannel.1', alias: '' });
  const connected = { ...routeBy(7), nextHops: [{ ...routeBy(7).nextHops[0]!, gateway: undefined }] };
  const ipv6 = { ...routeBy(8), destination: 'fd00::/64' as Prefix };
  const foreignRoutes = [routeBy(3), routeBy(2), routeBy(5), connected, ipv6];
  const bridges = [7, 8].map(ifindex => link({ ifindex, name: `br${ifindex}`, mtu: 1000, kind: 'bridge' }));
  for (const holder of [
    link({ ifindex: 1, name: 'lo', mtu: 65536, loopback: true }),
    link({ ifindex: 1, name: 'dummy0', kind: 'dummy' }),
  ]) {
    const addresses = [address(1, '10.0.0.1')];
    const given = facts([holder, wide, theirs, ...bridges], { addresses, foreignRoutes });
    t.deepEqual(underlaysOf(intent.local, given), [eth0, wide]);
    t.is(underlayOf(intent.local, given), eth0);
    t.is(underlayOf(intent.local, { ...given, foreignRoutes: [] }), holder);
  }
});

for (const kind of tunnelKinds) {
  test(`${kind}: a device that is right is left alone`, t => {
    t.deepEqual(plan(kind, facts([right[kind]])), { kind: 'as-it-should-be', link: right[kind] });
  });

  test(`${kind}: its MTU, its name, its alias, its address, its being up are repaired in place`, t => {
    const broken = { ...right[kind], name: 'foo', mtu: 1300, up: false };
    const wrong = kind === 'vxlan-v6' ? 'fd10::9' : '10.9.9.9';
    const planned = plan(
      kind,
      facts([broken], { addresses: [address(2, '10.0.0.1', 24), address(9, wrong)] }),
    );
    if (planned.kind !== 'repair') return t.fail(planned.kind);
    t.like(planned.change, { ifindex: 9, name: deviceNames[kind], mtu: right[kind].mtu, up: true });
    t.deepEqual(
      planned.addAddresses.map(one => `${one.address}/${one.prefixLength} on ${one.ifindex}`),
      [kind === 'vxlan-v6' ? 'fd10::/128 on 9' : '10.244.1.0/32 on 9'],
    );
    t.deepEqual(
      planned.deleteAddresses.map(one => one.address as string),
      [wrong],
    );
    const nameless = plan(kind, facts([{ ...right[kind], alias: '' }]));
    t.like(nameless, { kind: 'repair', change: { ifindex: 9, alias: `margay ${kind}` } });
  });

  test(`${kind}: what bears its name and is something else stays, and is named`, t => {
    const squatter = link({ ifindex: 9, name: deviceNames[kind], kind: 'dummy' });
    const planned = plan(kind, facts([squatter]));
    t.is(planned.kind, 'refused');
    t.is(ownDevice(kind, [squatter]), undefined);
  });
}

test('of a device that was renamed and another one that has its name, ours is the one with the alias', t => {
  const renamed = vxlan({ name: 'old' });
  const squatter = vxlan({ ifindex: 5, alias: '' });
  for (const links of [
    [renamed, squatter],
    [squatter, renamed],
  ]) {
    t.is(ownDevice('vxlan', links), renamed);
    const reason = 'margay.vxlan is a vxlan device of another program';
    t.deepEqual(plan('vxlan', facts(links)), { kind: 'refused', reason });
  }
  const nameless = vxlan({ alias: '' });
  t.is(ownDevice('vxlan', [nameless]), nameless);
});

test('an IPIP device is made with this host’s address, any other end, path-MTU discovery and room for its header', t => {
  const planned = plan('ipip', facts([]));
  if (planned.kind !== 'create') return t.fail(planned.kind);
  t.deepEqual(planned.link, {
    name: 'margay.ipip',
    alias: 'margay ipip',
    mtu: 1480,
    tunnel: { kind: 'ipip', local: ip('10.0.0.1'), remote: undefined, pathMtuDiscovery: true, ttl: 0 },
  });
});

test('a VXLAN device is made with its MAC, learning off', t => {
  const planned = plan('vxlan', facts([]));
  if (planned.kind !== 'create') return t.fail(planned.kind);
  t.like(planned.link, { name: 'margay.vxlan', mtu: 1450, linkLayerAddress: MAC });
  t.like(planned.link.tunnel, { vni: 4096, port: 4789, local: ip('10.0.0.1'), learning: false });
});

test('a TUN device is its own process’s to make', t => {
  t.is(plan('udp', facts([])).kind, 'refused');
});

test('another local address, learning and path-MTU discovery are changed in place', t => {
  const moved = { ...intent, local: ip('10.0.0.7') };
  const addresses = [address(2, '10.0.0.7', 24), address(9, '10.244.1.0')];
  const tunnelOf = (link: Link) => link.tunnel as Extract<Link['tunnel'], { kind: 'ipip' }>;
  t.like(plan('ipip', facts([ipip()], { addresses }), moved), {
    kind: 'repair',
    change: { ifindex: 9, tunnel: { ...tunnelOf(ipip()), local: ip('10.0.0.7') } },
  });
  const blind = ipip({ tunnel: { ...tunnelOf(ipip()), pathMtuDiscovery: false } });
  t.like(plan('ipip', facts([blind])), { kind: 'repair', change: { ifindex: 9, tunnel: tunnelOf(ipip()) } });
});

test('another VNI or port is a device made anew', t => {
  const other = { ...intent, vxlan: { ...intent.vxlan!, port: 8472 } };
  const planned = plan('vxlan', facts([vxlan()]), other);
  t.like(planned, { kind: 'create', instead: { ifindex: 9 } });
});

test('MTUs: the underlay’s less the encapsulation, or what was set, with a warning where that fragments', t => {
  const jumbo = desiredDevice('vxlan', intent, 9000);
  t.is(jumbo?.mtu, 8950);
  t.is(desiredDevice('ipip', { ...intent, ipip: { mtu: 1400 } }, 1500)?.mtu, 1400);
  t.is(fragmentationWarning('ipip', 1400, eth0), undefined);
  t.is(fragmentationWarning('ipip', undefined, eth0), undefined);
  t.is(fragmentationWarning('ipip', 1480, eth0), undefined);
  t.truthy(fragmentationWarning('ipip', 1481, eth0));
  t.truthy(fragmentationWarning('vxlan', 1480, eth0));
});

test('a host without a block has tunnels without an address', t => {
  const blockless = { ...intent, address: undefined };
  const addresses = [address(2, '10.0.0.1', 24)];
  t.is(plan('ipip', facts([ipip()], { addresses }), blockless).kind, 'as-it-should-be');
  t.like(plan('ipip', facts([ipip()]), blockless), { kind: 'repair', change: undefined, addAddresses: [] });
});

// ---------------------------------------------------------------- other agents

const tunl0 = link({
  ifindex: 5,
  name: 'tunl0',
  kind: 'ipip',
  tunnel: { kind: 'ipip', local: undefined, remote: undefined, pathMtuDiscovery: false, ttl: 0 },
});

function routeBy(ifindex: number): Route {
  const nextHops = [{ gateway: ip('10.0.0.2'), ifindex, onlink: true, weight: 1, dead: false }];
  return { ...plainForm, protocol: 80, destination: '10.9.0.0/16' as Prefix, nextHops, cloned: false };
}

test('another agent’s tunl0 that carries routes keeps ours from being made, one that carries none does not', t => {
  t.is(plan('ipip', facts([tunl0])).kind, 'create');
  t.is(plan('ipip', facts([tunl0], { foreignRoutes: [routeBy(2)] })).kind, 'create');
  const busy = plan('ipip', facts([tunl0], { foreignRoutes: [routeBy(5)] }));
  t.is(busy.kind, 'refused');
  t.true(busy.kind === 'refused' && busy.reason.includes('tunl0'));
});

test('one that is there already goes on beside a tunl0 that is in use', t => {
  t.is(plan('ipip', facts([tunl0, ipip()], { foreignRoutes: [routeBy(5)] })).kind, 'as-it-should-be');
});

test('an IPIP device of others with the same local address, a VXLAN device with the same VNI or port are named', t => {
  const others = [
    ['ipip', ipip({ name: 'theirs', alias: '', ifindex: 5 })],
    ['vxlan', vxlan({ name: 'theirs', alias: '', ifindex: 5 })],
    [
      'vxlan',
      vxlan({
        name: 'theirs',
        alias: '',
        ifindex: 5,
        tunnel: { kind: 'vxlan', vni: 1, port: 4789, local: undefined, learning: true, parentIfindex: 2 },
      }),
    ],
  ] as const;
  for (const [kind, theirs] of others) {
    const planned = plan(kind, facts([theirs]));
    t.is(planned.kind, 'refused');
    t.true(planned.kind === 'refused' && planned.reason.includes('theirs'));
  }
  const elsewhere = vxlan({
    name: 'theirs',
    alias: '',
    ifindex: 5,
    tunnel: { kind: 'vxlan', vni: 1, port: 8472, local: undefined, learning: true, parentIfindex: 2 },
  });
  t.is(plan('vxlan', facts([elsewhere])).kind, 'create');
});

test('VXLAN of both families: neither device stands in the other’s way, nor takes its address or the link’s own', t => {
  const both = facts([vxlan({ ifindex: 8 }), vxlanV6()], {
    addresses: [
      address(2, '10.0.0.1', 24),
      address(2, 'fd00::1', 64),
      address(8, '10.244.1.0'),
      address(8, 'fe80::8', 64),
      address(9, 'fd10::', 128),
      address(9, 'fe80::9', 64),
      address(9, '10.9.9.9'),
    ],
  });
  t.is(plan('vxlan', both).kind, 'as-it-should-be');
  t.is(plan('vxlan-v6', both).kind, 'as-it-should-be');
  t.is(plan('vxlan-v6', facts([vxlan({ ifindex: 8 })])).kind, 'create');
  const theirs = vxlanV6({ name: 'vxlan-v6.calico', alias: '', ifindex: 8 });
  t.is(plan('vxlan-v6', facts([theirs])).kind, 'refused');
  t.is(plan('vxlan', facts([theirs])).kind, 'create');
});

test('the kernel does not turn a VXLAN device to the other family: it is made anew', t => {
  const turned = vxlanV6({ tunnel: { ...vxlan().tunnel! } });
  t.like(plan('vxlan-v6', facts([turned])), { kind: 'create', instead: turned });
});

test('an IPv6 address inside a tunnel is not probed for: nobody else has it', t => {
  const planned = plan('vxlan-v6', facts([vxlanV6()], { addresses: [address(2, 'fd00::1', 64)] }));
  if (planned.kind !== 'repair') return t.fail(planned.kind);
  t.is(planned.addAddresses[0]!.flags, 0x02);
});
