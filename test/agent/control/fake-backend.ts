/** A control backend of canned answers. */

import { noBfd } from '../../../agent/bfd-watch.js';
import { type ControlBackend, ControlFailure } from '../../../agent/control/backend.js';
import type { EndpointPolicyView, ExplainView } from '../../../agent/control/policy-types.js';
import type { TopologyExplainView, TopologyView } from '../../../agent/control/topology-types.js';
import type {
  AgentStatus,
  BfdSessionStatus,
  HostReport,
  HostsView,
  HostView,
  PeerStatus,
  RouteView,
  SessionEffectView,
  SessionReport,
  TunnelCheckView,
  WatchTopic,
} from '../../../agent/control/types.js';
import { metricsOf } from '../../../agent/metrics/metrics.js';
import { formatResourceId } from '../../../core/resources/resource.js';
import { fakeIpam } from './fake-ipam.js';

export const NOW = Date.UTC(2026, 0, 2, 12, 0, 0);

export function peerStatus(
  fields: Omit<Partial<PeerStatus>, 'address'> & { key: string; address: string },
): PeerStatus {
  return {
    type: 'node-to-node mesh',
    name: '',
    port: 179,
    asn: 64512 as never,
    localAsn: 64512 as never,
    state: 'Idle',
    sinceUnixMs: NOW - 61_000,
    routes: { received: 0, accepted: 0, advertised: 0, stale: 0 },
    info: '',
    session: undefined,
    localAddressReason: 'node address',
    lastNotificationSent: undefined,
    lastNotificationReceived: undefined,
    counters: {
      established: 0,
      messagesReceived: 0,
      messagesSent: 0,
      updatesReceived: 0,
      updatesSent: 0,
      bytesReceived: 0,
      bytesSent: 0,
      treatedAsWithdraw: 0,
      attributesDiscarded: 0,
    },
    staleDeadlineUnixMs: undefined,
    longLivedDeadlineUnixMs: undefined,
    bfd: undefined,
    dynamicFrom: undefined,
    ...fields,
  } as PeerStatus;
}

export function routeView(prefix: string, fields: Partial<RouteView> = {}): RouteView {
  return {
    prefix,
    from: 'Mesh_10_0_0_2',
    nextHop: '10.0.0.2',
    origin: 'igp',
    asPath: '',
    localPref: 100,
    med: undefined,
    communities: [],
    largeCommunities: [],
    extendedCommunities: [],
    pathId: undefined,
    originatorId: undefined,
    clusterList: [],
    atomicAggregate: false,
    aggregator: undefined,
    best: true,
    usable: true,
    stale: false,
    reason: 'only-path',
    kernel: { state: 'programmed' },
    ...fields,
  } as RouteView;
}

export function tunnelCheck(node: string, fields: Partial<TunnelCheckView> = {}): TunnelCheckView {
  return {
    node,
    address: '10.0.0.2',
    mode: 'ipip',
    from: '10.244.1.0',
    to: '10.244.2.0',
    underlay: 'answered',
    outward: 'answered',
    small: 'answered',
    full: 'answered',
    fullBytes: 1480,
    largestBytes: null,
    rttMs: 0.254,
    finding: null,
    words: '',
    ...fields,
  };
}

export function topologyView(fields: Partial<TopologyView> = {}): TopologyView {
  const why = 'number 1 by the hash of both names, the first of rack=r1';
  return {
    node: 'host1',
    mode: 'reflectors',
    plan: {
      generation: 4,
      decidedUnixMs: NOW - 192_000,
      reasons: ['120 hosts are more than a mesh is kept for, 100'],
      heldDown: [],
      nextChangeUnixMs: null,
    },
    settings: {
      ...{ mode: 'auto', meshLimit: 100, reflectors: null, sessionsPerClient: 2, spreadBy: 'rack' },
      ...{ reflectorSelector: 'all()', replaceAfterSeconds: 60 },
    },
    hosts: ['host1', 'host2', 'host3', 'host4'],
    spreadBy: 'rack',
    reflectors: [
      { node: 'host2', spread: 'r1', clients: 1 },
      { node: 'host3', spread: 'r2', clients: 1 },
      { node: 'host4', spread: null, clients: 0 },
    ],
    clients: [{ node: 'host1', reflectors: ['host2', 'host3'] }],
    outside: [],
    transition: null,
    progress: { inSync: true, detail: '' },
    sessions: [
      {
        ...{ node: 'host2', peer: 'Mesh_10_0_0_2', part: 'reflector', stays: true, state: 'Established' },
        ...{ sinceUnixMs: NOW - 61_000, info: '', why },
      },
    ],
    ...fields,
  };
}

