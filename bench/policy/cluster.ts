/** The documents of a cluster, made up: namespaces, endpoints of applications on many hosts, policies of every kind. Pure. */
import type { Prefix } from '../../core/prefix.js';
import type {
  EntityRule,
  GlobalNetworkPolicyResource,
  KubernetesNetworkPolicyResource,
  NamespaceResource,
  NetworkPolicyResource,
  PolicyRule,
  ProfileResource,
} from '../../core/resources/policy-documents.js';
import {
  CALICO_API,
  KUBERNETES_API,
  NETWORKING_API,
  type Resource,
  type WorkloadEndpointResource,
} from '../../core/resources/resource.js';

export interface ClusterSize {
  readonly endpoints: number;
  readonly policies: number;
  readonly endpointsPerHost: number;
}
/** Endpoints of one namespace, and of one application in it. */
const PER_NAMESPACE = 50;
const PER_APPLICATION = 5;

const anybody: EntityRule = { nets: [], notNets: [], ports: [], notPorts: [] };

function metadata(name: string, labels: Record<string, string> = {}, namespace?: string) {
  return { name, labels, annotations: {}, ...(namespace !== undefined && { namespace }) };
}

export function namespace(i: number): NamespaceResource {
  const labels = { team: `team-${i % 20}`, stage: i % 3 === 0 ? 'production' : 'test' };
  return { apiVersion: KUBERNETES_API, kind: 'Namespace', metadata: metadata(`ns-${i}`, labels), spec: {} };
}

export class BenchCluster {
  readonly size: ClusterSize;
  readonly namespaces: number;
  readonly #hosts: number;

  constructor(size: ClusterSize) {
    this.size = size;
    this.namespaces = Math.ceil(size.endpoints / PER_NAMESPACE);
    this.#hosts = Math.ceil(size.endpoints / size.endpointsPerHost);
  }

  /** In an order in which everything stands before what speaks of it. */
  documents(): readonly Resource[] {
    const { endpoints, policies } = this.size;
    return [
      profile,
      ...Array.from({ length: this.namespaces }, (_, i) => namespace(i)),
      ...Array.from({ length: endpoints }, (_, i) => this.endpoint(i)),
      ...Array.from({ length: policies }, (_, i) => this.policy(i)),
    ];
  }

  /** Neighbours in a namespace are on different hosts, and a host has endpoints of every kind. */
  hostOf(i: number): number {
    return (i + 7 * Math.floor(i / this.#hosts)) % this.#hosts;
  }

  endpointsOf(host: number): readonly number[] {
    return Array.from({ length: this.size.endpoints }, (_, i) => i).filter(i => this.hostOf(i) === host);
  }

  endpoint(i: number, more: Readonly<Record<string, string>> = {}): WorkloadEndpointResource {
    const inNamespace = i % PER_NAMESPACE;
    const labels = {
      app: `app-${Math.floor(inNamespace / PER_APPLICATION)}`,
      role: ['web', 'api', 'db'][inNamespace % 3] as string,
      'pod-template-hash': (i * 2654435761).toString(36),
      'app.kubernetes.io/part-of': `part-${inNamespace % 7}`,
      ...more,
    };
    return {
      apiVersion: CALICO_API,
      kind: 'WorkloadEndpoint',
      metadata: metadata(`pod-${i}`, labels, `ns-${Math.floor(i / PER_NAMESPACE)}`),
      spec: {
        orchestrator: 'k8s',
        node: `host-${this.hostOf(i)}`,
        pod: `pod-${i}`,
        interfaceName: `cali${i}`,
        ipNetworks: [`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32` as Prefix],
        profiles: ['allow'],
        serviceAccountName: 'default',
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      },
    };
  }

  /** Of ten, one for the whole cluster, three of Kubernetes, the rest Calico's in a namespace. */
  policy(i: number): Resource {
    if (i % 10 === 0) return globalPolicy(i);
    const within = `ns-${i % this.namespaces}`;
    const app = `app-${i % (PER_NAMESPACE / PER_APPLICATION)}`;
    return i % 10 < 4 ? kubernetesPolicy(i, within, app) : namespacedPolicy(i, within, app);
  }
}

const profile: ProfileResource = {
  apiVersion: CALICO_API,
  kind: 'Profile',
  metadata: metadata('allow'),
  spec: {
    labelsToApply: { managed: 'true' },
    ingress: [],
    egress: [{ action: 'Allow', source: anybody, destination: anybody }],
  },
};

export function allowFrom(selector: string, namespaceSelector?: string): PolicyRule {
  return {
    action: 'Allow',
    protocol: 'TCP',
    source: { ...anybody, selector, ...(namespaceSelector !== undefined && { namespaceSelector }) },
    destination: { ...anybody, ports: [{ min: 80, max: 80 }, { name: 'http' }] },
  };
}

function globalPolicy(i: number): GlobalNetworkPolicyResource {
  return {
    apiVersion: CALICO_API,
    kind: 'GlobalNetworkPolicy',
    metadata: metadata(`global-${i}`),
    spec: {
      tier: 'default',
      order: i,
      selector: `role == "${i % 20 === 0 ? 'db' : 'api'}" && app.kubernetes.io/part-of == "part-${i % 7}"`,
      types: ['Ingress'],
      ingress: [allowFrom('role == "web"', `team == "team-${i % 20}"`)],
      egress: [],
      doNotTrack: false,
      preDNAT: false,
      applyOnForward: false,
    },
  };
}

function kubernetesPolicy(i: number, within: string, app: string): KubernetesNetworkPolicyResource {
  return {
    apiVersion: NETWORKING_API,
    kind: 'KubernetesNetworkPolicy',
    metadata: metadata(`kubernetes-${i}`, {}, within),
    spec: {
      podSelector: { matchLabels: { app }, matchExpressions: [] },
      policyTypes: ['Ingress'],
      ingress: [
        {
          peers: [{ podSelector: { matchLabels: { role: 'web' }, matchExpressions: [] } }],
          ports: [{ protocol: 'TCP', port: 8080 }],
        },
      ],
      egress: [],
    },
  };
}

export function namespacedPolicy(i: number, within: string, app: string): NetworkPolicyResource {
  return {
    apiVersion: CALICO_API,
    kind: 'NetworkPolicy',
    metadata: metadata(`policy-${i}`, {}, within),
    spec: {
      tier: 'default',
      order: i,
      selector: `app == "${app}"`,
      types: ['Ingress', 'Egress'],
      ingress: [allowFrom('role in {"web", "api"}')],
      egress: [allowFrom('role == "db"', 'stage == "production"')],
    },
  };
}
