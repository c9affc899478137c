/**
 * The reference: what happens to a packet on one host, and why. Small and obvious; what is rendered for the kernel is tested against it, and
 * `bgpctl explain` shows its trace.
 *
 * The way of a packet: PREROUTING (or OUTPUT) of raw: untracked policy; PREROUTING of mangle: policy before DNAT; then INPUT, FORWARD or
 * OUTPUT of filter. Destinations are those that the filter table sees, after DNAT.
 */
import { addressFamily } from '../../core/ip-address.js';
import { prefixContainsAddress } from '../../core/prefix.js';
import { NEIGHBOUR_DISCOVERY, NEIGHBOUR_DISCOVERY_OF_WORKLOADS } from '../failsafe-packets.js';
import { mayBeCut } from '../flush-on-deny.js';
import type {
  Direction,
  EndpointKey,
  EndpointTier,
  HostEndpoint,
  HostPolicy,
  WorkloadEndpoint,
} from '../model.js';
import {
  encapsulationPorts,
  type FilterSettings,
  isWorkloadInterface,
  sourcesOf,
  tunnelFamilies,
} from '../settings.js';
import { isFailsafe, isFailsafeReply } from './failsafe.js';
import type { ConnectionState, End, Situation } from './situation.js';
import { judgeProfiles, judgeTiers, type Look, type Opinion } from './tiers.js';
import type { HookName, Judgement, Part, Step, Verdict, Why } from './trace.js';

export function evaluate(policy: HostPolicy, settings: FilterSettings, situation: Situation): Judgement {
  const trace: Step[] = [];
  const from = place(policy, settings, situation.from, trace);
  const to = place(policy, settings, situation.to, trace);
  const { packet, connection = 'new' } = situation;
  const walk: Walk = { policy, settings, packet, connection, trace, from, to };
  const { verdict, why } = judge(walk);
  trace.push({ kind: 'decided', verdict, why });
  return { verdict, trace };
}

interface Walk extends Look {
  readonly settings: FilterSettings;
  /** `undefined`: of none. */
  readonly connection: ConnectionState | undefined;
  readonly from: Place;
  readonly to: Place;
}

type Place =
  | { readonly kind: 'process' }
  | { readonly kind: 'workload'; readonly endpoint: WorkloadEndpoint | undefined }
  | { readonly kind: 'network'; readonly endpoint: HostEndpoint | undefined };

function place({ workloads, hosts }: HostPolicy, settings: FilterSettings, end: End, trace: Step[]): Place {
  if (end.kind === 'process') return end;
  const workload = end.kind === 'workload' ? workloads.get(end.key) : undefined;
  if (end.kind === 'workload' && workload === undefined) return { kind: 'workload', endpoint: undefined };
  const name = end.kind === 'workload' ? workload!.interfaceName : end.name;
  const named = ({ interfaceName }: { interfaceName: string }) => interfaceName === name;
  const behind = workload ?? [...workloads.values()].find(named);
  if (isWorkloadInterface(name, settings)) return { kind: 'workload', endpoint: behind };
  if (behind !== undefined) trace.push({ kind: 'unguarded', key: behind.key, interfaceName: name });
  const all = [...hosts.values()];
  // What a host sends to itself leaves it by no interface of its own.
  const every = name === 'lo' ? undefined : all.find(({ interfaceName }) => interfaceName === '*');
  return { kind: 'network', endpoint: all.find(named) ?? every };
}

const decided = (verdict: Verdict, why: Why): Opinion & object => ({ verdict, why });

function judge(walk: Walk): Opinion & object {
  const { settings, packet, from, to } = walk;
  if (!settings.families.includes(addressFamily(packet.source)))
    return decided('allow', 'family-not-filtered');
  const untracked = judgeUntracked(walk);
  if (untracked?.verdict === 'deny') return untracked;
  // What untracked policy lets through is of no connection.
  const onward: Walk = untracked === undefined ? walk : { ...walk, connection: undefined };
  const early = untracked ?? judgePreDnat(walk);
  if (early?.verdict === 'deny') return early;
  // Once it is accepted no other policy of host endpoints on this side is asked.
  const accepted = early !== undefined;
  if (to.kind === 'process') return judgeInput(onward, accepted);
  return from.kind === 'process' ? judgeOutput(onward, accepted) : judgeForward(onward, accepted);
}

function enter(walk: Walk, table: 'raw' | 'mangle' | 'filter', chain: HookName): void {
  walk.trace.push({ kind: 'hook', table, chain });
}

function isKnown({ connection }: Walk): boolean {
  return connection === 'established' || connection === 'related' || connection === 'cut';
}

