/** One rule of a policy or a profile: what Calico's Rule and EntityRule hold, checked field against field. */
import { z } from 'zod';
import type { AddressFamily } from '../ip-address.js';
import { type Prefix, prefixFamily } from '../prefix.js';
import { namespaceSelector, oneOf, optional, resourceName, wholeNumber } from './fields.js';
import type { EntityRule, PolicyRule, Protocol } from './policy-documents.js';
import {
  givenText,
  hasPorts,
  list,
  nets,
  optionalSelector,
  ports,
  protocol,
  protocolNumber,
  withPortsAllowed,
} from './policy-fields.js';

export const MAX_RULES = 1024;

/** A restriction that is left out would let more through than its author meant. */
const notActedOn = (instead: string) =>
  z
    .null(`allowed: this version does not act on it, and the rule would match more without it; ${instead}`)
    .optional()
    .transform(() => undefined);

const serviceAccounts = z
  .strictObject({ names: list(resourceName, 256, 'names'), selector: optionalSelector })
  .transform(given => (given.names.length === 0 && given.selector === undefined ? undefined : given));

const entityRule = z.strictObject({
  nets,
  notNets: nets,
  selector: optionalSelector,
  notSelector: optionalSelector,
  namespaceSelector: givenText(namespaceSelector),
  serviceAccounts: optional(serviceAccounts),
  services: notActedOn('name its endpoints by a selector, or its addresses in nets'),
  ports,
  notPorts: ports,
});

const entity = optional(entityRule).transform((given): EntityRule => {
  if (given === undefined) return { nets: [], notNets: [], ports: [], notPorts: [] };
  const { services: _, ...rest } = given;
  return rest as EntityRule;
});

/** 255 stands for every type in the kernel's match. */
const icmp = optional(
  z
    .strictObject({ type: optional(wholeNumber(0, 254)), code: optional(wholeNumber(0, 255)) })
    .superRefine(({ type, code }, context) => {
      if (code === undefined || type !== undefined) return;
      context.addIssue({
        code: 'custom',
        path: ['type'],
        message: 'there: a code needs the type that it is of',
      });
    }),
).transform(given => (given?.type === undefined ? undefined : given));

const sides = ['source', 'destination'] as const;

type Given = {
  readonly ipVersion?: 4 | 6 | undefined;
  readonly protocol?: Protocol | undefined;
  readonly notProtocol?: Protocol | undefined;
  readonly icmp?: unknown;
  readonly notICMP?: unknown;
  readonly source: EntityRule;
  readonly destination: EntityRule;
};
type Issue = (path: readonly PropertyKey[], message: string) => void;

const rule = z
  .strictObject({
    action: oneOf(['Allow', 'Deny', 'Log', 'Pass']),
    ipVersion: optional(z.union([z.literal(4), z.literal(6)], '4 or 6')),
    protocol: optional(protocol),
    notProtocol: optional(protocol),
    icmp,
    notICMP: icmp,
    source: entity,
    destination: entity,
    http: notActedOn('match by protocol and ports'),
    metadata: optional(
      z.strictObject({
        annotations: optional(z.record(z.string(), z.string('a text'))).transform(all => all ?? {}),
      }),
    ),
  })
  .superRefine((given, context) => {
    const issue: Issue = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
    checkPorts(given, issue);
    checkIcmp(given, issue);
    checkFamilies(given, issue);
  })
  .transform(({ http: _, ...given }) => given as PolicyRule);

export const rules = list(rule, MAX_RULES, 'rules');

function checkPorts(given: Given, issue: Issue): void {
  if (given.protocol !== undefined && hasPorts(given.protocol)) return;
  for (const side of sides) {
    for (const field of ['ports', 'notPorts'] as const) {
      if (given[side][field].length === 0) continue;
      const named = given.protocol === undefined ? 'no protocol' : `protocol ${given.protocol}`;
      issue([side, field], `allowed beside ${named}: they need ${withPortsAllowed}`);
    }
  }
}

const ICMP = 1;
const ICMPV6 = 58;

function checkIcmp(given: Given, issue: Issue): void {
  const number = given.protocol === undefined ? undefined : protocolNumber(given.protocol);
  for (const field of ['icmp', 'notICMP'] as const) {
    if (given[field] === undefined || number === ICMP || number === ICMPV6) continue;
    const named = given.protocol === undefined ? 'no protocol' : `protocol ${given.protocol}`;
    issue([field], `allowed beside ${named}: it needs protocol ICMP or ICMPv6`);
  }
  for (const field of ['protocol', 'notProtocol'] as const) {
    if (given.ipVersion === undefined) continue;
    const wanted = given[field] === 'ICMP' ? 4 : given[field] === 'ICMPv6' ? 6 : given.ipVersion;
    if (wanted !== given.ipVersion) issue(['ipVersion'], `${wanted}, which ${field} ${given[field]} is of`);
  }
}

/** A packet is of one family, so a rule is of one at most. */
function checkFamilies(given: Given, issue: Issue): void {
  let of: { readonly family: AddressFamily; readonly why: string } | undefined =
    given.ipVersion === undefined
      ? undefined
      : { family: given.ipVersion === 4 ? 'ipv4' : 'ipv6', why: `ipVersion ${given.ipVersion}` };
  for (const side of sides) {
    for (const field of ['nets', 'notNets'] as const) {
      for (const [i, net] of (given[side][field] as readonly Prefix[]).entries()) {
        const family = prefixFamily(net);
        of ??= { family, why: `${side}.${field}[${i}] ${net}` };
        if (family === of.family) continue;
        issue(
          [side, field, i],
          `an ${of.family === 'ipv4' ? 'IPv4' : 'IPv6'} prefix, as ${of.why} is: a rule is of one family`,
        );
      }
    }
  }
}
