/** The settings of a host's packet filter from FelixConfiguration's fields, with Calico's defaults, and from what the host is (pure). */
import type { IpAddress } from '../core/ip-address.js';
import { hostPrefix, type Prefix } from '../core/prefix.js';
import type { FailsafePort, FelixPolicySpec } from '../core/resources/policy-documents.js';
import type { Failsafe, FilterSettings, LogRate, NatSettings, TunnelFilter } from './settings.js';

/** What of a host stands in no FelixConfiguration. */
export interface FilteredHost {
  /** Those that are not disabled. */
  readonly pools: NatSettings['pools'];
  /** Of every node of the cluster. */
  readonly nodeAddresses: readonly IpAddress[];
  readonly tunnels: readonly TunnelFilter[];
}

/** Fields of ours, which stand in annotations of the FelixConfiguration. */
export interface FilterAnnotations {
  /** `margay.io/failClosedForwarding` */
  readonly failClosedForwarding?: boolean;
  /** `margay.io/flushOnDeny` */
  readonly flushOnDeny?: boolean;
}

/** A field as it is in force for the host; undefined: nobody has set it. */
export type FieldInForce = <K extends keyof FelixPolicySpec>(
  field: K,
) => Required<FelixPolicySpec>[K] | undefined;

/** Calico's: SSH, BGP, etcd, Typha and the Kubernetes API; DHCP; and DNS on the way out. */
const tcp = (...ports: readonly number[]): Failsafe[] => ports.map(port => ({ protocol: 6, port }));
const udp = (...ports: readonly number[]): Failsafe[] => ports.map(port => ({ protocol: 17, port }));
const inboundFailsafes = [...tcp(22, 179, 2379, 2380, 5473, 6443, 6666, 6667), ...udp(68)];
const outboundFailsafes = [...tcp(179, 2379, 2380, 5473, 6443, 6666, 6667), ...udp(53, 67)];

export function filterSettings(
  of: FieldInForce,
  { failClosedForwarding = false, flushOnDeny = false }: FilterAnnotations,
  host: FilteredHost,
): FilterSettings {
  return {
    workloadInterfacePrefixes: workloadInterfacePrefixes(of),
    markMask: of('iptablesMarkMask') ?? 0xffff0000,
    hooks: of('chainInsertMode') === 'Append' ? 'append' : 'insert',
    endpointToHost: lower(of('defaultEndpointToHostAction') ?? 'Drop'),
    allowed: {
      filter: lower(of('iptablesFilterAllowAction') ?? 'Accept'),
      mangle: lower(of('iptablesMangleAllowAction') ?? 'Accept'),
    },
    denied: lower(of('iptablesFilterDenyAction') ?? 'Drop'),
    failsafes: {
      inbound: of('failsafeInboundHostPorts')?.map(failsafe) ?? inboundFailsafes,
      outbound: of('failsafeOutboundHostPorts')?.map(failsafe) ?? outboundFailsafes,
    },
    encapsulatedFromWorkloads: {
      ipip: of('allowIPIPPacketsFromWorkloads') ?? false,
      vxlan: of('allowVXLANPacketsFromWorkloads') ?? false,
    },
    dropInvalid: of('disableConntrackInvalidCheck') !== true,
    spoofedSources: of('workloadSourceSpoofing') === 'Any',
    log: {
      prefix: of('logPrefix') ?? 'calico-packet',
      rate: (of('logActionRateLimit') as LogRate | undefined) ?? DEFAULT_LOG_RATE,
      // 0 is as good as none.
      burst: of('logActionRateLimitBurst') || DEFAULT_LOG_BURST,
    },
    nat: natSettings(of, host),
    tunnels: host.tunnels,
    failClosedForwarding,
    flushOnDeny,
    maxSetSize: of('maxIpsetSize') ?? 1_048_576,
    families: of('ipv6Support') === false ? ['ipv4'] : ['ipv4', 'ipv6'],
  };
}

/** What the names of workloads' interfaces begin with. */
export function workloadInterfacePrefixes(of: FieldInForce): readonly string[] {
  return (of('interfacePrefix') ?? 'cali').split(',');
}

/** Calico's Log has no limit unless one is set, and then costs whoever is logged his latency: here there is one. */
const DEFAULT_LOG_RATE = '10/second';
const DEFAULT_LOG_BURST = 20;

function natSettings(of: FieldInForce, { pools, nodeAddresses }: FilteredHost): NatSettings {
  const hosts = of('natOutgoingExclusions') === 'IPPoolsAndHostIPs' ? nodeAddresses.map(hostPrefix) : [];
  const address = of('natOutgoingAddress');
  const ports = of('natPortRange')?.split(':').map(Number);
  const interfaces = of('iptablesNATOutgoingInterfaceFilter');
  return {
    pools,
    exclusions: unique(hosts),
    ...(address === undefined ? {} : { address }),
    ...(ports === undefined ? {} : { ports: { min: ports[0]!, max: ports[1]! } }),
    ...(interfaces === undefined ? {} : { interfaces }),
  };
}

function unique(prefixes: readonly Prefix[]): readonly Prefix[] {
  return [...new Set(prefixes)];
}

function failsafe({ protocol, port, net }: FailsafePort): Failsafe {
  const number = { TCP: 6, UDP: 17, SCTP: 132 } as const;
  return { protocol: number[protocol], port, ...(net === undefined ? {} : { net }) };
}

function lower<const T extends string>(text: T): Lowercase<T> {
  return text.toLowerCase() as Lowercase<T>;
}
