/** The `BGPPeerRange` document's spec (margay.io/v1): peers that are known by an address range and their AS number alone. */
import { z } from 'zod';
import { allowedOwnAsns, filterNames, ttlSecurityHops } from './bgp-peer.js';
import {
  asNumber,
  duration,
  oneOf,
  optional,
  prefix,
  secretKeyRef,
  selector,
  text,
  wholeNumber,
} from './fields.js';
import { contradictions, type SessionOptionName, sessionOptions } from './session-options.js';

/** At a time, unless its author says otherwise. */
const USUAL_LIMIT = 100;

function optionField(name: SessionOptionName) {
  const { allowed, parse } = sessionOptions[name];
  return optional(
    z
      .union([z.string(), z.number(), z.boolean()], allowed)
      .refine(value => parse(String(value)) !== undefined, allowed),
  );
}

const optionFields = Object.fromEntries(
  Object.keys(sessionOptions).map(name => [name, optionField(name as SessionOptionName)]),
) as Readonly<Record<SessionOptionName, ReturnType<typeof optionField>>>;

export const bgpPeerRangeSpec = z
  .strictObject({
    node: optional(text),
    nodeSelector: optional(selector),
    cidr: prefix,
    asNumbers: optional(z.array(asNumber).min(1, 'a list of at least one AS number')),
    limit: optional(wholeNumber(1, 65535)).transform(value => value ?? USUAL_LIMIT),
    localASNumber: optional(asNumber),
    nextHopMode: optional(oneOf(['Auto', 'Self', 'Keep'])),
    maxRestartTime: optional(duration),
    keepaliveTime: optional(duration),
    numAllowedLocalASNumbers: optional(allowedOwnAsns),
    ttlSecurity: optional(ttlSecurityHops),
    filters: optional(filterNames),
    password: optional(secretKeyRef),
    ...optionFields,
  })
  .superRefine((spec, context) => {
    if (spec.node !== undefined && spec.nodeSelector !== undefined) {
      const message = 'allowed beside node: give one of them';
      context.addIssue({ code: 'custom', path: ['nodeSelector'], message });
    }
    for (const { path, allowed } of contradictions(spec, spec, name => name)) {
      context.addIssue({ code: 'custom', path: [path], message: allowed });
    }
  });
