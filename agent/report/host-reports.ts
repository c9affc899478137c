/** SHELL: what this host says of itself to the others, and what all of them say, as the store has it. */
import type { Resource, ResourceKind } from '../../core/resources/resource.js';
import type { StoredResource, StoreResult } from '../../store/port.js';
import { describeStoreError } from '../../store/results.js';
import type { Agent } from '../agent.js';
import type { HostReport, HostsView } from '../control/types.js';
import { agentStatus } from '../status.js';
import { hostsView } from './hosts-view.js';
import { hostReport, reportDocument } from './node-report.js';
import { ReportKeeper } from './report-keeper.js';
import { reportParts } from './report-parts.js';

/** Records are told by no watch: who looks on is shown them this often. */
const LOOK_MS = 5000;

export class HostReports {
  readonly #agent: Agent;
  readonly #keeper: ReportKeeper;

  constructor(agent: Agent) {
    this.#agent = agent;
    const { nodeName, store, clock } = agent.options;
    this.#keeper = new ReportKeeper({
      ...{ nodeName, store, clock, random: Math.random, unixMs: Date.now },
      report: () => this.#own(),
      withheld: () => agent.life.standing.kind !== 'member',
    });
  }

  /** Something that the report tells of may have changed. */
  changed(): void {
    this.#keeper.changed();
  }

  async view(): Promise<HostsView> {
    const { state, options, life } = this.#agent;
    const nowUnixMs = Date.now();
    const own = reportDocument(options.nodeName, await this.#own(), nowUnixMs);
    const { store } = options;
    const leases = await store.list('Lease');
    const reports = leases.kind === 'ok' ? await store.list('NodeReport') : leases;
    const failed = reports.kind === 'error' ? describeStoreError(reports.error) : undefined;
    const detail = state.storeDetail === '' ? (failed ?? '') : state.storeDetail;
    const isAway = failed !== undefined || state.store === 'unavailable';
    const away = isAway ? { sinceUnixMs: state.storeSinceUnixMs ?? nowUnixMs, detail } : undefined;
    const known = { nodes: this.#agent.documents<'Node'>('Node'), part: life.part, own, away, nowUnixMs };
    return hostsView({ ...known, leases: ofKind(leases, 'Lease'), reports: ofKind(reports, 'NodeReport') });
  }

  /** Calls back when it is time to look again. */
  follow(changed: () => void): () => void {
    const timer = setInterval(changed, LOOK_MS);
    return () => clearInterval(timer);
  }

  close(): void {
    this.#keeper.close();
  }

  async #own(): Promise<HostReport> {
    const { options, life } = this.#agent;
    return hostReport({
      status: agentStatus(this.#agent),
      peers: await this.#agent.speaker.currentPeers(),
      instance: options.identity.instance,
      silent: life.silent,
      more: reportParts(this.#agent),
    });
  }

  /** Counters of a speaker that does not answer are those of the last change. */
}

function ofKind<K extends ResourceKind>(
  listed: StoreResult<readonly StoredResource[]>,
  kind: K,
): readonly Extract<Resource, { readonly kind: K }>[] {
  if (listed.kind === 'error') return [];
  return listed.value
    .map(({ resource }) => resource)
    .filter((resource): resource is Extract<Resource, { readonly kind: K }> => resource.kind === kind);
}
