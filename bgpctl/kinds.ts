/** The names people type for kinds: calicoctl's plurals and short forms, in any case. */
import { resourceKinds } from '../agent/control/requests.js';
import { nearest } from '../core/nearest-word.js';
import { isNamespaced, type ResourceId, type ResourceKind } from '../core/resources/resource.js';
import { UsageError } from './command.js';

const aliases: Readonly<Record<ResourceKind, readonly string[]>> = {
  Node: ['node', 'nodes', 'no'],
  IPPool: ['ippool', 'ippools', 'ipp', 'ipps', 'pool', 'pools'],
  BGPConfiguration: ['bgpconfiguration', 'bgpconfigurations', 'bgpconfig', 'bgpconfigs'],
  FelixConfiguration: ['felixconfiguration', 'felixconfigurations', 'felixconfig', 'felixconfigs'],
  BGPPeer: ['bgppeer', 'bgppeers', 'bgpp', 'bgpps', 'bp'],
  BGPPeerRange: ['bgppeerrange', 'bgppeerranges', 'range', 'ranges'],
  BGPFilter: ['bgpfilter', 'bgpfilters'],
  Secret: ['secret', 'secrets'],
  WorkloadEndpoint: ['workloadendpoint', 'workloadendpoints', 'wep', 'weps'],
  NodeStatus: ['nodestatus', 'nodestatuses'],
  BlockAffinity: ['blockaffinity', 'blockaffinities', 'affinity', 'affinities'],
  IPAMConfiguration: ['ipamconfiguration', 'ipamconfigurations', 'ipamconfig', 'ipamconfigs'],
  IPReservation: ['ipreservation', 'ipreservations', 'reservation', 'reservations'],
  IPAMBlock: ['ipamblock', 'ipamblocks', 'block', 'blocks'],
  IPAMHandle: ['ipamhandle', 'ipamhandles', 'handle', 'handles'],
  BGPTopology: ['bgptopology', 'bgptopologies', 'topology'],
  TopologyPlan: ['topologyplan', 'topologyplans', 'plan'],
  Lease: ['lease', 'leases'],
  NodeReport: ['nodereport', 'nodereports', 'report', 'reports'],
  Tier: ['tier', 'tiers'],
  GlobalNetworkPolicy: ['globalnetworkpolicy', 'globalnetworkpolicies', 'gnp', 'gnps'],
  NetworkPolicy: ['networkpolicy', 'networkpolicies', 'policy', 'policies', 'np', 'nps'],
  KubernetesNetworkPolicy: [
    'kubernetesnetworkpolicy',
    'kubernetesnetworkpolicies',
    'networkpolicy.networking.k8s.io',
    'networkpolicies.networking.k8s.io',
    'netpol',
    'knp',
    'knps',
  ],
  StagedGlobalNetworkPolicy: ['stagedglobalnetworkpolicy', 'stagedglobalnetworkpolicies', 'sgnp', 'sgnps'],
  StagedNetworkPolicy: ['stagednetworkpolicy', 'stagednetworkpolicies', 'snp', 'snps'],
  StagedKubernetesNetworkPolicy: [
    'stagedkubernetesnetworkpolicy',
    'stagedkubernetesnetworkpolicies',
    'sknp',
    'sknps',
  ],
  GlobalNetworkSet: ['globalnetworkset', 'globalnetworksets', 'gns'],
  NetworkSet: ['networkset', 'networksets', 'netset', 'netsets'],
  Profile: ['profile', 'profiles', 'pro', 'pros'],
  HostEndpoint: ['hostendpoint', 'hostendpoints', 'hep', 'heps'],
  Namespace: ['namespace', 'namespaces', 'ns'],
  ServiceAccount: ['serviceaccount', 'serviceaccounts', 'sa'],
};

/** One for each kind, for completion. */
export const kindWords: readonly string[] = resourceKinds.map(kind => kind.toLowerCase());

export function parseKind(text: string): ResourceKind {
  const wanted = text.toLowerCase();
  const found = resourceKinds.find(kind => aliases[kind].includes(wanted));
  if (found !== undefined) return found;
  const near = nearest(wanted, Object.values(aliases).flat());
  const hint = near === undefined ? `the kinds are ${resourceKinds.join(', ')}` : `did you mean "${near}"?`;
  throw new UsageError(`unknown kind "${text}"; ${hint}`);
}

/** `KIND NAME` or `KIND/NAME`; a namespaced name may be `NAMESPACE/NAME`, "default" otherwise. */
export function parseResource(kindText: string, nameText: string | undefined): ResourceId {
  const slash = kindText.indexOf('/');
  const name = nameText ?? (slash < 0 ? undefined : kindText.slice(slash + 1));
  const kind = parseKind(slash < 0 || nameText !== undefined ? kindText : kindText.slice(0, slash));
  if (name === undefined || name === '')
    throw new UsageError(`which ${kind}? Give its name: ${kind.toLowerCase()} NAME`);
  if (!isNamespaced(kind)) return { kind, name };
  const [namespace, inner] = name.includes('/')
    ? (name.split('/', 2) as [string, string])
    : ['default', name];
  return { kind, namespace, name: inner };
}
