/** The `Profile` document's spec: what endpoints take over that name it. */
import { z } from 'zod';
import { labels } from './fields.js';
import { rules } from './policy-rule.js';

export const profileSpec = z.strictObject({
  labelsToApply: labels,
  ingress: rules,
  egress: rules,
});