export function topologyExplainView(fields: Partial<TopologyExplainView> = {}): TopologyExplainView {
  return {
    node: 'host2',
    words: ['host2 is a client of 2 of the 3 reflectors'],
    reflectors: [
      { node: 'host3', spread: 'r2', chosen: true, why: 'number 1 by the hash of both names' },
      { node: 'host4', spread: null, chosen: false, why: 'number 3 by the hash of both names' },
    ],
    spreadBy: 'rack',
    ...fields,
  };
}

export function agentStatus(fields: Partial<AgentStatus> = {}): AgentStatus {
  return {
    pid: 4242,
    version: '0.1.0',
    nodeName: 'host1',
    startedUnixMs: NOW - 3_600_000,
    nodeAddress: { address: '10.0.0.1/24', reason: 'default route on eth0' },
    nodeIpv6Address: { address: 'fd00::1/64', reason: 'default route on eth0' },
    noIpv6AddressReason: '',
    speaker: {
      state: 'running',
      asn: 64512,
      routerId: '10.0.0.1',
      listening: [{ address: '0.0.0.0' as never, port: 179 }],
      listenErrors: [],
      restarts: 0,
    },
    store: {
      location: '/var/lib/margay/store',
      state: 'in-sync',
      detail: '',
      sinceUnixMs: null,
      copy: false,
      resources: 7,
    },
    membership: { standing: 'member', reason: '', instance: '1f0c9d52-6f0e-4d7c-9b59-0c6a6a3f7a11' },
    controller: { node: 'host2', self: false, sinceUnixMs: NOW - 7_200_000 },
    rib: { inSync: true, timedOut: false },
    dataplane: { kind: 'linux', programmed: 2, pending: 0, stale: 0, staleDeadlineUnixMs: null, refused: [] },
    tunnels: [],
    policy: null,
    bmpStations: [],
    peers: { total: 2, established: 2 },
    invalidDocuments: [],
    conditions: [],
    ...fields,
  };
}

export function hostReport(fields: Partial<HostReport> = {}): HostReport {
  return {
    version: '0.1.0',
    instance: '1f0c9d52-6f0e-4d7c-9b59-0c6a6a3f7a11',
    startedUnixMs: NOW - 3_600_000,
    speaker: 'running',
    asn: 64512,
    store: 'in-sync',
    ribInSync: true,
    kernel: { programmed: 2, pending: 0, refused: 0, stale: 0 },
    policyInForce: true,
    established: 1,
    sessions: [sessionReport('host2')],
    sessionsLeftOut: 0,
    conditions: [],
    conditionsLeftOut: 0,
    invalidDocuments: 0,
    ...fields,
  };
}

export function sessionReport(name: string, fields: Partial<SessionReport> = {}): SessionReport {
  return {
    ...{ key: `Mesh_${name}`, name, address: '10.0.0.2', type: 'node-to-node mesh', asn: 64512 },
    ...{ state: 'Established', sinceUnixMs: NOW - 61_000, received: 3, advertised: 1, info: '' },
    ...fields,
  };
}

export function hostView(node: string, fields: Partial<HostView> = {}): HostView {
  return {
    ...{ node, self: false, life: 'alive', deleted: false, addresses: ['10.0.0.1'] },
    ...{ seenUnixMs: NOW - 4000, reportAgeMs: 4000, report: hostReport() },
    ...fields,
  };
}

