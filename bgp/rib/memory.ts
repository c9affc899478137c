/**
 * What the routes of peers take of memory, and which peer takes most of what is beyond its limit (pure). The sums over all tables are
 * known at any time and judged after each read; those of the peers are added up only when one of the limits is broken.
 */
import type { SpeakerLimits } from '../speaker/contract.js';
import type { Session } from './sources.js';

export type Resource = keyof SpeakerLimits;

/** What one session takes, or all of them. */
export type Usage = Readonly<Record<Resource, number>>;

export interface Overuse {
  /** Of the peer that takes most. */
  readonly key: string;
  readonly resource: Resource;
  readonly used: number;
  readonly limit: number;
  /** What of it is the peer's. */
  readonly byPeer: number;
}

const resources = ['routes', 'attributeSets', 'attributeBytes'] as const;

export function usageOf({ counts, attributeSets, attributeBytes }: Session): Usage {
  const routes = counts['ipv4-unicast'].received + counts['ipv6-unicast'].received;
  return { routes, attributeSets, attributeBytes };
}

/** @param atMost sums that also hold what is about to be freed */
export function overuseOf(
  atMost: Usage,
  limits: SpeakerLimits,
  sessions: () => Iterable<Session>,
): Overuse | undefined {
  for (const resource of resources) {
    if (atMost[resource] <= limits[resource]) continue;
    const overuse = heaviest(resource, limits[resource], sessions());
    if (overuse !== undefined) return overuse;
  }
  return undefined;
}

function heaviest(resource: Resource, limit: number, sessions: Iterable<Session>): Overuse | undefined {
  const byKey = new Map<string, number>();
  let used = 0;
  for (const session of sessions) {
    const { key } = session.source;
    const taken = usageOf(session)[resource];
    byKey.set(key, (byKey.get(key) ?? 0) + taken);
    used += taken;
  }
  if (used <= limit) return undefined;
  const [key, byPeer] = [...byKey].reduce((most, each) => (each[1] > most[1] ? each : most));
  return { key, resource, used, limit, byPeer };
}

const words: Readonly<Record<Resource, string>> = {
  routes: 'routes',
  attributeSets: 'sets of path attributes',
  attributeBytes: 'octets of path attributes',
};

/** For people. */
export function describeOveruse({ resource, used, limit, byPeer }: Overuse): string {
  return `all peers together hold ${used} ${words[resource]}, ${limit} are allowed, and this one has most of them: ${byPeer}`;
}
