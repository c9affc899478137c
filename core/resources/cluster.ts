/**
 * Documents of the cluster as a whole (margay.io/v1): what its people want of the topology and what the controller made of it, and what
 * agents keep for each other: leases and reports.
 */
import { z } from 'zod';
import { flag, ipAddress, oneOf, optional, text, wholeNumber } from './fields.js';

/** Hosts up to which a mesh is kept, where nothing else is said. */
const USUAL_MESH_LIMIT = 100;
const LEAST_REFLECTORS = 3;
const USUAL_SESSIONS = 2;

export const bgpTopologySpec = z.strictObject({
  mode: optional(oneOf(['auto', 'mesh', 'reflectors'])).transform(value => value ?? 'auto'),
  meshLimit: optional(wholeNumber(2, 1000)).transform(value => value ?? USUAL_MESH_LIMIT),
  reflectors: optional(wholeNumber(LEAST_REFLECTORS, 100)),
  sessionsPerClient: optional(wholeNumber(USUAL_SESSIONS, 10)).transform(value => value ?? USUAL_SESSIONS),
  spreadBy: optional(text),
  reflectorSelector: optional(text).transform(value => value ?? 'all()'),
});

const arrangement = z.strictObject({
  mode: oneOf(['mesh', 'reflectors']),
  reflectors: z.array(text, 'a list of node names'),
});

export const topologyPlanSpec = z.strictObject({
  generation: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  current: arrangement,
  previous: optional(arrangement),
  sessionsPerClient: wholeNumber(USUAL_SESSIONS, 10),
  spreadBy: optional(text),
  reasons: z.array(text, 'a list of sentences'),
});

/** Milliseconds since the Unix epoch. */
const time = wholeNumber(0, Number.MAX_SAFE_INTEGER);

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
