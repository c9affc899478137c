/** What the agent of one host is given: endpoints of applications, and a policy for each of these. Pure. */
import type { Implementation } from '../../linux/iptables-choice.js';

export const NODE_NAME = 'bench';
export const ENDPOINTS = 200;
export const POLICIES = 50;
/** Of which a policy's probe rule opens one or the other. */
export const PROBE_PORTS = [7001, 7002] as const;

const apiVersion = 'projectcalico.org/v3';

export interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: object;
}

/** @param i from 0 */
export function addressOf(i: number): string {
  return `10.65.0.${i + 1}`;
}

export function interfaceOf(i: number): string {
  return `cali${i}`;
}

export function documents(backend: Implementation): readonly Document[] {
  return [
    {
      apiVersion,
      kind: 'BGPConfiguration',
      metadata: { name: 'default' },
      spec: { nodeToNodeMeshEnabled: false },
    },
    {
      apiVersion,
      kind: 'FelixConfiguration',
      metadata: { name: 'default' },
      spec: { iptablesBackend: backend === 'nft' ? 'NFT' : 'Legacy' },
    },
    {
      apiVersion,
      kind: 'IPPool',
      metadata: { name: 'pods' },
      spec: { cidr: '10.65.0.0/16', natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never' },
    },
    ...Array.from({ length: ENDPOINTS }, (_, i) => endpoint(i)),
    ...Array.from({ length: POLICIES }, (_, i) => policy(i, PROBE_PORTS[0])),
  ];
}

function endpoint(i: number): Document {
  const labels = { app: `app-${i % POLICIES}`, role: ['web', 'api', 'db'][i % 3] };
  const metadata = { name: `pod-${i}`, namespace: 'default', labels };
  const spec = {
    node: NODE_NAME,
    interfaceName: interfaceOf(i),
    ipNetworks: [`${addressOf(i)}/32`],
    profiles: ['projectcalico-default-allow'],
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  };
  return { apiVersion, kind: 'WorkloadEndpoint', metadata, spec };
}

/** Of the endpoints of one application: who may come, and by which of the probe's ports. */
export function policy(i: number, probePort: number): Document {
  const allow = (source: object, destination: object) => ({
    action: 'Allow',
    protocol: 'TCP',
    source,
    destination,
  });
  const spec = {
    selector: `app == 'app-${i}'`,
    order: 100 + i,
    types: ['Ingress', 'Egress'],
    ingress: [
      allow({ selector: "role == 'web'" }, { ports: [80, 443] }),
      allow({ selector: `app == 'app-${(i + 1) % POLICIES}'` }, { ports: ['http'] }),
      allow({ nets: ['198.51.100.0/24', `203.0.113.${i}/32`] }, { ports: ['9000:9099'] }),
      { action: 'Allow', protocol: 'UDP', destination: { ports: [probePort] } },
    ],
    egress: [
      allow({}, { selector: "role == 'db'", ports: [5432] }),
      { action: 'Allow', protocol: 'UDP', destination: { ports: [53] } },
      { action: 'Deny', destination: { nets: ['169.254.169.254/32'] } },
      { action: 'Allow' },
    ],
  };
  return { apiVersion, kind: 'NetworkPolicy', metadata: { name: `policy-${i}`, namespace: 'default' }, spec };
}
