/** What a kernel does to one link of many, and why it would not. Pure. */
import type { KernelRefusal } from '../../linux/netlink/connection.js';
import type { Link, LinkChange, NewLink, TunnelParameters } from '../../linux/netlink/link.js';

export const Errno = {
  ENOENT: 2,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EOPNOTSUPP: 95,
  EADDRNOTAVAIL: 99,
} as const;

export type Refusal = KernelRefusal | undefined;

export const refusal = (errno: number, text = ''): KernelRefusal => ({ errno, text });

/** The least that a link is. */
export const plainLink: Omit<Link, 'ifindex' | 'name'> = {
  alias: '',
  mtu: 1500,
  linkLayerAddress: '',
  up: false,
  carrier: false,
  loopback: false,
  kind: '',
  masterIfindex: 0,
  tunnel: undefined,
};

export const ZEROS = '00:00:00:00:00:00';
/** The lowest bit of the first octet. */
const IS_GROUP = /^.[13579bdf]/i;

export function isUnicast(linkLayerAddress: string): boolean {
  return linkLayerAddress !== ZEROS && !IS_GROUP.test(linkLayerAddress);
}

/** The link that is made, or why not. @param others all there are */
export function made(others: readonly Link[], link: NewLink, ifindex: number): Link | KernelRefusal {
  if (others.some(({ name }) => name === link.name)) return refusal(Errno.EEXIST);
  const { name, alias, mtu } = link;
  const tunnel = asTheKernelTakesIt(link.tunnel);
  const clash = tunnelClash(others, tunnel);
  if (clash !== undefined) return clash;
  const octet = (ifindex & 0xff).toString(16).padStart(2, '0');
  const linkLayerAddress =
    tunnel.kind === 'vxlan' ? (link.linkLayerAddress ?? `02:00:00:00:00:${octet}`) : '';
  return { ...plainLink, ifindex, name, alias, mtu, linkLayerAddress, kind: tunnel.kind, tunnel };
}

/** The link as it is afterwards, and what was refused of the change: parameters first, then as far as it went with the rest. */
export function changed(
  others: readonly Link[],
  link: Link,
  { tunnel, linkLayerAddress, mtu, name, alias, up }: LinkChange,
): readonly [Link, Refusal] {
  let now = link;
  let refused: Refusal;
  if (tunnel !== undefined) {
    refused = tunnelRefusal(others, link, tunnel);
    if (refused === undefined)
      now = { ...now, tunnel: withLifelongPartsOf(link, asTheKernelTakesIt(tunnel)) };
  }
  const steps: readonly (readonly [Refusal, Partial<Link>])[] = [
    [addressRefusal(linkLayerAddress), linkLayerAddress === undefined ? {} : { linkLayerAddress }],
    [mtuRefusal(link, mtu), mtu === undefined ? {} : { mtu }],
    [nameRefusal(others, name), name === undefined ? {} : { name }],
    [undefined, alias === undefined ? {} : { alias }],
    [undefined, up === undefined ? {} : { up, carrier: up }],
  ];
  for (const [why, done] of steps) {
    if (why !== undefined) return [now, refused ?? why];
    now = { ...now, ...done };
  }
  return [now, refused];
}

function addressRefusal(linkLayerAddress: string | undefined): Refusal {
  if (linkLayerAddress === undefined || isUnicast(linkLayerAddress)) return undefined;
  return refusal(Errno.EADDRNOTAVAIL);
}

function mtuRefusal({ kind }: Link, mtu: number | undefined): Refusal {
  if (mtu === undefined || mtu >= 68) return undefined;
  return refusal(Errno.EINVAL, kind === 'ipip' ? '' : 'mtu less than device minimum');
}

function nameRefusal(others: readonly Link[], name: string | undefined): Refusal {
  return others.some(other => other.name === name) ? refusal(Errno.EEXIST) : undefined;
}

function tunnelRefusal(others: readonly Link[], link: Link, tunnel: TunnelParameters): Refusal {
  if (link.tunnel?.kind !== tunnel.kind) return refusal(Errno.EOPNOTSUPP);
  if (link.tunnel.kind === 'vxlan' && tunnel.kind === 'vxlan') {
    if (link.tunnel.vni !== tunnel.vni) return refusal(Errno.EOPNOTSUPP, 'Cannot change VNI');
  } else if (link.tunnel.kind === 'ipip' && tunnel.kind === 'ipip') {
    const pointToPoint = link.tunnel.remote !== undefined;
    if (pointToPoint !== (tunnel.remote !== undefined)) return refusal(Errno.EINVAL);
  }
  return tunnelClash(others, withLifelongPartsOf(link, tunnel));
}

/** No two tunnels may claim the same packets. */
function tunnelClash(others: readonly Link[], tunnel: TunnelParameters): Refusal {
  const same = others.some(({ tunnel: other }) => {
    if (tunnel.kind === 'vxlan') {
      return other?.kind === 'vxlan' && other.vni === tunnel.vni && other.port === tunnel.port;
    }
    return other?.kind === 'ipip' && other.local === tunnel.local && other.remote === tunnel.remote;
  });
  if (!same) return undefined;
  const text = tunnel.kind === 'vxlan' ? 'A VXLAN device with the specified VNI already exists' : '';
  return refusal(Errno.EEXIST, text);
}

/** An IPIP device with a TTL of its own discovers the path's MTU. */
function asTheKernelTakesIt(tunnel: TunnelParameters): TunnelParameters {
  return tunnel.kind === 'ipip' && tunnel.ttl !== 0 ? { ...tunnel, pathMtuDiscovery: true } : tunnel;
}

/** A VXLAN device keeps the port that it was made with, and stays bound to a link. */
function withLifelongPartsOf({ tunnel: own }: Link, tunnel: TunnelParameters): TunnelParameters {
  if (own?.kind !== 'vxlan' || tunnel.kind !== 'vxlan') return tunnel;
  return { ...tunnel, port: own.port, parentIfindex: tunnel.parentIfindex || own.parentIfindex };
}
