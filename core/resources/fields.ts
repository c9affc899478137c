/**
 * The building blocks of the documents' schemas. Every message completes the sentence "FIELD: VALUE is not ..."; what is parsed is
 * canonical. The texts that Kubernetes checks by pattern are checked by the same patterns here.
 */
import { z } from 'zod';
import { type Asn, parseAsn } from '../asn.js';
import {
  type AddressFamily,
  addressFamily,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  parseIpAddress,
  parseIpv4,
  parseIpv6,
} from '../ip-address.js';
import { hostPrefix, isPrefix, type Prefix, parsePrefix } from '../prefix.js';
import { isSelector, mentionsGlobal, parseSelector, type Selector } from '../selector.js';
import { resourceNamePattern } from './resource.js';

/** A field that may be left out or written as `null`. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform(value => (value ?? undefined) as z.output<T> | undefined);
}

export const text = z.string('a text');
export const flag = z.boolean('true or false');

export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, `one of ${words.join(', ')}`);
}

export function wholeNumber(least: number, most: number) {
  const allowed = `a whole number from ${least} to ${most}`;
  return z.number(allowed).int(allowed).min(least, allowed).max(most, allowed);
}

/** Text or number that `parse` turns into its canonical form. */
function parsed<T>(allowed: string, parse: (value: string | number) => T | undefined) {
  return z.union([z.string(), z.number()], allowed).transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.issues.push({ code: 'custom', input: value, message: allowed });
    return z.NEVER;
  });
}

export const asNumber: z.ZodType<Asn, string | number> = parsed('an AS number from 1 to 4294967295', value =>
  parseAsn(value),
);

export const ipv4: z.ZodType<Ipv4Address, string | number> = parsed('an IPv4 address', value =>
  parseIpv4(String(value)),
);

export const ipv6: z.ZodType<Ipv6Address, string | number> = parsed('an IPv6 address', value =>
  parseIpv6(String(value)),
);

export const ipAddress: z.ZodType<IpAddress, string | number> = parsed('an IP address', value =>
  parseIpAddress(String(value)),
);

/** Calico takes prefixes with host bits set and clears them in silence; a slip of the fingers is better said. */
function prefixText(allowed: string, parse: typeof parsePrefix) {
  return z.string(allowed).transform((value, context): Prefix => {
    const found = parse(value);
    if (isPrefix(found)) return found;
    const message =
      found.kind === 'host-bits-set' ? `a prefix without host bits: ${found.network} is` : allowed;
    context.issues.push({ code: 'custom', input: value, message });
    return z.NEVER;
  });
}

export const prefix = prefixText('a prefix such as 10.244.0.0/16', parsePrefix);

/** A bare address is its host's prefix. */
export const hostOrPrefix = prefixText('an address or a prefix, such as 192.0.2.1 or 10.0.0.0/8', value => {
  const address = parseIpAddress(value);
  return address === undefined ? parsePrefix(value) : hostPrefix(address);
});

/** An address with the length of its subnet, host bits kept: `10.0.0.1/24`. A bare address has the full length. */
export function addressWithLength(family: AddressFamily) {
  const [name, example, width] =
    family === 'ipv4' ? ['IPv4', '10.0.0.1/24', 32] : ['IPv6', '2001:db8::1/64', 128];
  const allowed = `an ${name} address with the length of its subnet, such as ${example}`;
  return z.string(allowed).refine(value => {
    const match = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(value);
    const address = match === null ? undefined : parseIpAddress(match[1] ?? '');
    if (address === undefined || addressFamily(address) !== family) return false;
    return Number(match?.[2] ?? 0) <= width;
  }, allowed);
}

/** Of an Ethernet device: canonical, with small letters. */
export const macAddress = z
  .string('a MAC address such as 02:42:ac:11:00:02')
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'a MAC address such as 02:42:ac:11:00:02')
  .transform(value => value.toLowerCase())
  // Bit 0 of the first octet (IEEE 802).
  .refine(
    value => (Number.parseInt(value.slice(0, 2), 16) & 1) === 0,
    'a MAC address of one device, not of a group',
  );

/** Go's durations, as Calico writes them. */
export const duration = z
  .string('a duration such as 90s or 1m30s')
  .regex(/^(\d+(\.\d+)?(ms|h|m|s))+$/, 'a duration such as 90s or 1m30s');

export const resourceName = z
  .string('a name')
  .max(253, 'a name of at most 253 characters')
  .regex(resourceNamePattern, 'a name of small letters, digits, "-" and "."');

// ---------------------------------------------------------------- labels

const labelName = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const nameWords = 'at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends';

const labelKeyAllowed = `the key of a label: ${nameWords}, after a DNS name and "/" if it has one`;
export const labelKey = z
  .string(labelKeyAllowed)
  .regex(new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${labelName}$`), labelKeyAllowed);

const labelValueAllowed = `the value of a label: ${nameWords}`;
/** YAML reads `rack: 3` as a number; a label is its text. */
export const labelValue = z
  .union([z.string(), z.number(), z.boolean()], labelValueAllowed)
  .transform(String)
  .refine(value => new RegExp(`^(${labelName})?$`).test(value), labelValueAllowed);

export const labels = optional(z.record(labelKey, labelValue)).transform(value => value ?? {});

// ---------------------------------------------------------------- selectors

function selectorText(refuse: (selector: Selector) => string | undefined) {
  return z.string('a selector').superRefine((value, context) => {
    const found = parseSelector(value);
    const message = isSelector(found)
      ? refuse(found)
      : `a selector such as has(role): expected ${found.expected} at character ${found.at + 1}`;
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

export const selector = selectorText(found =>
  mentionsGlobal(found)
    ? 'a selector of labels: global() stands in the namespaceSelector of a rule'
    : undefined,
);

/** Of a rule's end: `global()` is what is in no namespace, and stands alone. */
export const namespaceSelector = selectorText(found =>
  found.kind !== 'global' && mentionsGlobal(found)
    ? 'a selector of labels, or global() alone: it cannot be part of another selector'
    : undefined,
);

export const secretKeyRef = z.strictObject({
  secretKeyRef: z.strictObject({ name: text, key: text }),
});

/** RFC 1997 "64512:100" or RFC 8092 "64512:1:2". */
export const communityValue = z.string('a community such as 64512:100 or 64512:1:2').refine(value => {
  const parts = value.split(':');
  const most = parts.length === 2 ? 65535 : 4294967295;
  return (
    (parts.length === 2 || parts.length === 3) &&
    parts.every(part => /^\d{1,10}$/.test(part) && Number(part) <= most)
  );
}, 'a community such as 64512:100 or 64512:1:2');

export const prefixes = z.array(z.strictObject({ cidr: prefix }), 'a list of { cidr }');
