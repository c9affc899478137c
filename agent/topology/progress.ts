/**
 * How far this host is with the arrangement that is to stay (pure). It is in sync once every session of it is Established and has told its
 * whole table both ways, and no route is left that comes by what is to go alone: so what is let go takes nothing with it, whatever the
 * others have or have not told yet.
 */
import type { PeerStatus, RouteDependence } from '../../bgp/speaker/contract.js';
import type { TopologyProgress } from './cluster-hosts.js';
import type { TopologySession } from './topology-session.js';

/** A session that the arrangements have, by the key of its peer. */
export interface ArrangedSession {
  readonly name: string;
  readonly session?: TopologySession | undefined;
}

export interface ProgressFacts {
  /** Of the plan in force; 0 without one. */
  readonly generation: number;
  readonly arranged: ReadonlyMap<string, ArrangedSession>;
  readonly peers: ReadonlyMap<string, PeerStatus>;
  /** Of what {@link goingPeers} names. */
  readonly dependence: readonly RouteDependence[];
}

/** What is to go with the arrangement before, by the keys of peers. */
export function goingPeers(arranged: ProgressFacts['arranged']): {
  readonly ending: readonly string[];
  readonly relays: readonly string[];
} {
  const keys = (which: (session: TopologySession) => boolean) =>
    [...arranged].filter(([, { session }]) => session !== undefined && which(session)).map(([key]) => key);
  return {
    ending: keys(({ stays }) => !stays),
    relays: keys(({ stays, relayEnds }) => stays && relayEnds),
  };
}

export function topologyProgress(facts: ProgressFacts): TopologyProgress {
  const { generation, arranged, peers, dependence } = facts;
  const waits: { readonly node: string; readonly why: string }[] = [];
  for (const [key, { name, session }] of arranged) {
    if (session?.stays === false) continue;
    const why = whyNotReady(peers.get(key));
    if (why !== undefined) waits.push({ node: name, why: `the session with ${name} ${why}` });
  }
  for (const { peer, prefixes, example } of dependence) {
    const node = arranged.get(peer)?.name ?? peer;
    const routes =
      prefixes === 1 ? `the route to ${example} is` : `${prefixes} routes (to ${example}, …) are`;
    waits.push({ node, why: `${routes} known by what ${node} tells alone, which is to end` });
  }
  const [first, ...others] = waits;
  const more = others.length === 0 ? '' : `; and ${others.length} more`;
  return {
    generation,
    inSync: first === undefined,
    detail: first === undefined ? '' : `${first.why}${more}`,
    waitsFor: [...new Set(waits.map(({ node }) => node))].sort(),
  };
}

function whyNotReady(peer: PeerStatus | undefined): string | undefined {
  if (peer === undefined) return 'has not begun';
  const { state, session, info } = peer;
  if (state !== 'Established' || session === undefined) {
    return `is not established (${state}${info === '' ? '' : `: ${info}`})`;
  }
  const { families, endOfRibReceived, endOfRibSent, gracefulRestart } = session;
  // Without graceful restart nobody says that it has told everything.
  if (gracefulRestart !== undefined && families.some(family => !endOfRibReceived.includes(family))) {
    return 'has not told everything yet';
  }
  return families.some(family => !endOfRibSent.includes(family))
    ? 'has not been told everything yet'
    : undefined;
}
