/** `bgpctl status` as data: one view of everything about the agent (pure but for reading it). */
import { addressFamily } from '../core/ip-address.js';
import { describeProblem } from '../core/resources/problems.js';
import { formatResourceId, isPolicyKind, type ResourceId } from '../core/resources/resource.js';
import type { TunnelKind } from '../ipip/desired.js';
import { underlayFamily } from '../ipip/encapsulation.js';
import type { Agent } from './agent.js';
import type { AgentStatus, ConditionView } from './control/types.js';
import { filterConditions, filterStatus } from './filter/filter-status.js';
import type { NodeAddressChoice } from './node-address.js';

export function agentStatus(agent: Agent): AgentStatus {
  const { state, options, cluster, ownNode } = agent;
  const { speaker } = cluster;
  const kernel = agent.dataplane?.status();
  const peers = [...agent.speaker.peers.values()];
  const ipv4 = state.ribInSync.get('ipv4-unicast');
  return {
    pid: process.pid,
    version: options.version,
    nodeName: options.nodeName,
    startedUnixMs: agent.startedUnixMs,
    nodeAddress: addressView(ownNode.choices?.ipv4),
    nodeIpv6Address: addressView(ownNode.choices?.ipv6),
    noIpv6AddressReason: ownNode.choices?.ipv6.kind === 'chosen' ? '' : (ownNode.choices?.ipv6.reason ?? ''),
    speaker: {
      state: state.speaker,
      asn: speaker?.asn ?? null,
      routerId: speaker?.routerId ?? null,
      listening: state.listening as AgentStatus['speaker']['listening'],
      listenErrors: state.listenErrors,
      restarts: state.speakerRestarts,
    },
    store: {
      location: options.storeLocation,
      state: state.store,
      detail: state.storeDetail,
      sinceUnixMs: state.storeSinceUnixMs ?? null,
      copy: state.storeCopy,
      resources: agent.resources,
    },
    membership: {
      standing: agent.life.standing.kind,
      reason: agent.life.standing.kind === 'member' ? '' : agent.life.standing.reason,
      instance: options.identity.instance,
    },
    controller: controllerView(agent),
    rib: { inSync: ipv4 !== undefined, timedOut: ipv4?.timedOut ?? false },
    dataplane: {
      kind: options.dataplane,
      programmed: kernel?.programmed ?? 0,
      pending: kernel?.pending ?? 0,
      stale: kernel?.stale ?? 0,
      staleDeadlineUnixMs: (kernel?.stale ?? 0) > 0 ? agent.staleDeadlineUnixMs : null,
      refused: (kernel?.refused ?? []).map(({ destination, error }) => ({ object: destination, error })),
    },
    tunnels: tunnelStatus(agent),
    policy: filterStatus(agent.filter, options.clock.now()),
    bmpStations: agent.speaker.monitoring.stations,
    peers: {
      total: peers.length,
      established: peers.filter(peer => peer.state === 'Established').length,
    },
    invalidDocuments: state.invalid.map(({ location, id, problems }) => ({
      location,
      id: id === undefined ? null : formatResourceId(id),
      inForce: inPlaceOf(agent, id),
      problems: problems.map(({ path, value, allowed }) => ({
        error: describeProblem({ path, value, allowed }),
        field: path,
        value,
        allowed,
      })),
    })),
    conditions: conditionsOf(agent),
  };
}

function controllerView({ life, options }: Agent): AgentStatus['controller'] {
  if (life.part === undefined) return null;
  const { holder, process, sinceUnixMs } = life.part;
  return { node: holder, self: process === options.identity.process, sinceUnixMs };
}

function inPlaceOf(agent: Agent, id: ResourceId | undefined): InPlace {
  if (id === undefined) return 'nothing';
  if (agent.document(id) !== undefined) return 'last-good';
  return agent.filter !== undefined && isPolicyKind(id.kind) ? 'tier-default' : 'nothing';
}

type InPlace = AgentStatus['invalidDocuments'][number]['inForce'];

function addressView(choice: NodeAddressChoice | undefined): AgentStatus['nodeAddress'] {
  return choice?.kind === 'chosen' ? { address: choice.address, reason: choice.reason } : null;
}

function tunnelStatus({ dataplane, cluster, options, tunnels }: Agent): AgentStatus['tunnels'] {
  if (dataplane === undefined) return [];
  const hosts = cluster.tunnels.remoteHosts();
  const hostsOf = (tunnel: TunnelKind) =>
    hosts.filter(({ address }) => addressFamily(address) === underlayFamily(tunnel));
  return tunnels.views().map(({ tunnel, state, device, mtu, detail }) => ({
    tunnel,
    state: state === 'open' && !cluster.tunnels.wanted().has(tunnel) ? 'closing' : state,
    device,
    address: cluster.tunnels.addressOf(options.nodeName, underlayFamily(tunnel)) ?? null,
    mtu,
    detail,
    routes: dataplane.tunnelUse.routes(tunnel),
    hostsReady: hostsOf(tunnel).filter(({ receives }) => receives?.[tunnel]?.kind === 'ready').length,
    hosts: hostsOf(tunnel).length,
  }));
}

function conditionsOf(agent: Agent): readonly ConditionView[] {
  const { nodeName, hostConditions } = agent.options;
  const own = [
    // Of a host that announces nothing the reason says enough.
    ...(agent.life.standing.kind === 'member' ? ownDocument(`Node/${nodeName}`, agent.ownNode.problem) : []),
    ...ownDocument(`NodeStatus/${nodeName}`, agent.state.ownStatusProblem),
  ];
  const cluster = agent.conditions.map(({ severity, message, objects }) => ({ severity, message, objects }));
  const filter = filterConditions(agent.filter);
  return [
    ...own,
    ...hostConditions(),
    ...agent.tunnels.conditions(),
    ...agent.topology.conditions(),
    ...agent.life.conditions(),
    ...(agent.ipam?.conditions() ?? []),
    ...filter,
    ...cluster,
  ];
}

function ownDocument(object: string, problem: string | undefined): readonly ConditionView[] {
  return problem === undefined ? [] : [{ severity: 'error', message: problem, objects: [object] }];
}