// ---------------------------------------------------------------- before the filter table

function judgeUntracked(walk: Walk): Opinion {
  const [near, direction, chain] =
    walk.from.kind === 'process'
      ? ([walk.to, 'egress', 'OUTPUT'] as const)
      : ([walk.from, 'ingress', 'PREROUTING'] as const);
  if (near.kind !== 'network' || near.endpoint === undefined) return undefined;
  enter(walk, 'raw', chain);
  return judgeEarly(walk, near.endpoint.key, 'untracked', near.endpoint.untracked, direction);
}

function judgePreDnat(walk: Walk): Opinion {
  if (walk.from.kind !== 'network' || walk.from.endpoint === undefined || isKnown(walk)) return undefined;
  enter(walk, 'mangle', 'PREROUTING');
  return judgeEarly(walk, walk.from.endpoint.key, 'pre-dnat', walk.from.endpoint.preDnat, 'ingress');
}

/** Nothing denies but rules. Without connections, answers to failsafe ports are known by the port alone. */
function judgeEarly(
  walk: Walk,
  key: EndpointKey,
  part: Part,
  tiers: readonly EndpointTier[],
  direction: Direction,
): Opinion {
  if (tiers.length === 0) return undefined;
  walk.trace.push({ kind: 'endpoint', key, part, direction });
  const { packet, settings } = walk;
  if (isNeighbourDiscovery(walk, NEIGHBOUR_DISCOVERY) || isFailsafe(packet, settings, direction))
    return undefined;
  if (part === 'untracked' && isFailsafeReply(packet, settings, direction)) return undefined;
  return judgeTiers(walk, tiers, direction, false);
}

// ---------------------------------------------------------------- the filter table

function judgeInput(walk: Walk, accepted: boolean): Opinion & object {
  enter(walk, 'filter', 'INPUT');
  const { from, settings } = walk;
  if (from.kind === 'workload') {
    if (isNeighbourDiscovery(walk, NEIGHBOUR_DISCOVERY_OF_WORKLOADS))
      return decided('allow', 'neighbour-discovery');
    const opinion = judgeFromWorkload(walk, from.endpoint);
    if (opinion.verdict === 'deny') return opinion;
    if (isKnown(walk)) return decided('allow', 'known-connection');
    return decided(settings.endpointToHost === 'drop' ? 'deny' : 'allow', 'endpoint-to-host');
  }
  const tunnel = judgeTunnel(walk, 'ingress');
  if (tunnel !== undefined) return tunnel;
  const endpoint = from.kind === 'network' ? from.endpoint : undefined;
  return judgeHost(walk, endpoint, 'ingress', accepted);
}

function judgeOutput(walk: Walk, accepted: boolean): Opinion & object {
  enter(walk, 'filter', 'OUTPUT');
  if (walk.to.kind === 'workload') {
    const { policy, settings, connection } = walk;
    const cuts = [...policy.workloads.values()].some(one => mayBeCut(one, policy.policies, settings));
    return connection === 'cut' && cuts
      ? decided('deny', 'cut-connection')
      : decided('allow', 'own-workload');
  }
  const endpoint = walk.to.kind === 'network' ? walk.to.endpoint : undefined;
  return (
    (accepted ? undefined : judgeTunnel(walk, 'egress')) ?? judgeHost(walk, endpoint, 'egress', accepted)
  );
}

function judgeForward(walk: Walk, accepted: boolean): Opinion & object {
  enter(walk, 'filter', 'FORWARD');
  const { from, to } = walk;
  const opinions = [
    () => (from.kind === 'network' && !accepted ? judgeForwarded(walk, from.endpoint, 'ingress') : undefined),
    () => (from.kind === 'workload' ? judgeFromWorkload(walk, from.endpoint) : undefined),
    () => (to.kind === 'workload' ? judgeWorkload(walk, to.endpoint, 'ingress') : undefined),
    () => (to.kind === 'network' ? judgeForwarded(walk, to.endpoint, 'egress') : undefined),
  ];
  let concerned = accepted;
  for (const ask of opinions) {
    const opinion = ask();
    if (opinion?.verdict === 'deny') return opinion;
    concerned ||= opinion !== undefined;
  }
  return decided('allow', concerned ? 'allowed-all-the-way' : 'nobody-concerned');
}

// ---------------------------------------------------------------- endpoints

