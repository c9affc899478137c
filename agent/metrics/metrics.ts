/**
 * What Prometheus is told: the agent's status and its peers as samples. Everything is read when it is asked for, so a metric cannot
 * disagree with `bgpctl`; a peer that is gone is gone from the metrics.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { FsmStateNumber } from '../../bgp/iana.js';
import { endpointText } from '../../core/ip-address.js';
import type { AgentStatus, PeerView } from '../control/types.js';

/** A registry of its own each time: counters are absolute here, which the client's are not. */
export function metricsOf(status: AgentStatus, peers: readonly PeerView[]): Registry {
  const registry = new Registry();
  agentMetrics(registry, status);
  kernelMetrics(registry, status);
  peerMetrics(registry, peers);
  return registry;
}

function agentMetrics(registry: Registry, status: AgentStatus): void {
  const one = gauges(registry);
  const { version, nodeName, speaker, store, rib } = status;
  new Gauge({
    name: 'margay_info',
    help: 'The agent; always 1.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: nodeName }, 1);
  one('margay_start_time_seconds', 'When the agent started, Unix time.', status.startedUnixMs / 1000);
  one('margay_speaker_running', '1 while the BGP speaker runs.', Number(speaker.state === 'running'));
  total(registry, 'margay_speaker_restarts_total', 'Times the speaker was started again.', speaker.restarts);
  one('margay_speaker_listen_errors', 'Endpoints that cannot be listened on.', speaker.listenErrors.length);
  one('margay_store_in_sync', '1 while the store is read and in sync.', Number(store.state === 'in-sync'));
  one('margay_store_resources', 'Documents in force.', store.resources);
  one('margay_store_invalid_documents', 'Documents ignored for errors.', status.invalidDocuments.length);
  const isMember = Number(status.membership.standing === 'member');
  one('margay_member', '1 while this host is one of the cluster; 0: it announces nothing.', isMember);
  const acts = Number(status.controller?.self === true);
  one('margay_controller', '1 while this host acts for the whole cluster.', acts);
  one('margay_rib_in_sync', '1 once every peer has told its routes, or time was up.', Number(rib.inSync));
  const conditions = new Gauge({
    name: 'margay_conditions',
    help: 'What `bgpctl status` says is wrong.',
    labelNames: ['severity'],
    registers: [registry],
  });
  for (const severity of ['warning', 'error'] as const) {
    conditions.set({ severity }, status.conditions.filter(each => each.severity === severity).length);
  }
}

function kernelMetrics(registry: Registry, { dataplane, tunnels, bmpStations }: AgentStatus): void {
  const routes = new Gauge({
    name: 'margay_kernel_routes',
    help: 'Routes of ours by what became of them in the kernel.',
    labelNames: ['state'],
    registers: [registry],
  });
  const { programmed, pending, stale, refused } = dataplane;
  for (const [state, count] of Object.entries({ programmed, pending, stale, refused: refused.length })) {
    routes.set({ state }, count);
  }
  const labelled = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const mtu = labelled('margay_tunnel_mtu_bytes', 'MTU of the tunnel device; 0: it is unavailable.', [
    'tunnel',
  ]);
  const led = labelled('margay_tunnel_routes', 'Routes that lead into the tunnel.', ['tunnel']);
  const ready = labelled('margay_tunnel_hosts_ready', 'Other hosts that receive by the tunnel.', ['tunnel']);
  for (const { tunnel, ...view } of tunnels) {
    mtu.set({ tunnel }, view.mtu);
    led.set({ tunnel }, view.routes);
    ready.set({ tunnel }, view.hostsReady);
  }
  const stations = labelled('margay_bmp_station_in_sync', '1 if the BMP station knows all.', ['station']);
  for (const station of bmpStations) {
    stations.set({ station: endpointText(station) }, Number(station.state === 'in-sync'));
  }
}

type PeerSample = readonly [suffix: string, help: string, value: (peer: PeerView) => number | undefined];

const peerGauges: readonly PeerSample[] = [
  ['up', '1 while the session is Established.', ({ state }) => Number(state === 'Established')],
  [
    'state',
    'FSM state: 1 Idle, 2 Connect, 3 Active, 4 OpenSent, 5 OpenConfirm, 6 Established.',
    ({ state }) => FsmStateNumber[state],
  ],
  ['state_since_seconds', 'When the state was entered, Unix time.', ({ sinceUnixMs }) => sinceUnixMs / 1000],
  ['hold_time_seconds', 'Negotiated hold time.', ({ session }) => session?.holdTimeSeconds],
  [
    'bfd_up',
    '1 while the BFD session with the peer is Up; none without one.',
    ({ bfdSession }) => bfdSession && Number(bfdSession.state === 'Up'),
  ],
];

const peerCounters: readonly PeerSample[] = [
  ['established_total', 'Times the session became Established.', ({ counters }) => counters.established],
  [
    'treated_as_withdraw_total',
    'Prefixes withdrawn for a malformed UPDATE (RFC 7606).',
    ({ counters }) => counters.treatedAsWithdraw,
  ],
  [
    'attributes_discarded_total',
    'Malformed attributes discarded (RFC 7606).',
    ({ counters }) => counters.attributesDiscarded,
  ],
];

/** Those with two directions. */
const peerTraffic = [
  ['messages_total', 'BGP messages.', 'messagesReceived', 'messagesSent'],
  ['updates_total', 'UPDATE messages.', 'updatesReceived', 'updatesSent'],
  ['bytes_total', 'Octets of BGP messages.', 'bytesReceived', 'bytesSent'],
] as const;

function peerMetrics(registry: Registry, peers: readonly PeerView[]): void {
  const labelNames = ['peer', 'address', 'name'];
  const labels = ({ key, address, name }: PeerView) => ({ peer: key, address, name });
  const named = (suffix: string, help: string, more: readonly string[] = []) => ({
    name: `margay_bgp_peer_${suffix}`,
    help,
    labelNames: [...labelNames, ...more],
    registers: [registry],
  });
  for (const [suffix, help, value] of peerGauges) {
    const gauge = new Gauge(named(suffix, help));
    for (const peer of peers) {
      const sample = value(peer);
      if (sample !== undefined) gauge.set(labels(peer), sample);
    }
  }
  for (const [suffix, help, value] of peerCounters) {
    const counter = new Counter(named(suffix, help));
    for (const peer of peers) counter.inc(labels(peer), value(peer) ?? 0);
  }
  for (const [suffix, help, received, sent] of peerTraffic) {
    const counter = new Counter(named(suffix, help, ['direction']));
    for (const peer of peers) {
      counter.inc({ ...labels(peer), direction: 'received' }, peer.counters[received]);
      counter.inc({ ...labels(peer), direction: 'sent' }, peer.counters[sent]);
    }
  }
  const routes = new Gauge(named('routes', 'Routes of the session.', ['kind']));
  for (const peer of peers) {
    for (const kind of ['received', 'accepted', 'advertised', 'stale'] as const) {
      routes.set({ ...labels(peer), kind }, peer.routes[kind]);
    }
  }
  const notifications = new Gauge(
    named('last_notification_time_seconds', 'When the last NOTIFICATION went, Unix time.', [
      'direction',
      'code',
      'subcode',
    ]),
  );
  for (const peer of peers) {
    for (const [direction, last] of [
      ['sent', peer.lastNotificationSent],
      ['received', peer.lastNotificationReceived],
    ] as const) {
      if (last === undefined) continue;
      const { code, subcode, atUnixMs } = last;
      notifications.set(
        { ...labels(peer), direction, code: `${code}`, subcode: `${subcode}` },
        atUnixMs / 1000,
      );
    }
  }
}

function gauges(registry: Registry) {
  return (name: string, help: string, value: number) =>
    new Gauge({ name, help, registers: [registry] }).set(value);
}

function total(registry: Registry, name: string, help: string, value: number): void {
  new Counter({ name, help, registers: [registry] }).inc(value);
}
