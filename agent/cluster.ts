/**
 * What the cluster's documents mean for this host (pure): every calculator, fed with every change; on `flush`, what the speaker must be
 * told and what the dataplane is to intend.
 */
import type {
  GracefulRestartConfig,
  PeerConfig,
  PeerRangeConfig,
  SpeakerCommand,
  SpeakerConfig,
} from '../bgp/speaker/contract.js';
import { speakerDefaults } from '../bgp/speaker/defaults.js';
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type {
  NodeResource,
  NodeStatusResource,
  WorkloadEndpointResource,
} from '../core/resources/resource.js';
import type { HostIntent } from '../ipip/kernel-facts.js';
import { workloadInterfacePrefixes } from '../policy/filter-settings.js';
import { BgpSettingsCalculator } from './calculators/bgp-settings.js';
import { afterChange, type ResourceChange, sameValue } from './calculators/calculator.js';
import type { Condition } from './calculators/condition.js';
import { ConflictsCalculator } from './calculators/conflicts.js';
import { ExportPolicyCalculator } from './calculators/export-policy.js';
import { FelixSettingsCalculator } from './calculators/felix-settings.js';
import { MeshPeersCalculator } from './calculators/mesh-peers.js';
import { nodeAddress } from './calculators/node-view.js';
import { OwnRoutesCalculator } from './calculators/own-routes.js';
import { type HostPasswordSource, hostSourceKey, type Password } from './calculators/passwords.js';
import { type AgentMode, defaultPeerTimers, type PeerTimers } from './calculators/peer-context.js';
import { PeerRangesCalculator } from './calculators/peer-ranges.js';
import { type SpeakerSettings, SpeakerSettingsCalculator } from './calculators/speaker-settings.js';
import type { TopologyCalculator } from './calculators/topology.js';
import { type OwnAddresses, TunnelsCalculator } from './calculators/tunnels.js';
import type { OwnIdentity } from './own-node.js';
import type { Sessions } from './session-effects.js';
import type { ArrangedSession } from './topology/progress.js';

export interface ClusterOptions {
  readonly nodeName: string;
  readonly gracefulRestart: GracefulRestartConfig;
  /** This process came back to a kernel that forwards by our routes. */
  readonly restarting: boolean;
  readonly timers?: PeerTimers;
  /** A host of the cluster, unless it is said otherwise. */
  readonly mode?: AgentMode;
  /** Of our routes in the kernel. */
  readonly routeMetric?: number;
  readonly bmpStations?: SpeakerConfig['bmpStations'];
  /** Where to listen, whatever the documents say; undefined leaves it to them. */
  readonly listen?: SpeakerConfig['listen'] | undefined;
}

export interface ClusterOutput {
  readonly commands: readonly SpeakerCommand[];
  /** AS number or router id changed: the speaker must be started anew. */
  readonly identityChanged: boolean;
  /** Undefined if it is what it was. */
  readonly intent: HostIntent | undefined;
}

