/** SHELL: `bgpctl check tunnels` on the agent's side: the ways to the other hosts, probed several at a time, as views. */
import { addressFamily } from '../core/ip-address.js';
import { checkPath, type PathResult } from '../ipip/check/check-path.js';
import { type CheckedHost, pathsToCheck } from '../ipip/check/paths.js';
import type { Outcome } from '../ipip/check/probe.js';
import type { Dataplane } from '../ipip/dataplane.js';
import { DEFAULT_UDP_PORT } from '../ipip/udp/state.js';
import type { Cluster } from './cluster.js';
import { ControlFailure } from './control/backend.js';
import type { ProbeState, TunnelCheckView } from './control/types.js';
import { inOrder } from './in-order.js';
import type { AgentTunnels } from './options.js';

/** Each has four pings at a time, and takes 2 s where all is lost, 15 s where the largest packet must be searched for. */
const PATHS_AT_ONCE = 25;

/** What of an agent the check needs. */
export interface CheckedAgent {
  readonly cluster: Cluster;
  readonly dataplane: Pick<Dataplane, 'surroundings' | 'routeProblem'> | undefined;
  readonly options: {
    readonly nodeName: string;
    readonly tunnels?: Pick<AgentTunnels, 'prober'> | undefined;
  };
}

/** Throws {@link ControlFailure} where there is no such node, or nothing to probe with. */
export async function* checkTunnels(
  { cluster, dataplane, options }: CheckedAgent,
  node: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<TunnelCheckView> {
  const prober = options.tunnels?.prober;
  if (dataplane === undefined || prober === undefined) {
    throw new ControlFailure(409, {
      error: 'this agent has no dataplane: it sends to no host by any tunnel',
    });
  }
  const hosts = hostsToCheck(cluster, options.nodeName, node);
  const { surroundings } = dataplane;
  if (surroundings === undefined) {
    throw new ControlFailure(503, {
      error: 'this host has no address among the nodes yet: see bgpctl status',
    });
  }
  const routeProblem = dataplane.routeProblem.bind(dataplane);
  const paths = pathsToCheck({ ...surroundings, hosts, routeProblem });
  const words = { vxlanPort: cluster.felix.settings.vxlanPort, udpPort: DEFAULT_UDP_PORT };
  const ending = new AbortController();
  const { addresses } = surroundings;
  const checkOptions = { prober, addresses, words, signal: AbortSignal.any([signal, ending.signal]) };
  const check = (path: (typeof paths)[number]) => checkPath(path, checkOptions).catch(cannotProbe);
  try {
    for await (const result of inOrder(paths, PATHS_AT_ONCE, check)) {
      if (signal.aborted) return;
      yield viewOf(result);
    }
  } finally {
    ending.abort();
  }
}

function cannotProbe(error: Error): never {
  throw new ControlFailure(503, { error: error.message });
}

function hostsToCheck(cluster: Cluster, ownName: string, node: string | undefined): readonly CheckedHost[] {
  const hosts = cluster.tunnels.remoteHosts();
  const chosen = node === undefined ? hosts : hosts.filter(({ name }) => name === node);
  if (node !== undefined && chosen.length === 0) {
    const allowed =
      [...new Set(hosts.map(({ name }) => name))].join(', ') || '(there is no other node with an address)';
    const error =
      node === ownName ? `"${node}" is this node itself` : `no other node "${node}" with an address`;
    throw new ControlFailure(404, { error, field: 'node', value: node, allowed });
  }
  return chosen.map(host => ({
    ...host,
    tunnelAddress: cluster.tunnels.addressOf(host.name, addressFamily(host.address)),
    blocks: cluster.blocksOf(host.name),
  }));
}

function viewOf({ path, outcomes, finding, words }: PathResult): TunnelCheckView {
  const { host, address, mode, todo } = path;
  const probed = todo.kind === 'probe';
  const state = (outcome: Outcome | undefined): ProbeState =>
    probed ? (outcome?.kind ?? 'not-probed') : 'not-probed';
  return {
    node: host,
    address,
    mode: mode === 'none' ? 'plain' : mode,
    from: probed ? todo.from : null,
    to: probed ? todo.to : null,
    underlay: outcomes?.underlay.kind ?? 'not-probed',
    outward: mode === 'none' ? 'not-probed' : state(outcomes?.outward),
    small: state(outcomes?.small),
    full: state(outcomes?.full),
    fullBytes: probed ? todo.fullBytes : null,
    largestBytes: outcomes?.largestBytes ?? null,
    rttMs: probed && outcomes?.small.kind === 'answered' ? outcomes.small.rttMs : null,
    finding: finding ?? null,
    words,
  };
}
