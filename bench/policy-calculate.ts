/**
 * What the calculation of policy costs, in this process: a cluster's documents to what one host enforces, and then single changes.
 * `node --expose-gc dist/bench/policy-calculate.js [endpoints] [policies] [endpoints of the host]`. Documents are made beforehand.
 */
import type { Prefix } from '../core/prefix.js';
import type {
  EntityRule,
  GlobalNetworkPolicyResource,
  KubernetesNetworkPolicyResource,
  NamespaceResource,
  NetworkPolicyResource,
  PolicyRule,
  ProfileResource,
} from '../core/resources/policy-documents.js';
import {
  CALICO_API,
  KUBERNETES_API,
  NETWORKING_API,
  type Resource,
  resourceIdOf,
  type WorkloadEndpointResource,
} from '../core/resources/resource.js';
import { PolicyCalculator } from '../policy/calculate/policy-calculator.js';
import { percentile } from './figures/quantiles.js';

const endpointCount = Number(process.argv[2] ?? 10_000);
const policyCount = Number(process.argv[3] ?? 1000);
const perHost = Number(process.argv[4] ?? 100);
const CHANGES = 2000;
/** Endpoints of one namespace, and of one application in it. */
const PER_NAMESPACE = 50;
const PER_APPLICATION = 5;

const namespaceCount = Math.ceil(endpointCount / PER_NAMESPACE);
const hostCount = Math.ceil(endpointCount / perHost);

// ---------------------------------------------------------------- documents

const anybody: EntityRule = { nets: [], notNets: [], ports: [], notPorts: [] };

function metadata(name: string, labels: Record<string, string> = {}, namespace?: string) {
  return { name, labels, annotations: {}, ...(namespace !== undefined && { namespace }) };
}

function namespace(i: number): NamespaceResource {
  const labels = { team: `team-${i % 20}`, stage: i % 3 === 0 ? 'production' : 'test' };
  return { apiVersion: KUBERNETES_API, kind: 'Namespace', metadata: metadata(`ns-${i}`, labels), spec: {} };
}

/** Neighbours in a namespace are on different hosts, and a host has endpoints of every kind. */
function hostOf(i: number): number {
  return (i + 7 * Math.floor(i / hostCount)) % hostCount;
}

function endpoint(i: number, more: Record<string, string> = {}): WorkloadEndpointResource {
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
      node: `host-${hostOf(i)}`,
      pod: `pod-${i}`,
      interfaceName: `cali${i}`,
      ipNetworks: [`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32` as Prefix],
      profiles: ['allow'],
      serviceAccountName: 'default',
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    },
  };
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

function allowFrom(selector: string, namespaceSelector?: string): PolicyRule {
  return {
    action: 'Allow',
    protocol: 'TCP',
    source: { ...anybody, selector, ...(namespaceSelector !== undefined && { namespaceSelector }) },
    destination: { ...anybody, ports: [{ min: 80, max: 80 }, { name: 'http' }] },
  };
}

/** Of ten, one for the whole cluster, three of Kubernetes, the rest Calico's in a namespace. */
function policy(i: number): Resource {
  if (i % 10 === 0) return globalPolicy(i);
  const within = `ns-${i % namespaceCount}`;
  const app = `app-${i % (PER_NAMESPACE / PER_APPLICATION)}`;
  return i % 10 < 4 ? kubernetesPolicy(i, within, app) : namespacedPolicy(i, within, app);
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

function namespacedPolicy(i: number, within: string, app: string): NetworkPolicyResource {
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

// ---------------------------------------------------------------- figures

/** Of CPU: what else the machine does is not in it. */
function milliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function line(name: string, text: string): void {
  console.log(`  ${name.padEnd(58)} ${text}`);
}

/** One change after another, each with a take. */
function changes(name: string, change: (i: number) => Resource): void {
  const documents = Array.from({ length: CHANGES }, (_, i) => change(i));
  let differing = 0;
  const times = documents.map(document =>
    milliseconds(() => {
      calculator.set(document);
      if (calculator.take() !== undefined) differing++;
    }),
  );
  const total = times.reduce((sum, time) => sum + time, 0);
  const at = (q: number) => percentile(times, q).toFixed(4);
  line(
    name,
    `p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms  ${Math.round((1000 * CHANGES) / total)}/s  (${differing} of ${CHANGES} changed something here)`,
  );
}

const documents: Resource[] = [
  profile,
  ...Array.from({ length: namespaceCount }, (_, i) => namespace(i)),
  ...Array.from({ length: endpointCount }, (_, i) => endpoint(i)),
  ...Array.from({ length: policyCount }, (_, i) => policy(i)),
];

console.log(`${endpointCount} endpoints, ${policyCount} policies, ${perHost} endpoints on the host:`);
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const calculator = new PolicyCalculator('host-0');
const told = milliseconds(() => {
  for (const document of documents) calculator.set(document);
});
const taken = milliseconds(() => calculator.take());
line(
  'the whole snapshot',
  `${(told + taken).toFixed(1)} ms: told ${told.toFixed(1)}, taken ${taken.toFixed(1)}`,
);
if (globalThis.gc !== undefined) {
  globalThis.gc();
  const bytes = process.memoryUsage().heapUsed - before;
  line('memory beside the documents', `${Math.round(bytes / endpointCount)} B an endpoint`);
}
const { workloads, policies, sets } = calculator.current;
const members = [...sets.values()].reduce((sum, set) => sum + set.members.size, 0);
line(
  'needed here',
  `${workloads.size} endpoints, ${policies.size} policies, ${sets.size} sets of ${members} members`,
);

const spread = (i: number) => (i * 7919) % endpointCount;
const locals = Array.from({ length: endpointCount }, (_, i) => i).filter(i => hostOf(i) === 0);
const local = (i: number) => locals[i % locals.length] as number;
changes('one label of one endpoint', i => endpoint(spread(i), { app: `app-${i % 10}` }));
changes('one label of one endpoint of this host', i =>
  endpoint(local(i), { app: `app-${(i + Math.floor(i / locals.length)) % 10}` }),
);
changes('one address of one endpoint', i => {
  const document = endpoint(spread(i));
  const ipNetworks = [`172.16.${i >> 8}.${i & 255}/32` as Prefix];
  return { ...document, spec: { ...document.spec, ipNetworks } };
});
changes('one label of one namespace', i => {
  const document = namespace(i % namespaceCount);
  return { ...document, metadata: { ...document.metadata, labels: { team: `team-${i % 19}` } } };
});
changes('the rules of one policy', i => {
  const document = namespacedPolicy(i % policyCount, `ns-${i % namespaceCount}`, `app-${i % 10}`);
  return { ...document, spec: { ...document.spec, ingress: [allowFrom(`role == "role-${i}"`)] } };
});
changes('the order of one policy', i => {
  const document = namespacedPolicy(i % policyCount, `ns-${i % namespaceCount}`, `app-${i % 10}`);
  return { ...document, spec: { ...document.spec, order: i + 0.5 } };
});
const removed = milliseconds(() => {
  for (const document of documents) calculator.remove(resourceIdOf(document));
  calculator.take();
});
line('everything removed', `${removed.toFixed(1)} ms`);
