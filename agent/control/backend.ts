/** What the control server asks of the agent behind it. Tests give it a made-up one. */
import type { PeerStatus } from '../../bgp/speaker/contract.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { ResourceId, ResourceKind } from '../../core/resources/resource.js';
import type {
  AddressView,
  IpamAddressesView,
  IpamAssignment,
  IpamAssignRequest,
  IpamCheckView,
  IpamReleaseItem,
  IpamReleaseResult,
  IpamView,
} from './ipam-types.js';
import type { EndpointPolicyView, ExplainQuery, ExplainView } from './policy-types.js';
import type { TopologyExplainView, TopologyView } from './topology-types.js';
import type {
  AgentStatus,
  ApplyRequest,
  ApplyResponse,
  BfdView,
  ClearPeerRequest,
  ControlProblem,
  DeleteHostResult,
  Hello,
  HostsView,
  PeerView,
  ResourcesView,
  RoutesPage,
  RoutesQuery,
  StoredView,
  TunnelCheckView,
  WatchTopic,
} from './types.js';

/** Everything of it throws {@link ControlFailure} while the store is away. */
export interface IpamBackend {
  show(): Promise<IpamView>;
  addresses(): Promise<IpamAddressesView>;
  address(address: IpAddress): Promise<AddressView>;
  check(): Promise<IpamCheckView>;
  /** Throws {@link ControlFailure} where there is none to give. */
  assign(request: IpamAssignRequest): Promise<IpamAssignment>;
  release(releases: readonly IpamReleaseItem[]): Promise<readonly IpamReleaseResult[]>;
}

export interface ControlBackend {
  hello(): Hello;
  status(): AgentStatus;
  peers(): Promise<readonly PeerView[]>;
  bfd(): Promise<BfdView>;
  /** Limit 1 to 1000; `after` is the `next` of the page before. */
  routes(query: RoutesQuery & { readonly after?: string; readonly limit: number }): Promise<RoutesPage>;
  /** False if there is no such peer. Throws {@link ControlFailure} for a peer of a range, which has no switch of its own. */
  setPeerEnabled(peer: PeerStatus, enabled: boolean): boolean;
  /** The same, and throws as well if that cannot be kept over a restart. */
  shutdownPeer(peer: PeerStatus, message: string): boolean;
  /** One sentence on what happens now; throws {@link ControlFailure} where it cannot be done. */
  clearPeer(peer: PeerStatus, how: ClearPeerRequest['how'], message: string): string;
  listResources(kind: ResourceKind): Promise<ResourcesView>;
  getResource(id: ResourceId): Promise<StoredView>;
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  deleteResource(id: ResourceId): Promise<void>;
  /**
   * Probes the ways to a node, or to every other one. Throws {@link ControlFailure} where there is no such node, or nothing to probe with.
   * What is under way ends with the signal.
   */
  checkTunnels(node: string | undefined, signal: AbortSignal): AsyncIterable<TunnelCheckView>;
  /** Throws {@link ControlFailure} where the query names nobody. */
  explain(query: ExplainQuery): Promise<ExplainView>;
  /** Throws {@link ControlFailure} where no policy is enforced here, or there is no such endpoint. */
  policyOf(endpoint: string): Promise<EndpointPolicyView>;
  topology(): Promise<TopologyView>;
  /** Throws {@link ControlFailure} where there is no such node. */
  topologyOf(node: string): TopologyExplainView;
  hosts(): Promise<HostsView>;
  /** Throws {@link ControlFailure} where there is no such host, or it lives and that is not forced. */
  deleteHost(node: string, force: boolean): Promise<DeleteHostResult>;
  /** Throws {@link ControlFailure} where this agent has no address management. */
  ipam(): IpamBackend;
  /** Text for Prometheus. */
  metrics(): Promise<string>;
  /** All paths as an MRT file, in pieces. */
  dumpTable(): AsyncIterable<Uint8Array>;
  /** What peers say, as MRT records, until the signal. */
  recordSessions(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Calls back after something of the topic changed, as often as it likes; returns the way to stop it. */
  subscribe(topic: WatchTopic, changed: () => void): () => void;
  /** Begins to end the agent with a goodbye to every peer. */
  shutdown(): void;
}

/** An answer other than 2xx; anything else that a backend throws becomes a 500. */
export class ControlFailure extends Error {
  readonly status: number;
  readonly problem: ControlProblem;

  constructor(status: number, problem: ControlProblem) {
    super(problem.error);
    this.status = status;
    this.problem = problem;
  }
}
