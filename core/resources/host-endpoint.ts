/** The `HostEndpoint` document's spec: an interface of a host that policy is for. */
import { z } from 'zod';
import { hostOrPrefix, optional } from './fields.js';
import { endpointPort, givenText, profileNames } from './policy-fields.js';

/** Longer names the kernel does not take (linux/if.h, IFNAMSIZ with its zero). */
const interfaceAllowed = '"*", or the name of an interface: at most 15 letters, digits, "_", "." and "-"';
const interfaceName = z.string(interfaceAllowed).regex(/^(\*|[a-zA-Z0-9_.-]{1,15})$/, interfaceAllowed);

export const hostEndpointSpec = z
  .strictObject({
    node: z.string('the name of a Node').min(1, 'the name of a Node'),
    interfaceName: givenText(interfaceName),
    expectedIPs: optional(z.array(hostOrPrefix)).transform(value => value ?? []),
    profiles: profileNames.transform(value => value ?? []),
    ports: optional(z.array(endpointPort)).transform(value => value ?? []),
  })
  .superRefine(({ interfaceName: name, expectedIPs }, context) => {
    if (name !== undefined || expectedIPs.length > 0) return;
    const message = 'there: a host endpoint needs it, or expectedIPs';
    context.addIssue({ code: 'custom', path: ['interfaceName'], message });
  });
