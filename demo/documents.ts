/** The documents of a lab's cluster (pure): pools, the hosts' blocks, the pods' endpoints, and what is changed of them under way. */

interface Pod {
  readonly name: string;
  readonly address: string;
  readonly ipv6Address: string;
}

interface Host {
  readonly name: string;
  readonly block: string;
  readonly ipv6Block: string;
  readonly pods: readonly Pod[];
}

const POOL = '10.244.0.0/16';
const IPV6_POOL = 'fd10::/48';

/** What is there from the beginning. @param pool of the pods */
export function clusterDocuments(
  hosts: readonly Host[],
  pool: object,
  dualStack: boolean,
): readonly object[] {
  const ofHosts = hosts.flatMap(host => [
    blockAffinity(host.name, host, host.block),
    ...(dualStack ? [blockAffinity(`${host.name}-ipv6`, host, host.ipv6Block)] : []),
    ...host.pods.map((pod, i) => endpoint(host, pod, `cali${i + 1}`, dualStack)),
  ]);
  return [pool, ...(dualStack ? [ipv6Pool({})] : []), ...ofHosts];
}

/** @param spec more of it than its CIDR */
export function podPool(spec: object, annotations: object): object {
  return document('IPPool', { name: 'pods', annotations }, { cidr: POOL, ...spec });
}

export function ipv6Pool(spec: object): object {
  return document('IPPool', { name: 'pods-ipv6' }, { cidr: IPV6_POOL, ...spec });
}

/** A pod is reached by another alone. */
export function allowOnly(to: Pod, from: Pod): object {
  const ingress = [{ action: 'Allow', source: { selector: `pod == '${from.name}'` } }];
  const spec = { selector: `pod == '${to.name}'`, types: ['Ingress'], ingress };
  return document('NetworkPolicy', { name: `only-${from.name}`, namespace: 'default' }, spec);
}

/** How hosts are to be arranged. */
export function topologyOf(mode: 'auto' | 'mesh' | 'reflectors'): object {
  return { apiVersion: 'margay.io/v1', kind: 'BGPTopology', metadata: { name: 'default' }, spec: { mode } };
}

function blockAffinity(name: string, host: Host, cidr: string): object {
  return document('BlockAffinity', { name }, { node: host.name, cidr, state: 'confirmed' });
}

function endpoint(host: Host, pod: Pod, interfaceName: string, dualStack: boolean): object {
  const networks = [`${pod.address}/32`, ...(dualStack ? [`${pod.ipv6Address}/128`] : [])];
  return podEndpoint(host.name, pod.name, interfaceName, networks);
}

/** @param networks of one address each */
export function podEndpoint(
  node: string,
  name: string,
  interfaceName: string,
  networks: readonly string[],
): object {
  const metadata = { name, namespace: 'default', labels: { pod: name } };
  const profiles = ['projectcalico-default-allow'];
  return document('WorkloadEndpoint', metadata, { node, profiles, interfaceName, ipNetworks: networks });
}

function document(kind: string, metadata: object, spec: object): object {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata, spec };
}
