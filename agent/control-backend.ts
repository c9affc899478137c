/** The agent as the control API sees it: plain views of what it knows, and documents into its store. */
import { familyOf } from '../bgp/family.js';
import type { PeerStatus, RouteDetail, RouteTable } from '../bgp/speaker/contract.js';
import { compareAddresses } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { parseResource } from '../core/resources/parse.js';
import { describeProblem } from '../core/resources/problems.js';
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../core/resources/resource.js';
import { describeRouteRefusal } from '../ipip/desired.js';
import type { StoreError } from '../store/port.js';
import { describeStoreError } from '../store/results.js';
import type { Agent } from './agent.js';
import { noBfd } from './bfd-watch.js';
import { type ControlBackend, ControlFailure, type IpamBackend } from './control/backend.js';
import type { EndpointPolicyView, ExplainQuery, ExplainView } from './control/policy-types.js';
import type { TopologyExplainView, TopologyView } from './control/topology-types.js';
import type {
  AgentStatus,
  ApplyRequest,
  ApplyResponse,
  ApplyResult,
  BfdView,
  ClearPeerRequest,
  DeleteHostResult,
  Hello,
  HostsView,
  KernelView,
  PeerView,
  ResourcesView,
  RoutesPage,
  RoutesQuery,
  RouteView,
  StoredView,
  TunnelCheckView,
  WatchTopic,
} from './control/types.js';
import { endpointPolicy } from './filter/endpoint-policy.js';
import { explain } from './filter/explain.js';
import { removeHost } from './host-removal.js';
import { metricsText } from './metrics/text.js';
import { sessionEffects } from './session-effects.js';
import { agentStatus } from './status.js';
import { StoredDocuments, unwrap } from './stored-documents.js';
import { readTopology, readTopologyOf } from './topology/read-topology.js';
import { checkTunnels } from './tunnel-check.js';

export class AgentBackend implements ControlBackend {
  readonly #agent: Agent;
  readonly #documents: StoredDocuments;
  readonly #shutdown: () => void;

  /** @param shutdown begins to end the process with a goodbye to every peer */
  constructor(agent: Agent, shutdown: () => void) {
    this.#agent = agent;
    this.#documents = new StoredDocuments(agent);
    this.#shutdown = shutdown;
  }

  hello(): Hello {
    const { version, nodeName } = this.#agent.options;
    return { pid: process.pid, version, nodeName };
  }

