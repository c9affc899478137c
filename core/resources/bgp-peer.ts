/** The `BGPPeer` document's spec: whom to peer with, and on which hosts. */
import { z } from 'zod';
import { addressFamily, type IpAddress, isLinkLocal, parseIpAddress } from '../ip-address.js';
import {
  asNumber,
  duration,
  flag,
  ipAddress,
  oneOf,
  optional,
  resourceName,
  secretKeyRef,
  selector,
  text,
  wholeNumber,
} from './fields.js';

/** `10.0.0.1`, `10.0.0.1:1179`, `2001:db8::1`, `[2001:db8::1]:1179`. */
const peerIp = z
  .string('an address, with or without a port')
  .refine(
    value => addressOf(value) !== undefined,
    'an address, with or without a port (10.0.0.1, 10.0.0.1:1179, [2001:db8::1]:1179)',
  )
  .refine(value => {
    const address = addressOf(value);
    return address === undefined || isDialled(address);
  }, 'the address of a host that can be dialled: neither unspecified, multicast, broadcast nor link-local');

function addressOf(value: string): IpAddress | undefined {
  const bare = parseIpAddress(value);
  if (bare !== undefined) return bare;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) return undefined;
  return parseIpAddress(match[1] ?? match[2] ?? '');
}

/** A link-local IPv6 address says nothing without an interface, for which a `peerIP` has no room. */
function isDialled(address: IpAddress): boolean {
  if (addressFamily(address) === 'ipv6')
    return address !== '::' && !isLinkLocal(address) && !address.startsWith('ff');
  const first = Number(address.split('.')[0]);
  return first > 0 && first < 224;
}

export const allowedOwnAsns = wholeNumber(0, 255);
export const ttlSecurityHops = wholeNumber(1, 255);
export const filterNames = z.array(resourceName, 'a list of names of BGPFilters');

export const bgpPeerSpec = z
  .strictObject({
    node: optional(text),
    nodeSelector: optional(selector),
    peerIP: optional(peerIp),
    asNumber: optional(asNumber),
    localASNumber: optional(asNumber),
    peerSelector: optional(selector),
    localWorkloadSelector: optional(selector),
    nextHopMode: optional(oneOf(['Auto', 'Self', 'Keep'])),
    keepOriginalNextHop: optional(flag),
    sourceAddress: optional(oneOf(['UseNodeIP', 'None'])),
    maxRestartTime: optional(duration),
    keepaliveTime: optional(duration),
    numAllowedLocalASNumbers: optional(allowedOwnAsns),
    ttlSecurity: optional(ttlSecurityHops),
    reachableBy: optional(ipAddress),
    filters: optional(filterNames),
    password: optional(secretKeyRef),
    reversePeering: optional(oneOf(['Auto', 'Manual'])),
    failureDetectionMode: optional(oneOf(['None', 'BFDIfDirectlyConnected'])),
  })
  .superRefine((spec, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (spec.node !== undefined && spec.nodeSelector !== undefined) {
      issue('nodeSelector', 'allowed beside node: give one of them');
    }
    if (spec.peerSelector !== undefined) {
      if (spec.peerIP !== undefined) issue('peerIP', 'allowed beside peerSelector: give one of them');
      if (spec.asNumber !== undefined) issue('asNumber', "allowed beside peerSelector: it is the nodes' own");
    } else if (spec.localWorkloadSelector !== undefined) {
      if (spec.peerIP !== undefined)
        issue('peerIP', 'allowed beside localWorkloadSelector: give one of them');
      if (spec.asNumber === undefined) issue('asNumber', "there: it is the workloads'");
    } else {
      if (spec.peerIP === undefined) issue('peerIP', 'there: give peerIP and asNumber, or peerSelector');
      else if (spec.asNumber === undefined) issue('asNumber', 'there: a peerIP needs it');
    }
  });
