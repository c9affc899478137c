/** `bgpctl topology --explain NODE` (pure): why a host peers with those that it peers with. */
import type { TopologyInForce } from '../calculators/topology.js';
import type { TopologyExplainView } from '../control/topology-types.js';
import { arrangementWords } from './arrangement.js';
import { type Membership, membershipWords } from './members.js';
import { chosenReflectors, rankReflectors, valueWords } from './reflector-choice.js';
import { currentArrangement } from './topology-view.js';

/** Undefined: there is no such node. */
export function explainTopology(
  node: string,
  nodes: ReadonlyMap<string, Membership>,
  inForce: TopologyInForce,
): TopologyExplainView | undefined {
  const membership = nodes.get(node);
  if (membership === undefined) return undefined;
  const arrangement = currentArrangement(inForce);
  const { mode, reflectors, spreadBy, sessionsPerClient } = arrangement;
  const before = inForce.layers.find(({ stays }) => !stays)?.view.arrangement;
  const nothing = { node, reflectors: [], spreadBy: spreadBy ?? null };
  if (membership !== 'member') {
    return {
      ...nothing,
      words: [`${node} takes no part in the arrangement: ${membershipWords[membership]}`],
    };
  }
  const others = [...nodes]
    .filter(([name, part]) => part === 'member' && name !== node)
    .map(([name]) => name);
  const kept =
    before === undefined
      ? []
      : [
          `It has the sessions of ${arrangementWords(before)} beside these until every living host is in sync`,
        ];
  if (mode === 'mesh') {
    return { ...nothing, words: [`${node} peers with all of the ${others.length} others: a mesh`, ...kept] };
  }
  const own = reflectors.find(reflector => reflector.node === node);
  if (own !== undefined) {
    const fellows = reflectors.filter(reflector => reflector !== own).map(reflector => reflector.node);
    const clients = others.filter(
      name => !fellows.includes(name) && chosenReflectors(name, arrangement).includes(node),
    );
    const value = spreadBy === undefined ? '' : ` with ${valueWords(spreadBy, own.spread)}`;
    const words = [
      `${node} is a reflector${value}: it peers with the other reflectors (${fellows.join(', ') || 'none'})`,
      `${clients.length} of ${others.length - fellows.length} clients want it`,
      ...(inForce.plan?.reasons ?? []).filter(reason => reason.startsWith(`${node} `)),
      ...kept,
    ];
    return { ...nothing, words };
  }
  const words = [
    `${node} is a client of ${sessionsPerClient} of the ${reflectors.length} reflectors`,
    ...kept,
  ];
  const ranked = rankReflectors(node, arrangement).map(({ spread = null, ...rest }) => ({ ...rest, spread }));
  return { ...nothing, words, reflectors: ranked };
}