function judgeFromWorkload(walk: Walk, endpoint: WorkloadEndpoint | undefined): Opinion & object {
  const { packet, settings } = walk;
  if (endpoint !== undefined && !endpoint.disabled) {
    const own = sourcesOf(endpoint, settings);
    if (!own.some(prefix => prefixContainsAddress(prefix, packet.source))) return decided('deny', 'spoofed');
    const { ipip, vxlan } = settings.encapsulatedFromWorkloads;
    const { ours, vxlan: vxlanOnes } = encapsulationPorts(settings);
    const toPort = (ports: readonly number[]) =>
      packet.protocol === 17 && ports.includes(packet.destinationPort!);
    if ((packet.protocol === 4 && !ipip) || (toPort(vxlanOnes) && !vxlan) || toPort(ours))
      return decided('deny', 'encapsulated');
  }
  return judgeWorkload(walk, endpoint, 'egress');
}

function judgeWorkload(
  walk: Walk,
  endpoint: WorkloadEndpoint | undefined,
  direction: Direction,
): Opinion & object {
  if (endpoint === undefined) return decided('deny', 'unknown-workload-interface');
  walk.trace.push({ kind: 'endpoint', key: endpoint.key, part: 'workload', direction });
  if (endpoint.disabled) return decided('deny', 'disabled');
  if (walk.connection === 'cut' && mayBeCut(endpoint, walk.policy.policies, walk.settings))
    return decided('deny', 'cut-connection');
  return judgeConnection(walk) ?? judgePolicy(walk, endpoint, direction);
}

/** Processes of the host and an interface that is no workload's. */
function judgeHost(
  walk: Walk,
  endpoint: HostEndpoint | undefined,
  direction: Direction,
  accepted: boolean,
): Opinion & object {
  if (accepted) return decided('allow', 'policy');
  if (endpoint === undefined) return decided('allow', 'nobody-concerned');
  walk.trace.push({ kind: 'endpoint', key: endpoint.key, part: 'host', direction });
  if (isKnown(walk)) return decided('allow', 'known-connection');
  if (isNeighbourDiscovery(walk, NEIGHBOUR_DISCOVERY)) return decided('allow', 'neighbour-discovery');
  if (isFailsafe(walk.packet, walk.settings, direction)) return decided('allow', 'failsafe');
  return judgeConnection(walk) ?? judgePolicy(walk, endpoint, direction);
}

/** Failsafe ports are the host's own: here they are ports of others. Staged policies alone change nothing, not even for invalid packets. */
function judgeForwarded(walk: Walk, endpoint: HostEndpoint | undefined, direction: Direction): Opinion {
  const keys = endpoint?.forward.flatMap(tier => tier[direction]) ?? [];
  if (endpoint === undefined || keys.length === 0) return undefined;
  walk.trace.push({ kind: 'endpoint', key: endpoint.key, part: 'forward', direction });
  const enforced = keys.some(key => walk.policy.policies.get(key)?.staged !== true);
  const known = enforced ? judgeConnection(walk) : undefined;
  return known ?? judgeTiers(walk, endpoint.forward, direction, true);
}

function judgePolicy(
  walk: Walk,
  { tiers, profiles }: WorkloadEndpoint | HostEndpoint,
  direction: Direction,
): Opinion & object {
  return (
    judgeTiers(walk, tiers, direction, true) ??
    judgeProfiles(walk, profiles, direction) ??
    decided('deny', 'no-profile')
  );
}

function judgeConnection(walk: Walk): Opinion {
  if (isKnown(walk)) return decided('allow', 'known-connection');
  const invalid = walk.connection === 'invalid' && walk.settings.dropInvalid;
  return invalid ? decided('deny', 'invalid-connection') : undefined;
}

function isNeighbourDiscovery({ packet }: Walk, types: readonly number[]): boolean {
  return (
    packet.protocol === 58 &&
    addressFamily(packet.source) === 'ipv6' &&
    packet.icmp !== undefined &&
    types.includes(packet.icmp.type)
  );
}

/** Encapsulated packets come from nodes alone, and go to them whatever the host's policy is. */
function judgeTunnel({ settings, packet }: Walk, direction: Direction): Opinion {
  const family = addressFamily(packet.source);
  const other = direction === 'ingress' ? packet.source : packet.destination;
  const of = settings.tunnels.filter(
    ({ tunnel, port }) =>
      tunnelFamilies[tunnel].includes(family) &&
      (tunnel === 'ipip' ? packet.protocol === 4 : packet.protocol === 17 && packet.destinationPort === port),
  );
  if (of.some(({ from }) => from.some(node => prefixContainsAddress(node, other))))
    return decided('allow', 'tunnel-peer');
  return direction === 'ingress' && of.length > 0 ? decided('deny', 'tunnel-stranger') : undefined;
}
