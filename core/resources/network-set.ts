/** The specs of `GlobalNetworkSet` and `NetworkSet`: addresses that selectors find by the labels of the document. */
import { z } from 'zod';
import { hostOrPrefix, optional } from './fields.js';

export const networkSetSpec = z.strictObject({
  nets: optional(z.array(hostOrPrefix)).transform(value => value ?? []),
});
