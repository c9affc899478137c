/** SHELL: what `bgpctl topology` shows, gathered: documents in force, this host's sessions, and what all hosts report. */
import type { Agent } from '../agent.js';
import { ControlFailure } from '../control/backend.js';
import type { TopologyExplainView, TopologyView } from '../control/topology-types.js';
import type { HostView } from '../controller/task.js';
import type { TopologyHost, TopologyHosts } from './cluster-hosts.js';
import { explainTopology } from './explain-topology.js';
import { progressOf } from './topology-task.js';
import { topologyView } from './topology-view.js';

/** Whoever has not reported for so long is shown as silent where this host is not the controller, who knows better. */
const SILENT_MS = 180_000;

export async function readTopology(agent: Agent): Promise<TopologyView> {
  const { cluster, options } = agent;
  const { topology, arranged } = cluster;
  const peers = await agent.speaker.currentPeers();
  const { inForce } = topology;
  return topologyView({
    node: options.nodeName,
    inForce,
    nodes: topology.memberships(),
    arranged,
    peers: new Map(peers.map(peer => [peer.key, peer])),
    progress: agent.topologyProgress(),
    hosts: inForce.layers.every(({ stays }) => stays) ? new Map() : await hostsOf(agent),
  });
}

/** @throws ControlFailure where there is no such node */
export function readTopologyOf(agent: Agent, node: string): TopologyExplainView {
  const { topology } = agent.cluster;
  const nodes = topology.memberships();
  const view = explainTopology(node, nodes, topology.inForce);
  if (view !== undefined) return view;
  const allowed = [...nodes.keys()].sort().join(', ') || '(there is no node)';
  throw new ControlFailure(404, { error: `no node "${node}"`, field: 'explain', value: node, allowed });
}

async function hostsOf(agent: Agent): Promise<TopologyHosts | undefined> {
  const known = agent.life.controller.hosts ?? (await reportedHosts(agent));
  if (known === undefined) return undefined;
  const hosts = new Map<string, TopologyHost>();
  for (const [name, membership] of agent.cluster.topology.memberships()) {
    if (membership !== 'member') continue;
    const host = known.get(name);
    const isOwn = name === agent.options.nodeName;
    hosts.set(name, {
      name,
      labels: {},
      alive: isOwn || (host?.leased === true && host.alive),
      silentSeconds: host?.silentSeconds ?? 0,
      progress: isOwn ? agent.topologyProgress() : progressOf(host?.report?.topology),
    });
  }
  return hosts;
}

/** As the records say, for people: nobody's clock is trusted where it matters. */
async function reportedHosts({ options }: Agent): Promise<ReadonlyMap<string, HostView> | undefined> {
  const found = await options.store.list('NodeReport');
  if (found.kind === 'error') return undefined;
  const hosts = found.value.flatMap(({ resource }): readonly HostView[] => {
    if (resource.kind !== 'NodeReport') return [];
    const { name } = resource.metadata;
    const silentMs = Math.max(0, Date.now() - resource.spec.reportedUnixMs);
    const alive = silentMs < SILENT_MS;
    return [{ name, leased: true, alive, silentSeconds: silentMs / 1000, report: resource.spec }];
  });
  return new Map(hosts.map(host => [host.name, host]));
}
