/** The control API's client: everything `bgpctl` and the CNI plugin know of the agent. */
import { type IncomingMessage, request } from 'node:http';
import type { ResourceId, ResourceKind } from '../../core/resources/resource.js';
import type {
  AddressView,
  IpamAddressesView,
  IpamAssignment,
  IpamAssignRequest,
  IpamCheckView,
  IpamReleaseItem,
  IpamReleaseView,
  IpamView,
} from './ipam-types.js';
import type { EndpointPolicyView, ExplainQuery, ExplainView } from './policy-types.js';
import type { TopologyExplainView, TopologyView } from './topology-types.js';
import {
  type AgentStatus,
  type ApplyRequest,
  type ApplyResponse,
  type BfdView,
  type ClearPeerRequest,
  type ClearPeerResult,
  CONTROL_API_VERSION,
  type ControlProblem,
  type DeleteHostRequest,
  type DeleteHostResult,
  type Hello,
  type HostsView,
  NDJSON,
  type PeersView,
  type PeerView,
  type ResourcesView,
  type RoutesPage,
  type RoutesQuery,
  type RouteView,
  type StoredView,
  type TunnelCheckView,
} from './types.js';

export type ControlErrorKind =
  | 'not-reachable'
  | 'permission-denied'
  | 'version-mismatch'
  | 'refused'
  | 'broken-off';

/** `message` is one or two sentences for a person, with the cure where there is one. */
export class ControlError extends Error {
  readonly kind: ControlErrorKind;
  /** What the agent said, for `refused`. */
  readonly problem: ControlProblem | undefined;
  /** HTTP status, for `refused`. */
  readonly status: number | undefined;

  constructor(kind: ControlErrorKind, message: string, problem?: ControlProblem, status?: number) {
    super(message);
    this.kind = kind;
    this.problem = problem;
    this.status = status;
  }
}

/** One request per call; rejects with {@link ControlError} only. */
export class ControlClient {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  hello(): Promise<Hello> {
    return this.#json('GET', '/hello');
  }

  status(): Promise<AgentStatus> {
    return this.#json('GET', '/status');
  }

  peers(): Promise<PeersView> {
    return this.#json('GET', '/peers');
  }

  /** By key, address or name. */
  peer(peer: string): Promise<PeerView> {
    return this.#json('GET', `/peers/${encodeURIComponent(peer)}`);
  }

  bfd(): Promise<BfdView> {
    return this.#json('GET', '/bfd');
  }

  hosts(): Promise<HostsView> {
    return this.#json('GET', '/hosts');
  }

  /** @param force also where the host lives */
  deleteHost(node: string, force: boolean): Promise<DeleteHostResult> {
    const request: DeleteHostRequest = { force };
    return this.#json('POST', `/hosts/${encodeURIComponent(node)}/delete`, request);
  }

  setPeerEnabled(
    peer: string,
    enabled: boolean,
  ): Promise<{ readonly peer: string; readonly enabled: boolean }> {
    return this.#json('POST', `/peers/${encodeURIComponent(peer)}/${enabled ? 'enable' : 'disable'}`);
  }

  /** Also over restarts of the agent. */
  shutdownPeer(peer: string, message: string): Promise<{ readonly peer: string }> {
    return this.#json('POST', `/peers/${encodeURIComponent(peer)}/shutdown`, { message });
  }

  clearPeer(peer: string, how: ClearPeerRequest['how'], message: string): Promise<ClearPeerResult> {
    return this.#json('POST', `/peers/${encodeURIComponent(peer)}/clear`, { how, message });
  }

  routesPage(
    query: RoutesQuery,
    page: { readonly after?: string; readonly limit?: number },
  ): Promise<RoutesPage> {
    return this.#json('GET', `/routes?${parameters({ ...query, ...page })}`);
  }

  /** Every route of a table, as the agent sends them. */
  routes(query: RoutesQuery, signal?: AbortSignal): AsyncIterable<RouteView> {
    return this.#lines(`/routes?${parameters({ ...query })}`, signal);
  }

  resources(kind: ResourceKind): Promise<ResourcesView> {
    return this.#json('GET', `/resources/${kind}`);
  }

  resource(id: ResourceId): Promise<StoredView> {
    return this.#json('GET', resourcePath(id));
  }

  apply(documents: ApplyRequest): Promise<ApplyResponse> {
    return this.#json('POST', '/resources', documents);
  }

  deleteResource(id: ResourceId): Promise<{ readonly deleted: true }> {
    return this.#json('DELETE', resourcePath(id));
  }

  /** Of one node, or of every other one; aborting ends the probes. */
  checkTunnels(node: string | undefined, signal?: AbortSignal): AsyncIterable<TunnelCheckView> {
    return this.#lines(`/check/tunnels?${parameters({ node })}`, signal);
  }

  explain(query: ExplainQuery): Promise<ExplainView> {
    return this.#json('GET', `/explain?${parameters({ ...query })}`);
  }

  /** Of an endpoint of the agent's host. */
  policyOf(endpoint: string): Promise<EndpointPolicyView> {
    return this.#json('GET', `/policy/${encodeURIComponent(endpoint)}`);
  }

  topology(): Promise<TopologyView> {
    return this.#json('GET', '/topology');
  }

  topologyOf(node: string): Promise<TopologyExplainView> {
    return this.#json('GET', `/topology?${parameters({ explain: node })}`);
  }

  ipam(): Promise<IpamView> {
    return this.#json('GET', '/ipam');
  }

  ipamAddresses(): Promise<IpamAddressesView> {
    return this.#json('GET', '/ipam/addresses');
  }

  ipamAddress(address: string): Promise<AddressView> {
    return this.#json('GET', `/ipam/addresses/${encodeURIComponent(address)}`);
  }