export function hostsView(fields: Partial<HostsView> = {}): HostsView {
  return {
    storeAway: null,
    controller: { node: 'host2', sinceUnixMs: NOW - 7_200_000 },
    hosts: [hostView('host1', { self: true, reportAgeMs: 0 }), hostView('host2')],
    ...fields,
  };
}

export function bfdSession(fields: Partial<BfdSessionStatus> = {}): BfdSessionStatus {
  return {
    key: '10.0.0.2',
    address: '10.0.0.2' as never,
    localAddress: '10.0.0.1' as never,
    interface: undefined,
    multihop: false,
    state: 'Up',
    verdict: 'up',
    sinceUnixMs: NOW - 61_000,
    diagnostic: { code: 0, words: 'none' },
    info: '',
    localDiscriminator: 17,
    transmitIntervalMs: 300,
    detectionTimeMs: 900,
    polling: false,
    remote: {
      discriminator: 18,
      state: 'Up',
      diagnostic: { code: 0, words: 'none' },
      minTxMs: 300,
      minRxMs: 300,
      multiplier: 3,
      controlPlaneIndependent: false,
    },
    flaps: 0,
    counters: { packetsReceived: 4, packetsSent: 5, rateLimited: 0, wrongTtl: 0 },
    ...fields,
  };
}

export function explainView(fields: Partial<ExplainView> = {}): ExplainView {
  const step = (of: ExplainView['hosts'][number]['steps'][number]) => of;
  return {
    from: { name: 'shop/web', host: 'host1' },
    to: { name: null, host: null },
    packet: {
      source: '10.65.0.1' as never,
      destination: '192.0.2.9' as never,
      protocol: 6,
      destinationPort: 443,
    },
    verdict: 'deny',
    why: 'on host1, no policy of tier default decided: its default is deny',
    policyHere: 'in-force',
    hosts: [
      {
        host: 'host1',
        here: true,
        verdict: 'deny',
        steps: [
          step({ kind: 'hook', table: 'filter', chain: 'FORWARD', words: 'FORWARD of table filter' }),
          step({ kind: 'tier', tier: 'default', words: 'tier default' }),
          step({ kind: 'decided', verdict: 'deny', why: 'tier-default', words: 'deny: the tier' }),
        ],
      },
    ],
    route: {
      kind: 'foreign',
      prefix: '0.0.0.0/0',
      legs: [{ gateway: '10.0.0.254', interface: 'eth0' }],
      learnedFrom: null,
      nextHop: null,
      problem: 'there is no route',
      words: 'host1 sends to 192.0.2.9 by the route to 0.0.0.0/0',
    },
    ...fields,
  };
}

export function endpointPolicyView(fields: Partial<EndpointPolicyView> = {}): EndpointPolicyView {
  const rule = { rule: 0, words: 'TCP to port 443', packets: 3, bytes: 252 };
  return {
    endpoint: 'WorkloadEndpoint/shop/web',
    interfaceName: 'cali1',
    disabled: false,
    guarded: true,
    inForce: true,
    countersProblem: '',
    parts: [
      {
        part: 'workload',
        direction: 'ingress',
        tiers: [
          {
            name: 'default',
            defaultAction: 'deny',
            policies: [
              { key: 'NetworkPolicy/shop/web', staged: false, rules: [{ ...rule, action: 'allow' }] },
              { key: 'StagedNetworkPolicy/shop/new', staged: true, rules: [{ ...rule, action: 'deny' }] },
            ],
          },
        ],
        profiles: [{ key: 'Profile/gone', missing: true, rules: [] }],
      },
    ],
    ...fields,
  };
}

export interface FakeBackend extends ControlBackend {
  peerList: PeerStatus[];
  routeList: RouteView[];
  topologyNow: TopologyView;
  checkList: TunnelCheckView[];
  /** After its lines it waits for the end of the connection. */
  checkHangs: boolean;
  /** Of a dry run. */
  sessionEffects: readonly SessionEffectView[];
  readonly calls: string[];
  change(topic: WatchTopic): void;
  readonly subscribers: () => number;
}

