/**
 * Documents of the cluster as a whole (margay.io/v1): what its people want of the topology and what the controller made of it, and what
 * agents keep for each other: leases and reports.
 */
import { z } from 'zod';
import type { BGPTopologyResource } from './cluster-documents.js';
import {
  flag,
  ipAddress,
  labelKey,
  oneOf,
  optional,
  resourceName,
  selector,
  text,
  wholeNumber,
} from './fields.js';

const LEAST_REFLECTORS = 3;
const MOST_REFLECTORS = 100;
const MOST_SESSIONS = 10;

/** Where nothing else is said, also where there is no BGPTopology at all. */
export const usualTopology = {
  mode: 'auto',
  meshLimit: 100,
  sessionsPerClient: 2,
  reflectorSelector: 'all()',
  replaceAfterSeconds: 60,
} as const satisfies BGPTopologyResource['spec'];

/** Milliseconds since the Unix epoch. */
const time = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const sessionsPerClient = wholeNumber(2, MOST_SESSIONS);

export const bgpTopologySpec = z
  .strictObject({
    mode: optional(oneOf(['auto', 'mesh', 'reflectors'])).transform(value => value ?? usualTopology.mode),
    meshLimit: optional(wholeNumber(2, 1000)).transform(value => value ?? usualTopology.meshLimit),
    reflectors: optional(wholeNumber(LEAST_REFLECTORS, MOST_REFLECTORS)),
    sessionsPerClient: optional(sessionsPerClient).transform(
      value => value ?? usualTopology.sessionsPerClient,
    ),
    spreadBy: optional(labelKey),
    reflectorSelector: optional(selector).transform(value => value ?? usualTopology.reflectorSelector),
    replaceAfterSeconds: optional(wholeNumber(5, 3600)).transform(
      value => value ?? usualTopology.replaceAfterSeconds,
    ),
  })
  .superRefine(({ reflectors, sessionsPerClient: sessions }, context) => {
    if (reflectors === undefined || sessions <= reflectors) return;
    const message = `at most the number of reflectors, which is ${reflectors}`;
    context.addIssue({ code: 'custom', path: ['sessionsPerClient'], message });
  });

const arrangement = z
  .strictObject({
    mode: oneOf(['mesh', 'reflectors']),
    reflectors: optional(
      z.array(z.strictObject({ node: resourceName, spread: optional(text) }), 'a list of { node, spread }'),
    ).transform(value => value ?? []),
    sessionsPerClient: optional(sessionsPerClient).transform(
      value => value ?? usualTopology.sessionsPerClient,
    ),
    spreadBy: optional(labelKey),
  })
  .superRefine(({ mode, reflectors }, context) => {
    const names = new Set(reflectors.map(({ node }) => node));
    const allowed =
      mode === 'mesh'
        ? reflectors.length === 0 || 'left out: a mesh has none'
        : (names.size > 0 && names.size === reflectors.length) || 'a list of different nodes, at least one';
    if (allowed !== true) context.addIssue({ code: 'custom', path: ['reflectors'], message: allowed });
  });

export const topologyPlanSpec = z.strictObject({
  generation: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  decidedUnixMs: time,
  current: arrangement,
  previous: optional(arrangement),
  heldDown: optional(z.array(resourceName, 'a list of node names')).transform(value => value ?? []),
  nextChangeUnixMs: optional(time),
  reasons: z.array(text, 'a list of sentences'),
});

export const leaseSpec = z.strictObject({
  holder: text,
  instance: text,
  process: text,
  boot: optional(text),
  addresses: optional(
    z.array(z.strictObject({ address: ipAddress, sinceUnixMs: time }), 'a list of addresses'),
  ),
  term: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  renewals: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  durationSeconds: wholeNumber(1, 86400),
  sinceUnixMs: time,
  renewedUnixMs: time,
  retired: optional(flag),
});

/** What it says is for people and for programs of the same version: it is kept as it was written. */
export const nodeReportSpec = z.looseObject({
  reportedUnixMs: time,
  version: text,
});