  ipamCheck(): Promise<IpamCheckView> {
    return this.#json('GET', '/ipam/check');
  }

  /** Asked again with the same handle, the answer is the same. */
  ipamAssign(request: IpamAssignRequest): Promise<IpamAssignment> {
    return this.#json('POST', '/ipam/assign', request);
  }

  /** What is not there is released already. */
  ipamRelease(releases: readonly IpamReleaseItem[]): Promise<IpamReleaseView> {
    return this.#json('POST', '/ipam/release', { releases });
  }

  /** Text for Prometheus. */
  async metrics(): Promise<string> {
    return readText(await this.#send('GET', '/metrics', 'text/plain', undefined, undefined));
  }

  /** An MRT file: the whole table, or what peers say from now on, until the signal. */
  async *mrt(what: 'table' | 'sessions', signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const response = await this.#stream(`/mrt/${what}`, 'application/octet-stream', signal);
    if (response === undefined) return;
    try {
      yield* response as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (!signal?.aborted) throw brokenOff(error);
    }
  }

  shutdown(): Promise<{ readonly goodbye: true }> {
    return this.#json('POST', '/shutdown');
  }

  watchStatus(signal?: AbortSignal): AsyncIterable<AgentStatus> {
    return this.#lines('/watch/status', signal);
  }

  watchPeers(signal?: AbortSignal): AsyncIterable<PeersView> {
    return this.#lines('/watch/peers', signal);
  }

  watchHosts(signal?: AbortSignal): AsyncIterable<HostsView> {
    return this.#lines('/watch/hosts', signal);
  }

  /** As {@link watchHosts}, and whenever a session of this host changes. */
  watchTopology(signal?: AbortSignal): AsyncIterable<TopologyView> {
    return this.#lines('/watch/topology', signal);
  }

  watchBfd(signal?: AbortSignal): AsyncIterable<BfdView> {
    return this.#lines('/watch/bfd', signal);
  }

  watchResources(kind: ResourceKind, signal?: AbortSignal): AsyncIterable<ResourcesView> {
    return this.#lines(`/watch/resources?kind=${kind}`, signal);
  }

  /** The first page of a table, again whenever it changed. */
  watchRoutes(query: RoutesQuery, signal?: AbortSignal): AsyncIterable<RoutesPage> {
    return this.#lines(`/watch/routes?${parameters({ ...query })}`, signal);
  }

  // ---------------------------------------------------------------- transport

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, 'application/json', body, undefined);
    return JSON.parse(await readText(response)) as T;
  }

  async *#lines<T>(path: string, signal: AbortSignal | undefined): AsyncIterable<T> {
    const response = await this.#stream(path, NDJSON, signal);
    if (response === undefined) return;
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) yield JSON.parse(line) as T;
      }
    } catch (error) {
      if (!signal?.aborted) throw brokenOff(error);
    }
  }

  /** Undefined if the signal came first. */
  async #stream(
    path: string,
    accept: string,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage | undefined> {
    try {
      return await this.#send('GET', path, accept, undefined, signal);
    } catch (error) {
      if (signal?.aborted) return undefined;
      throw error;
    }
  }

  async #send(
    method: string,
    path: string,
    accept: string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        socketPath: this.socketPath,
        method,
        path: `/${CONTROL_API_VERSION}${path}`,
        headers: { accept },
        // A connection that is kept may be closed by the agent at the moment it is used again.
        agent: false,
      };
      const sent = request({ ...options, ...(signal === undefined ? {} : { signal }) }, resolve);
      sent.on('error', (error: NodeJS.ErrnoException) => reject(connectError(this.socketPath, error)));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const api = response.headers['margay-api'];
    if (api !== CONTROL_API_VERSION) {
      response.destroy();
      const who = api === undefined ? 'is no margay-agent' : `speaks control API ${String(api)}`;
      throw new ControlError(
        'version-mismatch',
        `what answers on ${this.socketPath} ${who}, this bgpctl speaks ${CONTROL_API_VERSION}: use the bgpctl of the agent's version`,
      );
    }
    const status = response.statusCode as number;
    if (status >= 200 && status < 300) return response;
    const problem = parseProblem(await readText(response));
    throw new ControlError('refused', problemWords(problem), problem, status);
  }
}

function brokenOff(error: unknown): ControlError {
  return new ControlError('broken-off', `the agent ended the answer midway: ${(error as Error).message}`);
}

/** "no peer "x" (allowed: ...)". */
export function problemWords(problem: ControlProblem): string {
  return problem.allowed === undefined ? problem.error : `${problem.error} (allowed: ${problem.allowed})`;
}

function connectError(socketPath: string, error: NodeJS.ErrnoException): ControlError {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new ControlError(
        'permission-denied',
        `no permission to open ${socketPath}: run as root, or as a member of the group that owns it`,
      );
    case 'ENOENT':
      return new ControlError('not-reachable', `the agent is not running: there is no socket ${socketPath}`);
    case 'ECONNREFUSED':
      return new ControlError('not-reachable', `the agent is not running: nobody listens on ${socketPath}`);
    default:
      return new ControlError(
        'not-reachable',
        `the agent does not answer on ${socketPath}: ${error.message}`,
      );
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}

function parseProblem(text: string): ControlProblem {
  try {
    const problem = JSON.parse(text) as ControlProblem;
    if (typeof problem.error === 'string') return problem;
  } catch {
    // Not JSON: shown as it is.
  }
  return { error: text.trim() || 'the agent refused without a reason' };
}

function resourcePath(id: ResourceId): string {
  const parts = [id.kind, ...(id.namespace === undefined ? [] : [id.namespace]), id.name];
  return `/resources/${parts.map(encodeURIComponent).join('/')}`;
}

function parameters(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, String(value));
  return given.toString();
}
