/** The `WorkloadEndpoint` document's spec: one interface of one workload. */
import { z } from 'zod';
import { parseIpAddress } from '../ip-address.js';
import { hostPrefix, isPrefix, type Prefix, parsePrefix } from '../prefix.js';
import { hostOrPrefix, optional, resourceName, text, wholeNumber } from './fields.js';
import type { EndpointPort } from './policy-documents.js';
import { givenText, hasPorts, portName, protocol, withPortsAllowed } from './policy-fields.js';

/** An address with or without its length: a host route. */
const network = z.string('an address such as 10.244.1.2/32').transform((value, context): Prefix => {
  const address = parseIpAddress(value);
  if (address !== undefined) return hostPrefix(address);
  const prefix = parsePrefix(value);
  if (isPrefix(prefix)) return prefix;
  context.issues.push({ code: 'custom', input: value, message: 'an address such as 10.244.1.2/32' });
  return z.NEVER;
});

/** Longer names the kernel does not take (linux/if.h, IFNAMSIZ with its zero). */
const interfaceName = z
  .string('the name of an interface')
  .regex(/^[^\s/]{1,15}$/, 'the name of an interface: 1 to 15 characters, no space, no "/"');

/** One that maps a port of the host, and nobody names, is of no concern to policy. */
const port = z
  .strictObject({
    name: givenText(portName),
    protocol: protocol.refine(hasPorts, withPortsAllowed),
    port: wholeNumber(1, 65535),
    hostIP: optional(text),
    hostPort: optional(wholeNumber(0, 65535)),
  })
  .superRefine(({ name, hostPort = 0 }, context) => {
    if (name !== undefined || hostPort > 0) return;
    context.addIssue({ code: 'custom', path: ['name'], message: 'there: a port without hostPort needs it' });
  })
  .transform(({ name, ...rest }): EndpointPort => ({ ...rest, name: name ?? '' }));

export const workloadEndpointSpec = z.strictObject({
  orchestrator: optional(text),
  workload: optional(text),
  node: text,
  pod: optional(text),
  containerID: optional(text),
  endpoint: optional(text),
  interfaceName,
  ipNetworks: optional(z.array(network)).transform(value => value ?? []),
  ipNATs: optional(z.array(z.unknown())),
  ipv4Gateway: optional(text),
  ipv6Gateway: optional(text),
  mac: optional(
    text.regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/, 'a hardware address such as ee:ee:ee:ee:ee:ee'),
  ),
  profiles: optional(z.array(text)),
  ports: optional(z.array(port)),
  allowSpoofedSourcePrefixes: optional(z.array(hostOrPrefix)),
  serviceAccountName: givenText(resourceName),
});
