/**
 * `bgpctl topology -o dot|mermaid`: a drawing of who peers with whom. Many hosts are drawn as one for each set of reflectors, and a large mesh
 * as one. Pure.
 */
import type { TopologyView } from '../../agent/control/topology-types.js';

/** As many clients, or hosts of a mesh, are drawn one by one. */
const MOST_DRAWN = 24;

interface GraphNode {
  readonly id: string;
  readonly lines: readonly string[];
  readonly shape: 'reflector' | 'host' | 'hosts';
}

interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly (readonly [string, string])[];
}

/** Graphviz. */
export function topologyDot(view: TopologyView): string {
  const { nodes, edges } = graphOf(view);
  const shapes = { reflector: 'box', host: 'ellipse', hosts: 'folder' } as const;
  const quoted = (lines: readonly string[]) =>
    `"${lines.join('\n').replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
  return [
    'graph topology {',
    '  layout=neato; overlap=false; splines=true;',
    ...nodes.map(({ id, lines, shape }) => `  ${id} [shape=${shapes[shape]}, label=${quoted(lines)}];`),
    ...edges.map(([a, b]) => `  ${a} -- ${b};`),
    '}',
    '',
  ].join('\n');
}

export function topologyMermaid(view: TopologyView): string {
  const { nodes, edges } = graphOf(view);
  const brackets = { reflector: ['[', ']'], host: ['(', ')'], hosts: ['[[', ']]'] } as const;
  const text = (lines: readonly string[]) => `"${lines.join('<br/>').replaceAll('"', '#quot;')}"`;
  return [
    'graph LR',
    ...nodes.map(({ id, lines, shape }) => `  ${id}${brackets[shape][0]}${text(lines)}${brackets[shape][1]}`),
    ...edges.map(([a, b]) => `  ${a} --- ${b}`),
    '',
  ].join('\n');
}

function graphOf(view: TopologyView): Graph {
  if (view.mode !== 'reflectors') return meshOf(view.mode === 'off' ? [] : view.hosts);
  const { reflectors, clients, spreadBy } = view;
  const ids = new Map(reflectors.map(({ node }, i) => [node, `r${i}`]));
  const groups = clients.length <= MOST_DRAWN ? clients.map(client => [client]) : bySet(clients);
  const drawn = groups.map((group, i): GraphNode & { readonly to: readonly string[] } => ({
    id: `c${i}`,
    lines: group.length === 1 ? [group[0]!.node] : [`${group.length} hosts`],
    shape: group.length === 1 ? 'host' : 'hosts',
    to: group[0]!.reflectors.map(name => ids.get(name)!),
  }));
  return {
    nodes: [
      ...reflectors.map(({ node, spread }, i): GraphNode => {
        const value = spreadBy === null ? [] : [spread === null ? `no ${spreadBy}` : `${spreadBy}=${spread}`];
        return { id: `r${i}`, lines: [node, ...value], shape: 'reflector' };
      }),
      ...drawn.map(({ id, lines, shape }) => ({ id, lines, shape })),
    ],
    edges: [
      ...pairs([...ids.values()]),
      ...drawn.flatMap(({ id, to }) => to.map(other => [other, id] as const)),
    ],
  };
}

/** Those with the same reflectors, whichever they want most. */
function bySet(clients: TopologyView['clients']): readonly TopologyView['clients'][] {
  const groups = new Map<string, TopologyView['clients'][number][]>();
  for (const client of clients) {
    const key = client.reflectors.toSorted().join();
    groups.set(key, [...(groups.get(key) ?? []), client]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function meshOf(hosts: readonly string[]): Graph {
  if (hosts.length > MOST_DRAWN) {
    const lines = [`${hosts.length} hosts`, 'each peers with each'];
    return { nodes: [{ id: 'h0', lines, shape: 'hosts' }], edges: [] };
  }
  const nodes = hosts.map((name, i): GraphNode => ({ id: `h${i}`, lines: [name], shape: 'host' }));
  return { nodes, edges: pairs(nodes.map(({ id }) => id)) };
}

function pairs(ids: readonly string[]): readonly (readonly [string, string])[] {
  return ids.flatMap((a, i) => ids.slice(i + 1).map(b => [a, b] as const));
}
