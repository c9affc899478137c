/** Which tunnels this host should receive, and with what parameters: data, from the cluster's documents. */
import type { Ipv4Address, Ipv6Address } from '../core/ip-address.js';

export interface TunnelIntent {
  /** The node's announced IPv4 address: outer source of what we send, outer destination of what we receive. */
  readonly local: Ipv4Address | undefined;
  /** This host's address inside its tunnels, out of its own block; undefined as long as it has no block. */
  readonly address: Ipv4Address | undefined;
  /** Undefined: nobody wants it. `mtu` undefined: from the underlay's. */
  readonly ipip: { readonly mtu: number | undefined } | undefined;
  readonly vxlan: VxlanIntent | undefined;
  readonly 'vxlan-v6': (VxlanIntent & Ipv6Ends) | undefined;
  readonly udp: { readonly port: number; readonly mtu: number | undefined } | undefined;
  /** Whether devices of ours that are not in here may go: not before it is known that no host sends by them. */
  readonly mayRemove: boolean;
}

/** The same two addresses of IPv6. */
export interface Ipv6Ends {
  readonly local: Ipv6Address;
  readonly address: Ipv6Address | undefined;
}

export interface VxlanIntent {
  readonly vni: number;
  readonly port: number;
  /** Of this host's device, as its Node tells: `aa:bb:cc:dd:ee:ff`. */
  readonly mac: string;
  readonly mtu: number | undefined;
}

/** Octets that an encapsulation adds to a packet: what its MTU is smaller by. */
export const tunnelOverhead = {
  /** The outer IPv4 header (RFC 2003). */
  ipip: 20,
  /** Outer IPv4 20, UDP 8, VXLAN 8 (RFC 7348), inner Ethernet 14. */
  vxlan: 50,
  /** The same with an outer IPv6 header of 40. */
  'vxlan-v6': 70,
  /** Outer IPv4 20, UDP 8. */
  udp: 28,
} as const;
