import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Encapsulation, EncapsulationMode } from '../../ipip/desired.js';
import {
  chooseEncapsulation,
  encapsulationFor,
  type OwnTunnels,
  type PoolModes,
  type RemoteHost,
  type TunnelState,
} from '../../ipip/encapsulation.js';

const ownSubnets = { ipv4: '10.0.0.0/24' as Prefix, ipv6: undefined };
const inside = '10.0.0.7' as IpAddress;
const outside = '10.0.1.7' as IpAddress;

/** ipipMode, vxlanMode: inside the own subnet, outside of it. */
const table: readonly (readonly [EncapsulationMode, EncapsulationMode, Encapsulation, Encapsulation])[] = [
  ['Never', 'Never', 'none', 'none'],
  ['Always', 'Never', 'ipip', 'ipip'],
  ['CrossSubnet', 'Never', 'none', 'ipip'],
  ['Never', 'Always', 'vxlan', 'vxlan'],
  ['Never', 'CrossSubnet', 'none', 'vxlan'],
];

for (const [ipipMode, vxlanMode, near, far] of table) {
  test(`IPIP ${ipipMode}, VXLAN ${vxlanMode}: ${near} inside the node's subnet, ${far} outside`, t => {
    const pool = { cidr: '10.244.0.0/16' as Prefix, ipipMode, vxlanMode, udpMode: 'Never' } as const;
    t.is(encapsulationFor(pool, inside, ownSubnets), near);
    t.is(encapsulationFor(pool, outside, ownSubnets), far);
    t.is(
      encapsulationFor(pool, inside, { ipv4: undefined, ipv6: undefined }),
      far,
      'a subnet that is not known is not shared',
    );
  });
}

test('outside every pool a route goes in plainly', t => {
  t.is(encapsulationFor(undefined, outside, ownSubnets), 'none');
});

// ---------------------------------------------------------------- both ends

const OPEN: TunnelState = { kind: 'open', ifindex: 9, mtu: 1480 };
const MISSING: TunnelState = { kind: 'unavailable', reason: 'no module' };
const READY = { kind: 'ready' } as const;
const CANNOT = { kind: 'unavailable', reason: 'no module' } as const;
const MAC = '02:00:00:00:00:02';

const own = (states: Readonly<Record<string, TunnelState>>) => new Map(Object.entries(states)) as OwnTunnels;

function remote(receives: RemoteHost['receives'], vtepMac = MAC): RemoteHost {
  return { name: 'host-b', address: '10.0.0.2' as IpAddress, receives, vtepMac };
}

function chosen(wanted: Encapsulation, host: RemoteHost | undefined, here: OwnTunnels): string {
  const choice = chooseEncapsulation(wanted, '10.0.0.2' as IpAddress, host, here);
  return choice.kind === 'use' ? choice.encapsulation : choice.why.kind;
}

const both = own({ ipip: OPEN, vxlan: OPEN });

/** What the pool wants, what the other end says, what this end has: what is done. */
const choices: readonly (readonly [
  why: string,
  Encapsulation,
  RemoteHost | undefined,
  OwnTunnels,
  result: string,
])[] = [
  ['both ends are ready', 'ipip', remote({ ipip: READY }), both, 'ipip'],
  ['plain routing needs no end', 'none', remote(undefined), own({}), 'none'],
  ['this host cannot', 'ipip', remote({ ipip: READY }), own({ ipip: MISSING }), 'no-tunnel'],
  ['the other host cannot', 'ipip', remote({ ipip: CANNOT }), both, 'host-cannot-receive'],
  ['the other host has never said anything', 'ipip', remote(undefined), both, 'host-not-ready'],
  ['Never to IPIP: the other end has not heard of it', 'ipip', remote({}), both, 'none'],
  ['IPIP to VXLAN: the other end has not heard of it', 'vxlan', remote({ ipip: READY }), both, 'ipip'],
  ['IPIP to VXLAN: the other end is ready', 'vxlan', remote({ ipip: READY, vxlan: READY }), both, 'vxlan'],
  [
    'IPIP to VXLAN: this end is being opened',
    'vxlan',
    remote({ ipip: READY, vxlan: READY }),
    own({ ipip: OPEN }),
    'ipip',
  ],
  [
    'IPIP to VXLAN: neither the old nor the new is open here',
    'vxlan',
    remote({ ipip: READY }),
    own({}),
    'host-not-ready',
  ],
  ['IPIP to Never: at once', 'none', remote({ ipip: READY }), both, 'none'],
  ['VXLAN without the MAC of the other end', 'vxlan', remote({ vxlan: READY }, ''), both, 'none'],
  ['a next hop that is no host of ours, by IPIP', 'ipip', undefined, both, 'ipip'],
  ['a next hop that is no host of ours, by VXLAN', 'vxlan', undefined, both, 'host-cannot-receive'],
  ['a next hop that is no host of ours, this end being opened', 'ipip', undefined, own({}), 'no-tunnel'],
];

for (const [why, wanted, host, here, result] of choices) {
  test(`the pool wants ${wanted}; ${why}: ${result}`, t => {
    t.is(chosen(wanted, host, here), result);
  });
}

test('a link-local next hop is on the own subnet, and one of IPv6 where its subnet is known', t => {
  const pool = {
    cidr: 'fd10::/48',
    ipipMode: 'Never',
    vxlanMode: 'Never',
    udpMode: 'CrossSubnet',
  } as PoolModes;
  const subnets = { ipv4: undefined, ipv6: 'fd00::/64' as Prefix };
  const wanted = (nextHop: string) => encapsulationFor(pool, nextHop as IpAddress, subnets);
  t.is(wanted('fe80::1%eth0'), 'none');
  t.is(wanted('fd00::2'), 'none');
  t.is(wanted('fd01::2'), 'udp');
});

test('no tunnel leads to a next hop that is not of its own family', t => {
  for (const nextHop of ['fd00::2', 'fe80::1%eth0'] as IpAddress[]) {
    const own = new Map([['ipip', { kind: 'open', ifindex: 7, mtu: 1480 }]] as const);
    const choice = chooseEncapsulation('ipip', nextHop, undefined, own);
    t.like(choice, { kind: 'refused', why: { kind: 'no-tunnel', tunnel: 'ipip' } });
  }
});
