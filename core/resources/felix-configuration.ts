/**
 * The `FelixConfiguration` document's spec: `default` for the cluster, `node.NAME` for one host. Its fields are many; those that this
 * version does not act on are known by name and kept as they are written.
 */
import { z } from 'zod';
import { keptFelixFields } from './felix-fields.js';
import { felixPolicyFields } from './felix-policy-fields.js';
import { hostOrPrefix, optional, wholeNumber } from './fields.js';

const mtuAllowed = 'an MTU from 576 to 65535, or 0 for an automatic one';
const mtu = z
  .number(mtuAllowed)
  .refine(value => value === 0 || (Number.isInteger(value) && value >= 576 && value <= 65535), mtuAllowed);

const kept = Object.fromEntries(keptFelixFields.map(name => [name, optional(z.unknown())]));

export const felixConfigurationSpec = z.strictObject({
  ipipMTU: optional(mtu),
  vxlanMTU: optional(mtu),
  vxlanMTUV6: optional(mtu),
  vxlanPort: optional(wholeNumber(1, 65535)),
  vxlanVNI: optional(wholeNumber(1, 16777215)),
  externalNodesList: optional(z.array(hostOrPrefix)),
  ...felixPolicyFields,
  ...kept,
});
