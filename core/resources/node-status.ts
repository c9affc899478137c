/** The `NodeStatus` document's spec (margay.io/v1): what a host's agent says of its host. */
import { z } from 'zod';
import { oneOf, optional, text } from './fields.js';

const tunnel = oneOf(['ipip', 'vxlan', 'vxlan-v6', 'udp']);

export const nodeStatusSpec = z.strictObject({
  version: text,
  receives: z.array(
    z.strictObject({ tunnel, state: oneOf(['Ready', 'Unavailable']), reason: optional(text) }),
    'a list of { tunnel, state, reason }',
  ),
  sends: z.array(tunnel, 'a list of tunnels'),
  meshFamilies: optional(z.array(oneOf(['ipv4', 'ipv6']), 'a list of ipv4 and ipv6')),
});