export class Cluster {
  readonly felix: FelixSettingsCalculator;
  readonly #options: ClusterOptions;
  readonly #settings: SpeakerSettingsCalculator;
  readonly #mode: AgentMode;
  readonly #peers: MeshPeersCalculator;
  readonly #ranges: PeerRangesCalculator;
  readonly #bgpSettings: BgpSettingsCalculator;
  readonly #ownRoutes: OwnRoutesCalculator;
  readonly #exportPolicy: ExportPolicyCalculator;
  readonly #conflicts = new ConflictsCalculator();
  readonly tunnels: TunnelsCalculator;
  readonly #workloads = new Map<string, WorkloadEndpointResource>();
  readonly #nodeAddresses = new Map<string, readonly IpAddress[]>();
  readonly #blackholes = new Set<Prefix>();
  readonly #peerConfigs = new Map<string, PeerConfig>();
  readonly #rangeConfigs = new Map<string, PeerRangeConfig>();
  #interfaces: ReadonlyMap<IpAddress, string> = new Map();
  #linkLocals: ReadonlyMap<string, IpAddress> = new Map();
  #speaker: SpeakerSettings | undefined;
  #intent: HostIntent | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { nodeName, timers = defaultPeerTimers, mode = 'node', routeMetric } = options;
    this.#mode = mode;
    this.#settings = new SpeakerSettingsCalculator(nodeName);
    this.#peers = new MeshPeersCalculator({ nodeName, timers, mode });
    this.#ranges = new PeerRangesCalculator({ nodeName, timers, mode });
    this.#bgpSettings = new BgpSettingsCalculator({ nodeName, mode, routeMetric });
    this.#ownRoutes = new OwnRoutesCalculator(nodeName);
    this.#exportPolicy = new ExportPolicyCalculator(nodeName);
    this.felix = new FelixSettingsCalculator(nodeName);
    this.tunnels = new TunnelsCalculator(nodeName);
  }

  /**
   * This host's addresses with the interfaces that have them, and of each interface its link-local one; false if they are what they were.
   */
  setInterfaces(
    interfaces: ReadonlyMap<IpAddress, string>,
    linkLocals: ReadonlyMap<string, IpAddress>,
  ): boolean {
    const known = sameValue([...this.#interfaces, ...this.#linkLocals], [...interfaces, ...linkLocals]);
    if (known) return false;
    this.#interfaces = interfaces;
    this.#linkLocals = linkLocals;
    for (const each of [this.#peers, this.#ranges]) each.setInterfaces(interfaces, linkLocals);
    return true;
  }

  onChange(change: ResourceChange): void {
    this.#settings.onChange(change);
    this.#peers.onChange(change);
    this.#ranges.onChange(change);
    this.#bgpSettings.onChange(change);
    this.#ownRoutes.onChange(change);
    this.#exportPolicy.onChange(change);
    this.#conflicts.onChange(change);
    this.felix.onChange(change);
    this.tunnels.onChange(change);
    const { id, resource } = afterChange(change);
    const key = `${id.namespace ?? ''}/${id.name}`;
    if (id.kind === 'WorkloadEndpoint') {
      const mine = resource?.kind === 'WorkloadEndpoint' && resource.spec.node === this.#options.nodeName;
      if (mine) this.#workloads.set(key, resource);
      else this.#workloads.delete(key);
    } else if (id.kind === 'Node') {
      const node = resource?.kind === 'Node' ? resource : undefined;
      const found = [nodeAddress(node)?.address, nodeAddress(node, 'ipv6')?.address];
      this.#nodeAddresses.set(
        id.name,
        found.filter(address => address !== undefined),
      );
    }
  }

  flush(): ClusterOutput {
    const commands: SpeakerCommand[] = [];
    const before = this.#speaker;
    const settings = this.#settings.flush();
    if (settings !== undefined) {
      this.#speaker = settings;
      commands.push({ kind: 'configure', config: this.#speakerConfig(settings) });
    }
    this.#flushOwnRoutes(commands);
    const policy = this.#exportPolicy.flush();
    if (policy !== undefined) for (const each of [this.#peers, this.#ranges]) each.setExportPolicy(policy);
    const ranges = this.#ranges.flush();
    for (const key of ranges.deleted) {
      this.#rangeConfigs.delete(key);
      commands.push({ kind: 'remove-peer-range', key });
    }
    for (const [key, range] of ranges.set) {
      this.#rangeConfigs.set(key, range);
      commands.push({ kind: 'set-peer-range', range });
    }
    const peers = this.#peers.flush();
    for (const key of peers.deleted) {
      this.#peerConfigs.delete(key);
      commands.push({ kind: 'remove-peer', key });
    }
    for (const [key, peer] of peers.set) {
      this.#peerConfigs.set(key, peer);
      commands.push({ kind: 'set-peer', peer });
    }
    this.#conflicts.flush();
    const identityChanged =
      before !== undefined &&
      settings !== undefined &&
      (before.asn !== settings.asn || before.routerId !== settings.routerId);
    return { commands, identityChanged, intent: this.#changedIntent() };
  }

  /** Where on this host passwords are to be found; what is found there is told by {@link setHostPasswords}. */
  get hostPasswordSources(): readonly HostPasswordSource[] {
    const sources = [...this.#peers.passwordSources, ...this.#ranges.passwordSources];
    const ofHost = sources.filter(source => source.kind !== 'secret');
    return [...new Map(ofHost.map(source => [hostSourceKey(source), source])).values()];
  }

  /** By {@link hostSourceKey}. */
  setHostPasswords(found: ReadonlyMap<string, Password>): void {
    this.#peers.setHostPasswords(found);
    this.#ranges.setHostPasswords(found);
  }

  get ownNode(): NodeResource | undefined {
    return this.#settings.node;
  }

  get speaker(): SpeakerSettings | undefined {
    return this.#speaker;
  }

  /** As told to the speaker. */
  peer(key: string): PeerConfig | undefined {
    return this.#peerConfigs.get(key);
  }

  /** Who peers with whom. */
  get topology(): TopologyCalculator {
    return this.#peers.topology;
  }

  /** Sessions that the arrangement of hosts has, by the keys of their peers. */
  get arranged(): ReadonlyMap<string, ArrangedSession> {
    return this.#peers.arranged;
  }

  /** As told to the speaker, by their keys. */
  get sessions(): Sessions {
    return { peers: this.#peerConfigs, ranges: this.#rangeConfigs, identity: this.#speaker };
  }

  get conditions(): readonly Condition[] {
    return [
      ...this.#peers.conditions,
      ...this.#ranges.conditions,
      ...this.#bgpSettings.conditions,
      ...this.#ownRoutes.conditions,
      ...this.#conflicts.flush(),
      ...this.felix.conditions,
      ...this.tunnels.conditions(this.#ownAddresses()),
    ];
  }

  /** What this host's own Node should say of its tunnels, and of its part. */
  ownIdentityOf(node: NodeResource | undefined): OwnIdentity {
    const identity = this.tunnels.identity(this.#ownAddresses(), node);
    return this.#mode === 'node' ? identity : { ...identity, reflects: true };
  }

  /** Of any node: its confirmed blocks. */
  blocksOf(nodeName: string): readonly Prefix[] {
    return this.#conflicts.blocksOf(nodeName);
  }

  /** Names of all nodes with that address, sorted. */
  nodesWith(address: IpAddress): readonly string[] {
    return this.#conflicts.nodesWith(address);
  }

  /** What this host's own NodeStatus should say. */
  nodeStatus(version: string): NodeStatusResource['spec'] {
    const status = this.tunnels.status(version);
    return this.#mode === 'node' ? { ...status, meshFamilies: ['ipv4', 'ipv6'] } : status;
  }

  #speakerConfig(settings: SpeakerSettings): SpeakerConfig {
    const { gracefulRestart, restarting, listen, bmpStations = [] } = this.#options;
    return {
      ...speakerDefaults,
      asn: settings.asn,
      routerId: settings.routerId,
      listen: listen ?? settings.listen,
      gracefulRestart,
      restarting,
      bmpStations,
      clusterId: settings.clusterId,
      // RFC 8212. A host tells its own routes alone, by the implicit export policy, and takes what the cluster has.
      ebgpRequiresPolicy: this.#mode === 'route-reflector',
    };
  }

  #flushOwnRoutes(commands: SpeakerCommand[]): void {
    const { set, deleted } = this.#ownRoutes.flush();
    // A reflector forwards nothing: it must not be where routes lead to.
    if (this.#mode === 'route-reflector') return;
    for (const prefix of deleted) this.#blackholes.delete(prefix);
    for (const [prefix, { blackhole }] of set) {
      if (blackhole) this.#blackholes.add(prefix);
      else this.#blackholes.delete(prefix);
    }
    if (deleted.size > 0) commands.push({ kind: 'withdraw', prefixes: [...deleted] });
    if (set.size > 0)
      commands.push({ kind: 'originate', routes: [...set.values()].map(({ route }) => route) });
  }

  #ownAddresses(): OwnAddresses {
    const workloads = new Map<Prefix, string>();
    for (const { spec } of this.#workloads.values()) {
      for (const network of spec.ipNetworks) workloads.set(network, spec.interfaceName);
    }
    return { blocks: this.#ownRoutes.blocks, workloads };
  }

  #changedIntent(): HostIntent | undefined {
    const own = this.#ownAddresses();
    const underlay = new Set([
      ...[...this.#nodeAddresses.values()].flat(),
      ...[...this.#peerConfigs.values()].map(({ address }) => address),
    ]);
    const intent: HostIntent = {
      ownBlocks: [...this.#blackholes],
      pools: this.tunnels.pools(),
      ownSubnets: { ipv4: this.#speaker?.ipv4Subnet, ipv6: this.#speaker?.ipv6Subnet },
      preferredSources: { ipv4: this.#speaker?.ipv4Address, ipv6: this.#speaker?.ipv6Address },
      underlayAddresses: [...underlay],
      workloads: own.workloads,
      remoteHosts: this.tunnels.remoteHosts(),
      tunnels: this.tunnels.intent(this.felix.settings, own),
      externalNodes: this.felix.settings.externalNodes,
      workloadInterfacePrefixes: workloadInterfacePrefixes(this.felix.policyField),
    };
    if (this.#intent !== undefined && sameIntent(this.#intent, intent)) return undefined;
    this.#intent = intent;
    return intent;
  }
}

function sameIntent(a: HostIntent, b: HostIntent): boolean {
  return sameValue({ ...a, workloads: [...a.workloads] }, { ...b, workloads: [...b.workloads] });
}
