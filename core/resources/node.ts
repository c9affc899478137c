/** The `Node` document's spec. */
import { z } from 'zod';
import { addressWithLength, asNumber, ipv4, ipv6, macAddress, oneOf, optional, text } from './fields.js';

export const nodeSpec = z.strictObject({
  bgp: optional(
    z.strictObject({
      asNumber: optional(asNumber),
      ipv4Address: optional(addressWithLength('ipv4')),
      ipv6Address: optional(addressWithLength('ipv6')),
      ipv4IPIPTunnelAddr: optional(ipv4),
      routeReflectorClusterID: optional(ipv4),
    }),
  ),
  addresses: optional(
    z.array(
      z.strictObject({
        address: text,
        type: optional(oneOf(['CalicoNodeIP', 'InternalIP', 'ExternalIP'])),
      }),
    ),
  ),
  ipv4VXLANTunnelAddr: optional(ipv4),
  vxlanTunnelMACAddr: optional(macAddress),
  ipv6VXLANTunnelAddr: optional(ipv6),
  vxlanTunnelMACAddrV6: optional(macAddress),
  orchRefs: optional(z.array(z.strictObject({ nodeName: optional(text), orchestrator: text }))),
  wireguard: optional(z.record(z.string(), z.unknown())),
});