  status(): AgentStatus {
    return agentStatus(this.#agent);
  }

  async peers(): Promise<readonly PeerView[]> {
    const peers = await this.#agent.speaker.currentPeers();
    const { sessions } = await this.bfd();
    const bfdSessions = new Map(sessions.map(session => [session.address, session]));
    return peers
      .toSorted((a, b) => compareAddresses(a.address, b.address) || a.port - b.port)
      .map(peer => {
        const bfdSession = bfdSessions.get(peer.address);
        return bfdSession === undefined ? peer : { ...peer, bfdSession };
      });
  }

  topology(): Promise<TopologyView> {
    return readTopology(this.#agent);
  }

  topologyOf(node: string): TopologyExplainView {
    return readTopologyOf(this.#agent, node);
  }

  async bfd(): Promise<BfdView> {
    const { sessions, discarded } = (await this.#agent.speaker.bfd?.view()) ?? noBfd;
    return { sessions: sessions.toSorted((a, b) => compareAddresses(a.address, b.address)), discarded };
  }

  async routes(
    query: RoutesQuery & { readonly after?: string; readonly limit: number },
  ): Promise<RoutesPage> {
    const family = query.prefix === undefined ? familyWord(query.family) : familyOf(query.prefix);
    const answer = await this.#agent.speaker.queries.ask({
      kind: 'routes',
      table: await this.#table(query),
      family,
      prefix: query.prefix as Prefix | undefined,
      after: query.after as Prefix | undefined,
      limit: query.limit,
    });
    if (answer.kind !== 'routes') {
      throw new ControlFailure(503, { error: answer.kind === 'error' ? answer.message : 'no answer' });
    }
    const routes = answer.routes.map(route => this.#view(route, query.table));
    return { routes, next: answer.more ? (answer.routes.at(-1)?.prefix ?? null) : null };
  }

  setPeerEnabled({ key, dynamicFrom }: PeerStatus, enabled: boolean): boolean {
    if (dynamicFrom !== undefined) throw notSwitched(dynamicFrom);
    return kept(() => this.#agent.speaker.setPeerEnabled(key, enabled));
  }

  shutdownPeer({ key, dynamicFrom }: PeerStatus, message: string): boolean {
    if (dynamicFrom !== undefined) throw notSwitched(dynamicFrom);
    return kept(() => this.#agent.speaker.shutdownPeer(key, message));
  }

  clearPeer(peer: PeerStatus, how: ClearPeerRequest['how'], message: string): string {
    const { key } = peer;
    const problem = clearProblem(peer, this.#agent.speaker.keepsPeerDown(key), how);
    if (problem !== undefined) throw new ControlFailure(409, { error: problem });
    this.#agent.speaker.clearPeer(key, how, message);
    return clearWords[how];
  }

  listResources(kind: ResourceKind): Promise<ResourcesView> {
    return this.#documents.list(kind);
  }

  getResource(id: ResourceId): Promise<StoredView> {
    return this.#documents.get(id);
  }

  async apply(request: ApplyRequest): Promise<ApplyResponse> {
    const results: ApplyResult[] = [];
    const wanted: Resource[] = [];
    for (const { location, document } of request.documents) {
      const parsed = parseResource(document);
      if (parsed.kind === 'invalid') {
        const problems = parsed.problems.map(({ path, value, allowed }) => ({
          error: describeProblem({ path, value, allowed }),
          field: path,
          value,
          allowed,
        }));
        const id = parsed.id === undefined ? '' : formatResourceId(parsed.id);
        results.push({ location, id, outcome: 'invalid', problems });
      } else {
        wanted.push(parsed.resource);
        results.push(await this.#applyOne(location, parsed.resource, request.dryRun === true));
      }
    }
    if (request.dryRun !== true) return { results };
    const stored = unwrap(await this.#agent.options.store.list()).map(({ resource }) => resource);
    const all = lastOfEach([...stored, ...wanted]);
    const sessions = sessionEffects(this.#agent.clusterOf(stored), this.#agent.clusterOf(all));
    const { filter } = this.#agent;
    if (filter === undefined) return { results, sessions };
    return { results, sessions, packetFilter: (await filter.plan(all)) ?? null };
  }

  async deleteResource(id: ResourceId): Promise<void> {
    unwrap(await this.#agent.options.store.delete(id));
  }

  checkTunnels(node: string | undefined, signal: AbortSignal): AsyncIterable<TunnelCheckView> {
    return checkTunnels(this.#agent, node, signal);
  }

  async explain(query: ExplainQuery): Promise<ExplainView> {
    const { options, dataplane, filter } = this.#agent;
    const { nodeName } = options;
    const bestRoute = async (prefix: string) =>
      (await this.routes({ table: 'best', prefix, limit: 1 })).routes[0];
    return await explain(
      { nodeName, dataplane, filter: filter?.host, bestRoute },
      await this.#documents.all(),
      query,
    );
  }

  async policyOf(endpoint: string): Promise<EndpointPolicyView> {
    const filter = this.#agent.filter?.host;
    if (filter === undefined) {
      const why = 'its agent runs with policy.enforce off, or leaves the kernel alone';
      throw new ControlFailure(409, { error: `no policy is enforced on this host: ${why}` });
    }
    const { policy, settings } = filter;
    if (settings === undefined) {
      throw new ControlFailure(409, { error: 'what is to be enforced is not known yet: see bgpctl status' });
    }
    let countersProblem = '';
    const counters = await filter.counters().catch((error: Error) => {
      countersProblem = error.message;
      return undefined;
    });
    const view = endpointPolicy({ policy, settings }, endpoint, counters);
    return { ...view, inForce: filter.status()?.inForce === true, countersProblem };
  }

  hosts(): Promise<HostsView> {
    return this.#agent.reports.view();
  }

  deleteHost(node: string, force: boolean): Promise<DeleteHostResult> {
    return removeHost(this.#agent, node, force);
  }

  ipam(): IpamBackend {
    const { ipam } = this.#agent;
    if (ipam === undefined) throw new ControlFailure(409, { error: 'this agent manages no addresses' });
    return ipam.views;
  }

  async metrics(): Promise<string> {
    return metricsText(this.status(), await this.peers());
  }

  dumpTable(): AsyncIterable<Uint8Array> {
    return this.#agent.speaker.monitoring.dumpTable();
  }

  recordSessions(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#agent.speaker.monitoring.recordSessions(signal);
  }

  subscribe(topic: WatchTopic, changed: () => void): () => void {
    switch (topic) {
      case 'hosts':
        return this.#agent.reports.follow(changed);
      case 'topology': {
        // The plan and what hosts say of it, and the sessions of this one.
        const ends = [this.#agent.reports.follow(changed), this.#agent.subscribe('peers', changed)];
        return () => {
          for (const end of ends) end();
        };
      }
      default:
        return this.#agent.subscribe(topic, changed);
    }
  }

  shutdown(): void {
    this.#shutdown();
  }

  async #applyOne(location: string, resource: Resource, dryRun: boolean): Promise<ApplyResult> {
    const { store } = this.#agent.options;
    const id = formatResourceId(resourceIdOf(resource));
    const result = (outcome: ApplyResult['outcome']): ApplyResult => ({
      location,
      id,
      outcome,
      problems: [],
    });
    // Somebody else may write the same document at the same time; the last one to apply wins, as with any apply.
    for (let attempt = 1; ; attempt++) {
      const found = await store.get(resourceIdOf(resource));
      if (found.kind === 'error' && found.error.kind !== 'not-found')
        return failed(location, id, found.error);
      const same = found.kind === 'ok' && sameResource(found.value.resource, resource);
      if (same && found.value.lastGood !== true) return result('unchanged');
      const outcome = found.kind === 'ok' ? 'updated' : 'created';
      if (dryRun) return result(outcome);
      const written =
        found.kind === 'ok'
          ? await store.update(resource, found.value.revision)
          : await store.create(resource);
      if (written.kind === 'ok') return result(outcome);
      const raced = written.error.kind === 'conflict' || written.error.kind === 'already-exists';
      if (!raced || attempt === 5) return failed(location, id, written.error);
    }
  }

  async #table(query: RoutesQuery): Promise<RouteTable> {
    if (query.table === 'best' || query.table === 'all-paths') return { kind: query.table };
    const peers = await this.peers();
    const peer = peers.find(({ key, address, name }) => [key, address, name].includes(query.peer ?? ''));
    if (peer === undefined) {
      throw new ControlFailure(404, {
        error: `there is no peer ${query.peer ?? ''}`,
        field: 'peer',
        value: query.peer ?? '',
        allowed: peers.map(({ name, address }) => name || address).join(', '),
      });
    }
    return { kind: query.table, peer: peer.key };
  }

  #view(route: RouteDetail, table: RoutesQuery['table']): RouteView {
    const kernel =
      route.best && (table === 'best' || table === 'all-paths') ? this.#kernel(route) : undefined;
    return kernel === undefined ? route : { ...route, kernel };
  }

  #kernel({ prefix, from }: RouteDetail): KernelView | undefined {
    const { dataplane } = this.#agent;
    if (dataplane === undefined) return undefined;
    if (from === 'own') return { state: 'own' };
    const refusal = dataplane.refusals().get(prefix);
    if (refusal !== undefined) return { state: 'refused', reason: describeRouteRefusal(refusal) };
    const state = dataplane.stateOf(prefix);
    return typeof state === 'string' ? { state } : { state: 'refused', reason: state.error };
  }
}

const clearWords: Readonly<Record<ClearPeerRequest['how'], string>> = {
  hard: 'the session ends (Cease/Administrative Reset) and begins anew',
  'soft-in':
    'it is asked for all its routes again (a change of policy needs no such thing: what it told is kept)',
  'soft-out': 'it is told all our routes again',
};

/** What makes itself by dialling would be back at once: only a document of its own can keep it down. */
/** The last of a name counts. */
function lastOfEach(resources: readonly Resource[]): readonly Resource[] {
  return [...new Map(resources.map(each => [formatResourceId(resourceIdOf(each)), each])).values()];
}

function notSwitched(range: string): ControlFailure {
  const error = `it is a peer of the range ${range}, and back whenever it dials: give it a BGPPeer with its address, which can be shut down, or clear it`;
  return new ControlFailure(409, { error });
}

function clearProblem(
  { state, session, info }: PeerStatus,
  keptDown: boolean,
  how: ClearPeerRequest['how'],
): string | undefined {
  if (keptDown) return `there is no session to clear: it is ${info || 'administratively down'}`;
  if (how === 'hard') return undefined;
  if (state !== 'Established') return `there is no session to refresh: it is ${state}`;
  if (how === 'soft-in' && session?.routeRefresh === 'none') {
    return 'the peer has no route refresh (RFC 2918): only a reset of the session makes it tell its routes again';
  }
  return undefined;
}

/** Runs what writes to the state directory. */
function kept<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ControlFailure(503, {
      error: `nothing was changed, as it could not be kept over a restart: ${problem}`,
    });
  }
}

function familyWord(family: 'ipv4' | 'ipv6' | undefined) {
  return family === 'ipv6' ? 'ipv6-unicast' : 'ipv4-unicast';
}

/** Labels may stand in any order. */
function sameResource(a: Resource, b: Resource): boolean {
  return inOrder(a) === inOrder(b);
}

function inOrder(resource: Resource): string {
  return JSON.stringify(resource, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

function failed(location: string, id: string, error: StoreError): ApplyResult {
  return { location, id, outcome: 'failed', problems: [{ error: describeStoreError(error) }] };
}
