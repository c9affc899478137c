/** What rendering has to know beside policy: from FelixConfiguration, IPPools, nodes and tunnels. Plain data. */
import type { AddressFamily, IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { WorkloadEndpoint } from './model.js';

export interface FilterSettings {
  /** Interfaces of workloads begin with one of these (`interfacePrefix`). */
  readonly workloadInterfacePrefixes: readonly string[];
  /** Bits of packet marks that are ours alone (`iptablesMarkMask`); at least five, better six. Unsigned. */
  readonly markMask: number;
  /** Where our rules stand in the built-in chains (`chainInsertMode`). */
  readonly hooks: 'insert' | 'append';
  /** Of what a workload's policy lets through to a process of the host (`defaultEndpointToHostAction`). */
  readonly endpointToHost: 'accept' | 'return' | 'drop';
  /** Of what policy allows (`iptablesFilterAllowAction`, `iptablesMangleAllowAction`). */
  readonly allowed: { readonly filter: 'accept' | 'return'; readonly mangle: 'accept' | 'return' };
  /** Of what policy denies (`iptablesFilterDenyAction`). */
  readonly denied: 'drop' | 'reject';
  readonly failsafes: { readonly inbound: readonly Failsafe[]; readonly outbound: readonly Failsafe[] };
  /** Workloads may send these (`allowVXLANPacketsFromWorkloads`, `allowIPIPPacketsFromWorkloads`). */
  readonly encapsulatedFromWorkloads: { readonly ipip: boolean; readonly vxlan: boolean };
  /** Whether what connection tracking calls INVALID is dropped (not `disableConntrackInvalidCheck`). */
  readonly dropInvalid: boolean;
  /** Workloads may send from what their documents name beside their addresses (`workloadSourceSpoofing: Any`). */
  readonly spoofedSources: boolean;
  /** Of Log rules. */
  readonly log: { readonly prefix: string; readonly rate: LogRate | undefined; readonly burst: number };
  readonly nat: NatSettings;
  readonly tunnels: readonly TunnelFilter[];
  /** No window when somebody flushes the tables: nothing is forwarded that no rule of ours has accepted. */
  readonly failClosedForwarding: boolean;
  /** Live connections that policy denies are cut, unless the policy that denies them says otherwise. */
  readonly flushOnDeny: boolean;
  /** Most members of a set (`maxIpsetSize`). */
  readonly maxSetSize: number;
  /** IPv6 is filtered as well (`ipv6Support`). */
  readonly families: readonly AddressFamily[];
}

/** As iptables writes it. */
export type LogRate = `${number}/${'second' | 'minute' | 'hour' | 'day'}`;

/** A port of the host that no policy of a host endpoint closes. */
export interface Failsafe {
  readonly protocol: 6 | 17 | 132;
  readonly port: number;
  /** Of the other end; absent: from and to anywhere. */
  readonly net?: Prefix;
}

export interface NatSettings {
  /** Of every pool that is not disabled: what goes from a pool with `masquerade` to outside all of them is masqueraded. */
  readonly pools: readonly { readonly cidr: Prefix; readonly masquerade: boolean }[];
  /** Destinations that are not masqueraded either (`natOutgoingExclusions: IPPoolsAndHostIPs`). */
  readonly exclusions: readonly Prefix[];
  /** In place of the address of the interface (`natOutgoingAddress`). */
  readonly address?: IpAddress;
  readonly ports?: { readonly min: number; readonly max: number };
  /** Outgoing interfaces by iptables pattern (`iptablesNATOutgoingInterfaceFilter`). */
  readonly interfaces?: string;
}

/** A tunnel of ours: packets that it decapsulates are taken from nodes of the cluster alone. */
export interface TunnelFilter {
  readonly tunnel: 'ipip' | 'vxlan' | 'vxlan-v6' | 'udp';
  readonly device: string;
  /** Of VXLAN and UDP. */
  readonly port?: number;
  /** Addresses of the other nodes, and externalNodesList. */
  readonly from: readonly Prefix[];
  /** Octets of the longest packet it takes; MSS is clamped for what goes through it. */
  readonly mtu: number;
}

/** Which packets a tunnel travels in. */
export const tunnelFamilies: Readonly<Record<TunnelFilter['tunnel'], readonly AddressFamily[]>> = {
  ipip: ['ipv4'],
  vxlan: ['ipv4'],
  'vxlan-v6': ['ipv6'],
  udp: ['ipv4', 'ipv6'],
};

/** Whether an interface is guarded as a workload's: by the name alone. */
export function isWorkloadInterface(
  name: string,
  { workloadInterfacePrefixes }: Pick<FilterSettings, 'workloadInterfacePrefixes'>,
): boolean {
  return workloadInterfacePrefixes.some(prefix => name.startsWith(prefix));
}

/** What a workload may send from. */
export function sourcesOf(
  { addresses, mayAlsoSendFrom }: WorkloadEndpoint,
  { spoofedSources }: Pick<FilterSettings, 'spoofedSources'>,
): readonly Prefix[] {
  return spoofedSources ? [...new Set([...addresses, ...mayAlsoSendFrom])] : addresses;
}

/** IANA's port of VXLAN (RFC 7348): workloads may not send to it even where we have no such tunnel. */
const VXLAN_PORT = 4789;

/** UDP ports by which a workload could send encapsulated packets: of VXLAN, and of our own encapsulation. */
export function encapsulationPorts({ tunnels }: Pick<FilterSettings, 'tunnels'>): {
  readonly vxlan: readonly number[];
  readonly ours: readonly number[];
} {
  const ports = (udp: boolean) =>
    tunnels.flatMap(({ tunnel, port }) => (port === undefined || (tunnel === 'udp') !== udp ? [] : [port]));
  return { vxlan: [...new Set([VXLAN_PORT, ...ports(false)])], ours: [...new Set(ports(true))] };
}
