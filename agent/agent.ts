/**
 * SHELL: one host's agent. Wires the store's changes to the calculators, their output to the speaker and the dataplane, and best routes
 * from the one to the other. Keeps what `bgpctl status` shows. What is decided is decided elsewhere.
 */

import {
  type NodeResource,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../core/resources/resource.js';
import { Dataplane } from '../ipip/dataplane.js';
import { type HostIntent, interfacesByAddress, linkLocalsByInterface } from '../ipip/kernel-facts.js';
import type { TunnelHost } from '../ipip/tunnel-driver.js';
import type { InvalidDocument } from '../store/port.js';
import { AgentSpeaker } from './agent-speaker.js';
import type { ResourceChange } from './calculators/calculator.js';
import type { Condition } from './calculators/condition.js';
import type { Cluster } from './cluster.js';
import type { WatchTopic } from './control/types.js';
import { AgentFilter } from './filter/agent-filter.js';
import { FirstSync } from './first-sync.js';
import { HostLife } from './host-life.js';
import { HostPasswords } from './host-passwords.js';
import { HostTunnels } from './host-tunnels.js';
import { AgentIpam } from './ipam/agent-ipam.js';
import { newCluster } from './new-cluster.js';
import type { AgentOptions, AgentState } from './options.js';
import { OrderedGate } from './ordered-gate.js';
import { OwnNodeKeeper } from './own-node-keeper.js';
import { HostReports } from './report/host-reports.js';
import { feedFrom, ResourceFeed } from './resource-feed.js';
import type { Sessions } from './session-effects.js';
import type { TopologyProgress } from './topology/cluster-hosts.js';
import { TopologyWatch } from './topology/topology-watch.js';

export class Agent {
  readonly options: AgentOptions;
  readonly cluster: Cluster;
  readonly dataplane: Dataplane | undefined;
  readonly speaker: AgentSpeaker;
  /** Undefined: no policy is enforced here. */
  readonly filter: AgentFilter | undefined;
  readonly startedUnixMs = Date.now();
  readonly state: AgentState = {
    store: 'loading',
    storeDetail: '',
    storeCopy: false,
    storeSinceUnixMs: undefined,
    speaker: 'starting',
    speakerRestarts: 0,
    listening: [],
    listenErrors: [],
    ribInSync: new Map(),
    invalid: [],
    ownStatusProblem: undefined,
  };
  readonly ownNode: OwnNodeKeeper;
  readonly tunnels: HostTunnels;
  readonly life: HostLife;
  readonly topology: TopologyWatch;
  readonly reports: HostReports;
  /** Undefined: it manages no addresses. */
  readonly ipam: AgentIpam | undefined;
  readonly #feed: ResourceFeed;
  readonly #subscribers = new Map<WatchTopic, Set<() => void>>();
  readonly #ending = new AbortController();
  readonly #firstSync = new FirstSync(() => this.#mayDelete());
  readonly #gate: OrderedGate;
  readonly #passwords: HostPasswords;
  /** This host is one of the cluster: it acts by its documents. */
  #member = false;
  #intent: HostIntent | undefined;

  constructor(options: AgentOptions) {
    this.options = options;
    const { clock } = options;
    this.cluster = newCluster(this.options);
    this.#passwords = new HostPasswords(clock, options.readPassword ?? noPassword, () => this.#recalculate());
    this.tunnels = this.#newTunnels();
    this.#gate = new OrderedGate(clock, GUARD_PATIENCE_MS);
    this.ownNode = this.#newOwnNode();
    this.#feed = new ResourceFeed({
      changes: changes => this.#changes(changes),
      inSync: () => this.#storeInSync(),
      copyTold: () => this.#copyTold(),
      invalid: documents => this.#invalid(documents),
      unavailable: detail => this.#storeUnavailable(detail),
    });
    this.ipam = this.#newIpam();
    this.life = this.#newLife();
    this.reports = new HostReports(this);
    this.dataplane = options.dataplane === 'none' ? undefined : this.#newDataplane();
    this.filter = this.#newFilter();
    this.speaker = this.#newSpeaker();
    this.topology = new TopologyWatch({
      clock,
      inForce: () => this.cluster.topology.inForce,
      arranged: () => this.cluster.arranged,
      ask: query => this.speaker.queries.ask(query),
      changed: () => this.#tell('status'),
    });
  }

  /** Follows the store until {@link stop}. */
  async run(): Promise<void> {
    await feedFrom(this.options.store, this.#feed, this.#ending.signal);
  }

  /**
   * Ends everything and leaves the kernel's routes as they are. `silent`: peers with graceful restart are not told, so that they keep
   * our routes until the next start.
   */
  async stop(goodbye: 'silent' | 'cease', message: string): Promise<void> {
    this.#ending.abort();
    this.ipam?.close();
    const lifeClosed = this.life.close();
    this.reports.close();
    this.ownNode.close();
    this.topology.close();
    this.#passwords.close();
    const tunnelsClosed = this.tunnels.close();
    await this.speaker.close(goodbye, message);
    this.dataplane?.close();
    this.filter?.close();
    this.options.tunnels?.close();
    await tunnelsClosed;
    await lifeClosed;
    await this.options.store.close();
  }

  /** When routes that were found at start and that nobody has announced go. */
  get staleDeadlineUnixMs(): number {
    return this.startedUnixMs + this.options.gracefulRestart.selectionDeferralSeconds * 1000;
  }

  /** Resolves once the RIB has been in sync, by itself or by time-out, and everything in it was taken. */
  get inSync(): Promise<void> {
    return this.#firstSync.tables;
  }

  get resources(): number {
    return this.#feed.size;
  }

  /** Those of a kind that are in force. */
  documents<K extends ResourceKind>(kind: K): readonly Extract<Resource, { readonly kind: K }>[] {
    return this.#feed.list(kind);
  }

  /** The good version of a document that is in force. */
  document(id: ResourceId): Resource | undefined {
    return this.#feed.get(id);
  }

  /** All that are in force. */
  allDocuments(): readonly Resource[] {
    return this.#feed.all();
  }

  get conditions(): readonly Condition[] {
    return this.cluster.conditions;
  }

  /** How far this host is with the arrangement of sessions that the plan asks for. */
  topologyProgress(): TopologyProgress {
    return (
      this.topology.progress ?? { generation: 0, inSync: false, detail: 'it has just begun', waitsFor: [] }
    );
  }

  /** What this host would make of a cluster of these documents, the last of a name counting. */
  clusterOf(resources: readonly Resource[]): Sessions {
    const cluster = newCluster(this.options);
    for (const resource of resources) cluster.onChange({ kind: 'changed', resource });
    cluster.setHostPasswords(this.#passwords.read(cluster.hostPasswordSources));
    cluster.flush();
    return cluster.sessions;
  }

  subscribe(topic: WatchTopic, changed: () => void): () => void {
    const subscribers = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, subscribers.add(changed));
    return () => subscribers.delete(changed);
  }

  // ---------------------------------------------------------------- store

  #changes(changes: readonly ResourceChange[]): void {
    for (const change of changes) {
      const mended = this.#member ? this.ownNode.mended(change) : undefined;
      this.cluster.onChange(mended === undefined ? change : { kind: 'changed', resource: mended });
      this.filter?.onChange(change);
      this.ipam?.onChange(change);
      const { kind, name } = change.kind === 'deleted' ? change.id : resourceIdOf(change.resource);
      const isOwn = kind === 'NodeStatus' && name === this.options.nodeName;
      if (this.#member && isOwn) this.tunnels.statusStrayed();
    }
    this.life.review();
    if (this.#member) this.#recalculate();
    this.#tell('resources');
  }

  #storeInSync(): void {
    this.state.store = 'in-sync';
    this.state.storeDetail = '';
    this.state.storeSinceUnixMs = undefined;
    this.state.storeCopy = false;
    if (!this.#firstSync.storeRead) this.options.log.info({ resources: this.#feed.size }, 'store in sync');
    this.#firstSync.storeInSync();
    void this.life.inSync();
    if (!this.#member) return;
    this.ipam?.inSync();
    void this.ownNode.request();
    this.#recalculate();
  }

  /** The store is away: this host goes on as it was, and deletes nothing that may belong to what it has not read. */
  #copyTold(): void {
    this.options.log.warn({ resources: this.#feed.size }, 'the store is away: begun from a copy of it');
    this.state.storeCopy = true;
    if (this.cluster.ownNode !== undefined) this.life.goOn();
  }

  /** The name and the address of this host are its own. */
  #admitted(): void {
    // The speaker's identity is that of our own Node: it must be there before the speaker begins.
    void this.ownNode.request().then(() => {
      if (!this.#member && this.life.standing.kind === 'member') this.#begin();
    });
  }

  #begin(): void {
    this.#member = true;
    this.ipam?.inSync();
    this.#recalculate();
    this.#inOrder(() => {
      if (this.#member) this.speaker.begin();
    });
  }

  /** Sessions end with a goodbye; what the kernel has stays. */
  #withheld(reason: string): void {
    this.options.withheld?.(reason);
    this.#member = false;
    void this.ownNode.request();
    this.speaker.withhold();
  }

  #regained(): void {
    void this.ownNode.request();
    this.tunnels.statusStrayed();
  }

  #storeUnavailable(detail: string): void {
    if (this.state.storeDetail !== detail) this.options.log.warn({ detail }, 'store unavailable');
    this.state.store = 'unavailable';
    this.state.storeSinceUnixMs ??= Date.now();
    this.state.storeDetail = detail;
    this.#tell('status');
  }

  #invalid(documents: readonly InvalidDocument[]): void {
    this.state.invalid = documents;
    this.filter?.invalid(documents);
    if (this.#member) this.filter?.flush();
    for (const { location, id, problems } of documents) {
      this.options.log.warn({ location, problems }, 'invalid document ignored');
      if (id?.name === this.options.nodeName && this.#member) this.#ownRuined(id);
    }
    this.#tell('status');
  }

  #ownRuined({ kind }: ResourceId): void {
    if (kind === 'Node') void this.ownNode.request();
    if (kind === 'NodeStatus') this.tunnels.statusStrayed();
  }

  #recalculate(): void {
    this.tunnels.prepare();
    const passwords = this.#passwords.look(this.cluster.hostPasswordSources);
    if (passwords !== undefined) this.cluster.setHostPasswords(passwords);
    const { commands, identityChanged, intent } = this.cluster.flush();
    if (intent !== undefined) {
      this.#intent = intent;
      this.tunnels.take(intent);
      this.#tellDataplane();
      this.options.intentChanged?.(intent);
    }
    this.filter?.flush(intent);
    this.#inOrder(() => {
      this.speaker.send(commands);
      if (identityChanged) this.speaker.restart('the AS number or router id changed');
      this.topology.review();
    });
    this.tunnels.publish();
    this.ownNode.review();
    this.ipam?.review();
    this.#tell('status');
  }

  /** A workload has a route once it is guarded. */
  #tellDataplane(): void {
    if (this.#intent === undefined) return;
    const intent = this.filter === undefined ? this.#intent : this.filter.guard(this.#intent);
    if (intent !== undefined) this.dataplane?.setIntent(intent);
  }

  /** After what the guard must know first: a peer is one whose packets are accepted. */
  #inOrder(action: () => void): void {
    this.#gate.run(action, () => {
      const waits = [this.tunnels.ready(), this.filter?.ready()].filter(wait => wait !== undefined);
      return waits.length === 0 ? undefined : Promise.all(waits);
    });
  }

  #guardChanged(): void {
    this.tunnels.reviewed();
    // A device may wait for it.
    this.dataplane?.review();
  }

  /** A document of ours was written: what it says is in force at once. */
  #wrote(resource: Resource): void {
    this.cluster.onChange({ kind: 'changed', resource });
    if (this.#member) this.#recalculate();
  }

  #newLife(): HostLife {
    const own = { kind: 'Node', name: this.options.nodeName } as const;
    return new HostLife(this.options, {
      list: kind => this.#feed.list(kind),
      nodes: () => this.#feed.count('Node'),
      ownNode: () => this.#feed.get(own) as NodeResource | undefined,
      nodesWith: address => this.cluster.nodesWith(address),
      ipam: this.ipam?.host.context,
      admit: () => this.#admitted(),
      withhold: reason => this.#withheld(reason),
      regained: () => this.#regained(),
      changed: () => this.#tell('status'),
    });
  }

  #newIpam(): AgentIpam | undefined {
    const { nodeName, store, clock, log, addressRecord: durable, dataplane } = this.options;
    if (durable === undefined) return undefined;
    const { tunnels } = this.cluster;
    return new AgentIpam({
      ...{ nodeName, store, clock, log, durable, unixMs: Date.now },
      withheld: () => this.life.withheldName,
      tunnelFamilies: () => (dataplane === 'none' ? [] : tunnels.addressedFamilies()),
      writtenTunnelAddress: family => tunnels.addressOf(nodeName, family),
      tunnelAddresses: addresses => {
        if (dataplane === 'none' || !tunnels.setAssigned(addresses)) return;
        if (this.#member) this.#recalculate();
      },
      changed: () => this.#tell('status'),
    });
  }

  /** The kernel may have other addresses. */
  #readdressed(): void {
    this.life.review();
    this.life.readdressed();
    this.ownNode.review();
  }

  #newOwnNode(): OwnNodeKeeper {
    const { nodeName, store, clock, log } = this.options;
    return new OwnNodeKeeper({
      nodeName,
      store,
      clock,
      nodeAddress: family => this.life.nodeAddress(family),
      withheld: () => this.life.withheldName,
      confirmed: () => this.life.confirmName(),
      known: () => this.cluster.ownNode,
      identity: node => ({ ...this.cluster.ownIdentityOf(node), asNumber: this.options.asNumber }),
      written: node => this.#wrote(node),
      changed: () => this.#tell('status'),
      warn: problem => log.warn({ problem }, 'own Node document'),
    });
  }

  #newTunnels(): HostTunnels {
    const { nodeName, version, clock, store, tunnels } = this.options;
    return new HostTunnels({
      nodeName,
      version,
      clock,
      store,
      withheld: () => this.life.standing.kind !== 'member',
      cluster: this.cluster,
      guards: tunnels?.newGuards(() => this.#guardChanged()),
      udp: tunnels?.newUdp(() => this.tunnels.reviewed()),
      externalNodes: tunnels?.externalNodes ?? [],
      recalculate: () => {
        if (this.#member && !this.#ending.signal.aborted) this.#recalculate();
      },
      statusProblem: problem => {
        this.state.ownStatusProblem = problem;
        this.#tell('status');
      },
    });
  }

  // ---------------------------------------------------------------- speaker

  #newSpeaker(): AgentSpeaker {
    return new AgentSpeaker({
      agent: this.options,
      state: this.state,
      peer: key => this.cluster.peer(key),
      taker: this.dataplane,
      watchNextHops: nextHops => this.dataplane?.watchNextHops(nextHops),
      synced: family => {
        this.#firstSync.tableInSync(family);
        this.#tell('status');
      },
      resumed: () => this.tunnels.statusStrayed(),
      tell: topic => this.#tell(topic),
    });
  }

  /** Once the store and the RIB have both been in sync. */
  #mayDelete(): void {
    this.dataplane?.allowDeletions();
    this.tunnels.allowRemovals();
  }

  // ---------------------------------------------------------------- kernel

  #newDataplane(): Dataplane {
    const { clock, metric, log } = this.options;
    return new Dataplane({
      clock,
      metric,
      tunnelHost: {
        ...(this.options.tunnels?.host ?? noTunnelHost),
        guardOf: kind => this.tunnels.guardOf(kind),
      },
      handler: {
        nextHops: statuses => this.speaker.nextHopStatus(statuses.map(status => ({ ...status, metric: 0 }))),
        ownAddresses: addresses => this.speaker.ownAddresses(addresses),
        looked: facts => {
          this.options.looked?.(facts);
          this.filter?.looked(facts);
          const changed = this.cluster.setInterfaces(
            interfacesByAddress(facts),
            linkLocalsByInterface(facts),
          );
          if (changed && this.#member) this.#recalculate();
          else if (this.#member) this.filter?.flush();
          this.#readdressed();
        },
        tunnelsChanged: () => {
          if (this.dataplane !== undefined) this.tunnels.kernelChanged(this.dataplane);
          if (this.#member) this.filter?.flush();
        },
        changed: () => this.#tell('status'),
        log: (level, message, detail) => log[level]({ detail }, message),
      },
    });
  }

  #newFilter(): AgentFilter | undefined {
    const { nodeName, clock, filter: ports, log } = this.options;
    if (ports === undefined || this.dataplane === undefined) return undefined;
    return new AgentFilter({
      nodeName,
      clock,
      ports,
      cluster: this.cluster,
      dataplane: () => this.dataplane,
      guardedChanged: () => this.#tellDataplane(),
      changed: () => this.#tell('status'),
      log,
    });
  }

  #tell(topic: WatchTopic): void {
    for (const changed of this.#subscribers.get(topic) ?? []) changed();
    if (topic === 'status' && this.#member) this.reports.changed();
    if (topic !== 'peers') return;
    this.topology.review();
    this.#tell('status');
  }
}

/** What the speaker is told waits no longer for the guard of the tunnels. */
const GUARD_PATIENCE_MS = 5000;

const noTunnelHost: Omit<TunnelHost, 'guardOf'> = {
  looseReversePath: () => undefined,
  settleChecksums: () => undefined,
};

const noPassword = () => ({ kind: 'missing', problem: 'this agent reads no passwords of its host' }) as const;
