/** Parts of a HostPolicy for tests, with everything that a test does not speak of filled in. */
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type {
  AddressSet,
  EndpointTier,
  HostEndpoint,
  HostPolicy,
  Packet,
  Policy,
  Profile,
  Rule,
  RuleSide,
  WorkloadEndpoint,
} from '../../policy/model.js';
import type { FilterSettings } from '../../policy/settings.js';

export const ip = (text: string) => text as IpAddress;
export const net = (text: string) => text as Prefix;

export const settings: FilterSettings = {
  workloadInterfacePrefixes: ['cali'],
  markMask: 0xffff0000,
  hooks: 'insert',
  endpointToHost: 'accept',
  allowed: { filter: 'accept', mangle: 'accept' },
  denied: 'drop',
  failsafes: {
    inbound: [
      { protocol: 6, port: 22 },
      { protocol: 17, port: 68, net: net('10.9.0.0/16') },
    ],
    outbound: [
      { protocol: 6, port: 179 },
      { protocol: 17, port: 53 },
    ],
  },
  encapsulatedFromWorkloads: { ipip: false, vxlan: false },
  dropInvalid: true,
  spoofedSources: false,
  log: { prefix: 'margay', rate: '60/minute', burst: 5 },
  nat: { pools: [], exclusions: [] },
  tunnels: [],
  failClosedForwarding: false,
  flushOnDeny: false,
  maxSetSize: 1048576,
  families: ['ipv4', 'ipv6'],
};

const side: RuleSide = {
  nets: [],
  notNets: [],
  sets: [],
  notSets: [],
  ports: [],
  notPorts: [],
  namedPorts: [],
  notNamedPorts: [],
};

export function makeRule(
  action: Rule['action'],
  fields: Partial<Omit<Rule, 'source' | 'destination'>> = {},
  sides: { readonly source?: Partial<RuleSide>; readonly destination?: Partial<RuleSide> } = {},
): Rule {
  return {
    action,
    ...fields,
    source: { ...side, ...sides.source },
    destination: { ...side, ...sides.destination },
  };
}

/** Ingress rules; egress ones are the same. */
export function makePolicy(name: string, rules: readonly Rule[], more: Partial<Policy> = {}): Policy {
  return {
    key: `GlobalNetworkPolicy/${name}`,
    tier: 'default',
    staged: false,
    flushOnDeny: undefined,
    ingress: rules,
    egress: rules,
    ...more,
  };
}

export function makeProfile(name: string, rules: readonly Rule[]): Profile {
  return { name, ingress: rules, egress: rules };
}

/** A tier with these policies both ways. */
export function makeTier(names: readonly string[], more: Partial<EndpointTier> = {}): EndpointTier {
  const keys = names.map(name => `GlobalNetworkPolicy/${name}`);
  return { name: 'default', defaultAction: 'deny', ingress: keys, egress: keys, ...more };
}

export function makeWorkload(
  interfaceName: string,
  addresses: readonly string[],
  more: Partial<WorkloadEndpoint> = {},
): WorkloadEndpoint {
  return {
    key: `WorkloadEndpoint/default/${interfaceName}`,
    interfaceName,
    addresses: addresses.map(net),
    mayAlsoSendFrom: [],
    disabled: false,
    tiers: [],
    profiles: [],
    ...more,
  };
}

export function makeHost(interfaceName: string, more: Partial<HostEndpoint> = {}): HostEndpoint {
  return {
    key: `HostEndpoint/${interfaceName === '*' ? 'all' : interfaceName}`,
    interfaceName,
    tiers: [],
    forward: [],
    untracked: [],
    preDnat: [],
    profiles: [],
    ...more,
  };
}

export function makeHostPolicy(parts: {
  readonly workloads?: readonly WorkloadEndpoint[];
  readonly hosts?: readonly HostEndpoint[];
  readonly policies?: readonly Policy[];
  readonly profiles?: readonly Profile[];
  readonly sets?: readonly AddressSet[];
}): HostPolicy {
  return {
    workloads: new Map((parts.workloads ?? []).map(one => [one.key, one])),
    hosts: new Map((parts.hosts ?? []).map(one => [one.key, one])),
    policies: new Map((parts.policies ?? []).map(one => [one.key, one])),
    profiles: new Map((parts.profiles ?? []).map(one => [one.name, one])),
    sets: new Map((parts.sets ?? []).map(one => [one.id, one])),
  };
}

export function tcp(
  source: string,
  destination: string,
  destinationPort: number,
  sourcePort = 40000,
): Packet {
  return { source: ip(source), destination: ip(destination), protocol: 6, sourcePort, destinationPort };
}

export function udp(
  source: string,
  destination: string,
  destinationPort: number,
  sourcePort = 40000,
): Packet {
  return { source: ip(source), destination: ip(destination), protocol: 17, sourcePort, destinationPort };
}

export function ping(source: string, destination: string): Packet {
  return { source: ip(source), destination: ip(destination), protocol: 1, icmp: { type: 8, code: 0 } };
}
