/**
 * The decision process (RFC 4271 section 9.1.2.2, RFC 4456 section 9, RFC 9494 section 4.3): a list of steps, each of which leaves the candidates that
 * none of the others beats. The name of a step is the reason shown to people.
 *
 * MULTI_EXIT_DISC is compared among paths from the same neighbouring AS only, and so is no order of all paths: a pairwise
 * tournament would depend on who meets whom. Going through the steps with the whole set does not.
 */
import { addressToBytes, compareAddresses } from '../../core/ip-address.js';
import type { Path } from './path-store.js';

/** Negative: the first is better. */
type Compare = (a: Path, b: Path) => number;

const preference = { own: 0, ebgp: 1, ibgp: 2 } as const;

export const decisionSteps = [
  ['own-route', (a, b) => Number(a.session.kind !== 'own') - Number(b.session.kind !== 'own')],
  ['not-long-lived-stale', (a, b) => Number(a.block.longLivedStale) - Number(b.block.longLivedStale)],
  ['higher-local-pref', (a, b) => b.block.localPref - a.block.localPref],
  ['shorter-as-path', (a, b) => a.block.asPathLength - b.block.asPathLength],
  ['lower-origin', (a, b) => a.block.origin - b.block.origin],
  ['lower-med', (a, b) => (a.block.peerAs === b.block.peerAs ? a.block.med - b.block.med : 0)],
  ['ebgp-over-ibgp', (a, b) => preference[a.session.kind] - preference[b.session.kind]],
  ['lower-igp-metric', (a, b) => (a.nextHop?.metric ?? 0) - (b.nextHop?.metric ?? 0)],
  ['lower-router-id', (a, b) => a.routerId - b.routerId],
  ['shorter-cluster-list', (a, b) => a.block.clusterListLength - b.block.clusterListLength],
  ['lower-peer-address', comparePeerAddresses],
  // Two sessions with one address differ at least in their key.
  ['lower-peer-key', comparePeerKeys],
  // With ADD-PATH a peer may have several paths that are the same up to here (RFC 7911 section 3 leaves it to the receiver).
  ['lower-next-hop', compareNextHops],
  ['lower-attributes', compareAttributes],
] as const satisfies readonly (readonly [string, Compare])[];

export type DecisionReason = (typeof decisionSteps)[number][0] | 'only-path';

const steps: readonly (readonly [DecisionReason, Compare])[] = decisionSteps;
const MED_STEP = steps.findIndex(([reason]) => reason === 'lower-med');

/** The best of usable paths, of which there is at least one. */
export function selectBest(paths: readonly Path[]): Path {
  if (paths.length === 1) return paths[0]!;
  if (paths.length === 2) return betterOf(paths[0]!, paths[1]!);
  let candidates = paths;
  for (let step = 0; candidates.length > 1; step++) candidates = survivors(candidates, step);
  return candidates[0]!;
}

/** Of two, the first step that tells them apart decides. */
function betterOf(a: Path, b: Path): Path {
  for (let step = 0; step < steps.length; step++) {
    const order = steps[step]![1](a, b);
    if (order !== 0) return order < 0 ? a : b;
  }
  return a;
}

/**
 * Why each usable path is what it is: for the best one the step that beat the last of the others, for the others the step that
 * beat them. The best comes first in the map.
 */
export function explainDecision(paths: readonly Path[]): Map<Path, DecisionReason> {
  const reasons = new Map<Path, DecisionReason>();
  if (paths.length === 0) return reasons;
  let candidates = paths;
  let last: DecisionReason = 'only-path';
  const beaten = new Map<Path, DecisionReason>();
  for (let step = 0; candidates.length > 1; step++) {
    const left = new Set(survivors(candidates, step));
    if (left.size < candidates.length) last = steps[step]![0];
    for (const path of candidates) if (!left.has(path)) beaten.set(path, last);
    candidates = [...left];
  }
  reasons.set(candidates[0]!, last);
  for (const [path, reason] of beaten) reasons.set(path, reason);
  return reasons;
}

function survivors(candidates: readonly Path[], step: number): readonly Path[] {
  const compare = steps[step]![1];
  if (step === MED_STEP) return lowestMedByAs(candidates);
  let best = candidates[0]!;
  for (const path of candidates) if (compare(path, best) < 0) best = path;
  return candidates.filter(path => path === best || compare(best, path) === 0);
}

/** RFC 4271 section 9.1.2.2 c. */
function lowestMedByAs(candidates: readonly Path[]): readonly Path[] {
  const lowest = new Map<number, number>();
  for (const { block } of candidates) {
    const known = lowest.get(block.peerAs);
    if (known === undefined || block.med < known) lowest.set(block.peerAs, block.med);
  }
  return candidates.filter(({ block }) => block.med === lowest.get(block.peerAs));
}

function comparePeerAddresses(a: Path, b: Path): number {
  const left = a.session.peer?.address;
  const right = b.session.peer?.address;
  if (left === undefined || right === undefined || left === right) return 0;
  const x = addressToBytes(left);
  const y = addressToBytes(right);
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return 0;
}

function comparePeerKeys(a: Path, b: Path): number {
  const left = a.session.source.key;
  const right = b.session.source.key;
  return left === right ? 0 : left < right ? -1 : 1;
}

function compareNextHops(a: Path, b: Path): number {
  const left = a.block.nextHop;
  const right = b.block.nextHop;
  return left === right || left === undefined || right === undefined ? 0 : compareAddresses(left, right);
}

/**
 * Any order will do that depends on what the paths are alone, and not on which came first. Of the same twice, one that a peer has told
 * again is not kept for the other's sake.
 */
function compareAttributes(a: Path, b: Path): number {
  const left = attributesText(a);
  const right = attributesText(b);
  if (left !== right) return left < right ? -1 : 1;
  return Number(a.session.stale) - Number(b.session.stale) || a.number - b.number;
}

function attributesText({ block }: Path): string {
  // Next hops have been compared; NEXT_HOP beside MP_REACH_NLRI means nothing.
  const { mpReach: _reach, mpUnreach: _unreach, nextHop: _nextHop, ...rest } = block.attributes;
  return JSON.stringify(rest);
}
