/** `bgpctl topology` (pure): what is in force here, what the hosts report, and the state of this host's own sessions, as one view. */
import type { PeerStatus } from '../../bgp/speaker/contract.js';
import type { TopologyArrangement } from '../../core/resources/cluster-documents.js';
import type { TopologyInForce } from '../calculators/topology.js';
import type { TopologySessionView, TopologyTransitionView, TopologyView } from '../control/topology-types.js';
import { ArrangementView, MESH, type SessionPart } from './arrangement.js';
import { laggards, type TopologyHosts, type TopologyProgress } from './cluster-hosts.js';
import { type Membership, membershipWords } from './members.js';
import type { ArrangedSession } from './progress.js';
import { chosenReflectors, rankReflectors } from './reflector-choice.js';

export interface TopologyFacts {
  readonly node: string;
  readonly inForce: TopologyInForce;
  /** Every Node. */
  readonly nodes: ReadonlyMap<string, Membership>;
  readonly arranged: ReadonlyMap<string, ArrangedSession>;
  readonly peers: ReadonlyMap<string, PeerStatus>;
  readonly progress: TopologyProgress;
  /** Those that take part; undefined: what they report cannot be read. */
  readonly hosts: TopologyHosts | undefined;
}

export function topologyView(facts: TopologyFacts): TopologyView {
  const { node, inForce, nodes, progress } = facts;
  const { plan, settings } = inForce;
  const arrangement = currentArrangement(inForce);
  const members = [...nodes].filter(([, membership]) => membership === 'member').map(([name]) => name);
  const clients = clientsOf(arrangement, members);
  const count = (name: string) => clients.filter(({ reflectors }) => reflectors.includes(name)).length;
  return {
    node,
    mode: nodes.get(node) === 'mesh-off' ? 'off' : arrangement.mode,
    plan:
      plan === undefined
        ? null
        : {
            generation: plan.generation,
            decidedUnixMs: plan.decidedUnixMs,
            reasons: plan.reasons,
            nextChangeUnixMs: plan.nextChangeUnixMs ?? null,
            heldDown: plan.heldDown,
          },
    settings: { ...settings, reflectors: settings.reflectors ?? null, spreadBy: settings.spreadBy ?? null },
    hosts: members.toSorted(),
    spreadBy: arrangement.spreadBy ?? null,
    reflectors: arrangement.reflectors.map(({ node: name, spread = null }) => {
      return { node: name, spread, clients: count(name) };
    }),
    clients,
    outside: [...nodes]
      .filter(([, membership]) => membership !== 'member')
      .map(([name, membership]) => ({ node: name, why: membershipWords[membership] }))
      .sort(byNode),
    transition: transitionOf(facts),
    progress: { inSync: progress.inSync, detail: progress.detail },
    sessions: sessionsOf(facts, arrangement),
  };
}

/** The one that is to stay. */
export function currentArrangement({ layers }: TopologyInForce): TopologyArrangement {
  return layers.find(({ stays }) => stays)?.view.arrangement ?? MESH;
}

function clientsOf(arrangement: TopologyArrangement, members: readonly string[]): TopologyView['clients'] {
  if (arrangement.mode === 'mesh') return [];
  const reflecting = new Set(arrangement.reflectors.map(({ node }) => node));
  return members
    .filter(name => !reflecting.has(name))
    .map(name => ({ node: name, reflectors: chosenReflectors(name, arrangement) }))
    .sort(byNode);
}

function transitionOf({ inForce, hosts }: TopologyFacts): TopologyTransitionView | null {
  const before = inForce.layers.find(({ stays }) => !stays)?.view.arrangement;
  if (before === undefined) return null;
  const { generation = 0 } = inForce.plan ?? {};
  const silent = [...(hosts?.values() ?? [])].filter(({ alive }) => !alive).map(({ name }) => name);
  return {
    before: { mode: before.mode, reflectors: before.reflectors.map(({ node }) => node) },
    waitsFor: hosts === undefined ? null : laggards(generation, hosts),
    silent: silent.sort(),
  };
}

function sessionsOf(
  { node, arranged, peers }: TopologyFacts,
  arrangement: TopologyArrangement,
): readonly TopologySessionView[] {
  const view = new ArrangementView(arrangement, node);
  const sessions = [...arranged].map(([key, { name, session }]): TopologySessionView => {
    const status = peers.get(key);
    const [part, stays] = [session?.part ?? 'mesh', session?.stays ?? true];
    return {
      node: name,
      peer: key,
      part,
      stays,
      state: status?.state ?? 'Idle',
      sinceUnixMs: status?.sinceUnixMs ?? null,
      info: status?.info ?? '',
      why: stays ? whySession(node, name, part, view) : 'until every living host is in sync without it',
    };
  });
  return sessions.sort(byNode);
}

function whySession(own: string, other: string, part: SessionPart, view: ArrangementView): string {
  if (part === 'mesh' && view.arrangement.mode !== 'mesh') return 'each peers with a host of another AS';
  const rankOf = (client: string, reflector: string) =>
    rankReflectors(client, view.arrangement).find(({ node }) => node === reflector)?.why ?? '';
  switch (view.partOf(other)) {
    case 'fellow':
      return 'both reflect';
    case 'client':
      return `${other} wants it: ${rankOf(other, own)}`;
    case 'reflector':
      return rankOf(own, other);
    case 'mesh':
    case undefined:
      return 'each peers with each';
  }
}

function byNode(a: { readonly node: string }, b: { readonly node: string }): number {
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}
