/** Capabilities as they stand in OPENs: code, length, value. */
import type { Capability } from '../../bgp/wire/capabilities.js';
import { hex } from '../support/hex.js';

export interface CapabilityVector {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly capability: Capability;
  readonly words: string;
  /** The bytes are not what we would send: reserved bits, say. */
  readonly decodeOnly?: true;
}

export const capabilityVectors: readonly CapabilityVector[] = [
  {
    name: 'multiprotocol IPv4 unicast (RFC 4760 section 8)',
    bytes: hex('01 04 0001 00 01'),
    capability: { kind: 'multiprotocol', afi: 1, safi: 1 },
    words: 'multiprotocol ipv4-unicast',
  },
  {
    name: 'multiprotocol IPv6 unicast',
    bytes: hex('01 04 0002 00 01'),
    capability: { kind: 'multiprotocol', afi: 2, safi: 1 },
    words: 'multiprotocol ipv6-unicast',
  },
  {
    name: 'multiprotocol L2VPN EVPN, which is none of ours',
    bytes: hex('01 04 0019 00 46'),
    capability: { kind: 'multiprotocol', afi: 25, safi: 70 },
    words: 'multiprotocol AFI 25 SAFI 70',
  },
  {
    name: 'multiprotocol with the reserved octet set',
    bytes: hex('01 04 0001 ff 01'),
    capability: { kind: 'multiprotocol', afi: 1, safi: 1 },
    words: 'multiprotocol ipv4-unicast',
    decodeOnly: true,
  },
  {
    name: 'route refresh (RFC 2918)',
    bytes: hex('02 00'),
    capability: { kind: 'route-refresh' },
    words: 'route refresh',
  },
  {
    name: 'IPv6 next hops for IPv4 unicast (RFC 8950)',
    bytes: hex('05 06 0001 0001 0002'),
    capability: { kind: 'extended-next-hop', families: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
    words: 'extended next hop ipv4-unicast over AFI 2',
  },
  {
    name: 'IPv6 next hops for IPv4 unicast and VPN',
    bytes: hex('05 0c 0001 0001 0002 0001 0080 0002'),
    capability: {
      kind: 'extended-next-hop',
      families: [
        { afi: 1, safi: 1, nextHopAfi: 2 },
        { afi: 1, safi: 128, nextHopAfi: 2 },
      ],
    },
    words: 'extended next hop ipv4-unicast over AFI 2, AFI 1 SAFI 128 over AFI 2',
  },
  {
    name: 'extended messages (RFC 8654)',
    bytes: hex('06 00'),
    capability: { kind: 'extended-message' },
    words: 'extended messages',
  },
  {
    name: 'enhanced route refresh (RFC 7313)',
    bytes: hex('46 00'),
    capability: { kind: 'enhanced-route-refresh' },
    words: 'enhanced route refresh',
  },
  {
    name: '4-octet AS 64512 (RFC 6793)',
    bytes: hex('41 04 0000fc00'),
    capability: { kind: 'four-octet-as', asn: 64512 },
    words: '4-octet AS 64512',
  },
  {
    name: '4-octet AS 4200000000, above the sign bit',
    bytes: hex('41 04 fa56ea00'),
    capability: { kind: 'four-octet-as', asn: 4200000000 },
    words: '4-octet AS 4200000000',
  },
  {
    name: 'graceful restart, 120 s, nothing kept (RFC 4724 section 3)',
    bytes: hex('40 02 0078'),
    capability: {
      kind: 'graceful-restart',
      restarting: false,
      notification: false,
      restartTimeSeconds: 120,
      families: [],
    },
    words: 'graceful restart 120 s',
  },
  {
    name: 'graceful restart after a restart, forwarding kept for IPv4 alone',
    bytes: hex('40 0a 8078 0001 01 80 0002 01 00'),
    capability: {
      kind: 'graceful-restart',
      restarting: true,
      notification: false,
      restartTimeSeconds: 120,
      families: [
        { afi: 1, safi: 1, forwarding: true },
        { afi: 2, safi: 1, forwarding: false },
      ],
    },
    words: 'graceful restart 120 s, restarting, forwarding kept for ipv4-unicast',
  },
  {
    name: 'graceful restart over NOTIFICATIONs (RFC 8538), the longest time',
    bytes: hex('40 06 4fff 0001 01 80'),
    capability: {
      kind: 'graceful-restart',
      restarting: false,
      notification: true,
      restartTimeSeconds: 4095,
      families: [{ afi: 1, safi: 1, forwarding: true }],
    },
    words: 'graceful restart 4095 s, also after a NOTIFICATION, forwarding kept for ipv4-unicast',
  },
  {
    name: 'long-lived graceful restart, the longest time and a day',
    bytes: hex('47 0e 0001 01 80 ffffff 0002 01 00 015180'),
    capability: {
      kind: 'long-lived-graceful-restart',
      families: [
        { afi: 1, safi: 1, forwarding: true, staleSeconds: 16777215 },
        { afi: 2, safi: 1, forwarding: false, staleSeconds: 86400 },
      ],
    },
    words: 'long-lived graceful restart ipv4-unicast 16777215 s, ipv6-unicast 86400 s',
  },
  {
    name: 'long-lived graceful restart of one that only takes the routes of others',
    bytes: hex('47 00'),
    capability: { kind: 'long-lived-graceful-restart', families: [] },
    words: 'long-lived graceful restart for routes of others',
  },
  {
    name: 'long-lived graceful restart with half a family, taken as unknown',
    bytes: hex('47 04 0001 01 80'),
    capability: { kind: 'unknown', code: 71, value: hex('0001 01 80') },
    words: 'capability 71',
  },
  {
    name: 'graceful restart with reserved bits set',
    bytes: hex('40 06 3078 0001 01 7f'),
    capability: {
      kind: 'graceful-restart',
      restarting: false,
      notification: false,
      restartTimeSeconds: 120,
      families: [{ afi: 1, safi: 1, forwarding: false }],
    },
    words: 'graceful restart 120 s',
    decodeOnly: true,
  },
  {
    name: 'ADD-PATH (RFC 7911 section 4)',
    bytes: hex('45 08 0001 01 03 0002 01 01'),
    capability: {
      kind: 'add-path',
      families: [
        { afi: 1, safi: 1, direction: 3 },
        { afi: 2, safi: 1, direction: 1 },
      ],
    },
    words: 'ADD-PATH ipv4-unicast both, ipv6-unicast receive',
  },
  {
    name: 'BGP Role (RFC 9234 section 4.1)',
    bytes: hex('09 01 03'),
    capability: { kind: 'role', value: 3 },
    words: 'role customer',
  },
  {
    name: 'a BGP Role that is not assigned',
    bytes: hex('09 01 05'),
    capability: { kind: 'role', value: 5 },
    words: 'role 5',
  },
  {
    name: 'FQDN, as FRR sends it, which we do not know',
    bytes: hex('49 08 06 6c6561662d31 00'),
    capability: { kind: 'unknown', code: 73, value: hex('06 6c6561662d31 00') },
    words: 'capability 73',
  },
  {
    name: '4-octet AS of the wrong length, taken as unknown',
    bytes: hex('41 02 fc00'),
    capability: { kind: 'unknown', code: 65, value: hex('fc00') },
    words: 'capability 65',
  },
  {
    name: 'graceful restart with half a family, taken as unknown',
    bytes: hex('40 04 0078 0001'),
    capability: { kind: 'unknown', code: 64, value: hex('0078 0001') },
    words: 'capability 64',
  },
];
