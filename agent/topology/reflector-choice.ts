/**
 * Which reflectors a client has its sessions with (pure): the heaviest by rendezvous hashing, of different values of the label first, as
 * far as there are so many. Both ends of a session ask here, and a reflector that is lost moves one session of each of its own clients.
 */
import type { PlannedReflector, TopologyArrangement } from '../../core/resources/cluster-documents.js';
import { inOrderOfWeight } from './rendezvous.js';

export interface RankedReflector {
  readonly node: string;
  readonly spread: string | undefined;
  readonly chosen: boolean;
  /** In words. */
  readonly why: string;
}

/** All of them, in the client's own order. */
export function rankReflectors(client: string, arrangement: TopologyArrangement): readonly RankedReflector[] {
  const { reflectors, sessionsPerClient: sessions, spreadBy } = arrangement;
  const ranked = inOrderOfWeight(reflectors, ({ node }) => node, client);
  const first = spreadBy === undefined ? [] : firstOfEach(ranked).slice(0, sessions);
  const more = ranked.filter(reflector => !first.includes(reflector)).slice(0, sessions - first.length);
  return ranked.map((reflector, place) => {
    const { node, spread } = reflector;
    const chosen = first.includes(reflector) || more.includes(reflector);
    const values = { place: place + 1, sessions, spreadBy, spread, spreads: first.includes(reflector) };
    return { node, spread, chosen, why: chosen ? whyChosen(values) : whyNot(values) };
  });
}

/** Their names, the most wanted first. */
export function chosenReflectors(client: string, arrangement: TopologyArrangement): readonly string[] {
  return rankReflectors(client, arrangement)
    .filter(({ chosen }) => chosen)
    .map(({ node }) => node);
}

function firstOfEach(ranked: readonly PlannedReflector[]): readonly PlannedReflector[] {
  const values = new Set<string | undefined>();
  return ranked.filter(({ spread }) => !values.has(spread) && values.add(spread));
}

interface Circumstances {
  /** In the client's order, from 1. */
  readonly place: number;
  readonly sessions: number;
  readonly spreadBy: string | undefined;
  readonly spread: string | undefined;
  readonly spreads: boolean;
}

function whyChosen({ place, spreadBy, spread, spreads }: Circumstances): string {
  const rank = `number ${place} by the hash of both names`;
  if (spreadBy === undefined) return rank;
  if (!spreads) return `${rank}, and no further value of ${spreadBy}`;
  return spread === undefined
    ? `${rank}, the first without the label ${spreadBy}`
    : `${rank}, the first of ${valueWords(spreadBy, spread)}`;
}

function whyNot({ place, sessions, spreadBy }: Circumstances): string {
  return place <= sessions && spreadBy !== undefined
    ? `number ${place} by the hash of both names, but another of its value of ${spreadBy} comes first`
    : `number ${place} by the hash of both names, where ${sessions} are wanted`;
}

/** `rack=r1`, or "no label rack". */
export function valueWords(label: string, value: string | undefined): string {
  return value === undefined ? `no label ${label}` : `${label}=${value}`;
}
