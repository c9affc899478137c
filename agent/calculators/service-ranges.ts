/**
 * The ranges of Kubernetes' services that this host announces, from its BGPConfiguration (pure): each as a whole. Which single addresses
 * are in use, and where their endpoints are, only Kubernetes knows, and this version does not ask it.
 */
import type { Prefix } from '../../core/prefix.js';
import type { BgpConfigurations } from './node-view.js';

export interface ServiceRanges {
  readonly advertised: readonly Prefix[];
  /** Load balancers' that are to be announced address by address. */
  readonly withheld: readonly Prefix[];
}

export function serviceRanges(configurations: BgpConfigurations, nodeName: string): ServiceRanges {
  const of = (field: 'serviceClusterIPs' | 'serviceExternalIPs' | 'serviceLoadBalancerIPs') =>
    (configurations.of(nodeName, field) ?? []).map(({ cidr }) => cidr);
  const aggregated = configurations.of(nodeName, 'serviceLoadBalancerAggregation') !== 'Disabled';
  const balancers = of('serviceLoadBalancerIPs');
  const others = [...of('serviceClusterIPs'), ...of('serviceExternalIPs')];
  const advertised = [...new Set([...others, ...(aggregated ? balancers : [])])];
  return { advertised, withheld: aggregated ? [] : balancers.filter(cidr => !advertised.includes(cidr)) };
}