export function fakeBackend(): FakeBackend {
  const subscriptions = new Set<{ topic: WatchTopic; changed: () => void }>();
  const backend: FakeBackend = {
    peerList: [
      peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2', name: 'host2', state: 'Established' }),
    ],
    routeList: [],
    topologyNow: topologyView(),
    checkList: [],
    checkHangs: false,
    sessionEffects: [],
    calls: [],
    change: topic => {
      for (const subscription of subscriptions) if (subscription.topic === topic) subscription.changed();
    },
    subscribers: () => subscriptions.size,
    hello: () => ({ pid: process.pid, version: '0.1.0', nodeName: 'host1' }),
    status: () => agentStatus(),
    peers: async () => backend.peerList,
    bfd: async () => ({ sessions: [bfdSession()], discarded: noBfd.discarded }),
    routes: async ({ after, limit }) => {
      backend.calls.push(`routes after ${after ?? '-'} limit ${limit}`);
      const start =
        after === undefined ? 0 : backend.routeList.findIndex(route => route.prefix === after) + 1;
      const routes = backend.routeList.slice(start, start + limit);
      const more = start + limit < backend.routeList.length;
      return { routes, next: more ? (routes.at(-1)?.prefix ?? null) : null };
    },
    ipam: () => fakeIpam(backend.calls),
    metrics: async () => metricsOf(backend.status(), backend.peerList).metrics(),
    dumpTable: async function* () {
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    },
    recordSessions: async function* (signal) {
      yield Uint8Array.of(9);
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      backend.calls.push('recording ended');
    },
    shutdownPeer: ({ key }, message) => backend.calls.push(`shutdown ${key} ${message}`) > 0,
    clearPeer: ({ key }, how, message) => {
      backend.calls.push(`clear ${key} ${how} ${message}`);
      return 'it is asked for all its routes again';
    },
    setPeerEnabled: ({ key }, enabled) => backend.calls.push(`${enabled ? 'enable' : 'disable'} ${key}`) > 0,
    listResources: async () => ({ resources: [] }),
    getResource: async id => {
      throw new ControlFailure(404, { error: `${formatResourceId(id)} does not exist` });
    },
    apply: async ({ documents, dryRun }) => ({
      results: documents.map(({ location }) => ({
        location,
        id: 'Node/x',
        outcome: 'created',
        problems: [],
      })),
      ...(dryRun === true ? { sessions: backend.sessionEffects } : {}),
    }),
    deleteResource: async id => void backend.calls.push(`delete ${formatResourceId(id)}`),
    checkTunnels: async function* (node, signal) {
      backend.calls.push(`check ${node ?? 'all'}`);
      const lines = backend.checkList.filter(line => node === undefined || line.node === node);
      if (node !== undefined && lines.length === 0) {
        const allowed = backend.checkList.map(line => line.node).join(', ');
        throw new ControlFailure(404, {
          error: `no other node "${node}"`,
          field: 'node',
          value: node,
          allowed,
        });
      }
      yield* lines;
      if (backend.checkHangs) await new Promise(resolve => signal.addEventListener('abort', resolve));
      if (signal.aborted) backend.calls.push('check ended');
    },
    explain: async query => {
      backend.calls.push(`explain ${JSON.stringify(query)}`);
      return explainView();
    },
    hosts: async () => hostsView(),
    deleteHost: async (node, force) => {
      backend.calls.push(`delete host ${node}${force ? ' by force' : ''}`);
      return { node, deleted: [{ kind: 'BlockAffinity', count: 2 }], remarks: [] };
    },
    policyOf: async endpoint => endpointPolicyView({ endpoint }),
    topology: async () => backend.topologyNow,
    topologyOf: node => {
      if (node !== 'host2')
        throw new ControlFailure(404, {
          error: `no node "${node}"`,
          field: 'explain',
          value: node,
          allowed: 'host2',
        });
      return topologyExplainView();
    },
    subscribe: (topic, changed) => {
      const subscription = { topic, changed };
      subscriptions.add(subscription);
      return () => subscriptions.delete(subscription);
    },
    shutdown: () => void backend.calls.push('shutdown'),
  };
  return backend;
}
