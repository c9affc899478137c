/** The `Profile` document's spec: what endpoints take over that name it. */
import { z } from 'zod';
import { optional } from './fields.js';
import { rules } from './policy-rule.js';

/** YAML reads `rack: 3` as a number; a label is its text. */
const labelValue = z.union([z.string(), z.number(), z.boolean()], 'a text').transform(String);

export const profileSpec = z.strictObject({
  labelsToApply: optional(z.record(z.string(), labelValue)).transform(value => value ?? {}),
  ingress: rules,
  egress: rules,
});
