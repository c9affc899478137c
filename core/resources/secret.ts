/**
 * The `Secret` document (Kubernetes' v1): values by key, where a password is looked up. Written as text in `stringData` or in base64 in
 * `data`; kept in `data`, like Kubernetes does. Nothing that is said of one holds any of its values.
 */
import { z } from 'zod';
import { flag, optional, text } from './fields.js';
import { notShown } from './redaction.js';

const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/;
const key = z.string().regex(keyPattern, 'a key of letters, digits, "-", "_" and "."');

const base64 = z
  .string('a text in base64')
  .refine(value => value !== notShown, {
    abort: true,
    message: `the value itself: ${notShown} only stands in its place where it is shown`,
  })
  .refine(
    value => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
    'a text in base64: what is not encoded goes into stringData',
  );

/** Beside apiVersion, kind and metadata. */
export const secretFields = {
  type: optional(text),
  immutable: optional(flag),
  data: optional(z.record(key, base64)),
  stringData: optional(z.record(key, text)),
};

export interface SecretContent {
  readonly type?: string;
  readonly data: Readonly<Record<string, string>>;
}

/** `stringData` wins, as it does in Kubernetes. Keys are in order. */
export function secretContent(given: {
  readonly type: string | undefined;
  readonly data: Readonly<Record<string, string>> | undefined;
  readonly stringData: Readonly<Record<string, string>> | undefined;
}): SecretContent {
  const encoded = Object.entries(given.stringData ?? {}).map(
    ([name, value]) => [name, Buffer.from(value, 'utf8').toString('base64')] as const,
  );
  const values = new Map([...Object.entries(given.data ?? {}), ...encoded]);
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const data: Record<string, string> = Object.fromEntries(sorted);
  return given.type === undefined ? { data } : { type: given.type, data };
}
