/** The `BlockAffinity` document's spec: a block of addresses that belongs to one host. */
import { z } from 'zod';
import { flag, oneOf, optional, prefix, text } from './fields.js';

export const blockAffinitySpec = z.strictObject({
  node: text,
  cidr: prefix,
  state: oneOf(['confirmed', 'pending', 'pendingDeletion']),
  type: optional(text),
  // Calico writes it as a text.
  deleted: optional(z.union([flag, oneOf(['true', 'false'])], 'true or false')).transform(value =>
    value === undefined ? undefined : value === true || value === 'true',
  ),
});
