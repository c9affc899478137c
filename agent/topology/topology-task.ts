/**
 * SHELL: the controller's task that keeps the TopologyPlan: reads what there is of hosts and wishes, has it planned, and writes the document
 * when it is another one. Nothing is planned on what may be outdated: what the store holds must be what is in force here.
 */
import { usualTopology } from '../../core/resources/cluster.js';
import type { TopologyPlanResource } from '../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../core/resources/resource.js';
import type { Store, StoreError } from '../../store/port.js';
import { describeStoreError } from '../../store/results.js';
import { BgpConfigurations } from '../calculators/node-view.js';
import type { ClusterView, ControllerTask } from '../controller/task.js';
import type { TaskContext } from '../controller/task-context.js';
import type { TopologyHost, TopologyProgress } from './cluster-hosts.js';
import { clusterAsn, membershipOf } from './members.js';
import { planTopology, type TopologyPlan } from './planner.js';
import { nothingSeen, type PlannerMemory } from './planner-memory.js';

export interface TopologyTaskOptions extends Pick<TaskContext, 'store' | 'log'> {
  readonly unixMs: () => number;
}

const ID = { kind: 'TopologyPlan', name: 'default' } as const;

export class TopologyTask implements ControllerTask {
  readonly name = 'topology';
  readonly #options: TopologyTaskOptions;
  #memory: PlannerMemory = nothingSeen;
  /** The last that was in force: one that is deleted is written again. */
  #last: TopologyPlan | undefined;
  #waits = '';
  /** By name: since when it is known without a lease. */
  readonly #unleasedMs = new Map<string, number>();

  constructor(options: TopologyTaskOptions) {
    this.#options = options;
  }

  async run(view: ClusterView): Promise<void> {
    const inForce = view.list('TopologyPlan')[0]?.spec;
    const previous = inForce ?? this.#last;
    const planned = planTopology({
      previous,
      hosts: this.#hosts(view),
      settings: view.list('BGPTopology')[0]?.spec ?? usualTopology,
      memory: this.#memory,
      nowMs: view.nowMs,
      unixMs: this.#options.unixMs(),
    });
    const { plan } = planned;
    this.#last = previous;
    this.#say(planned.waits);
    if (plan === inForce || plan === undefined) {
      this.#memory = planned.memory;
      return;
    }
    const problem = await keepPlan(this.#options.store, inForce, plan);
    if (problem !== undefined) throw new Error(problem);
    this.#memory = planned.memory;
    this.#last = plan;
    const { generation, reasons } = plan;
    const state = plan.previous === undefined ? 'in force' : 'on its way';
    this.#options.log.info({ generation, state, reasons }, 'topology planned');
  }

  #say(waits: string): void {
    if (waits !== '' && waits !== this.#waits) this.#options.log.info({ waits }, 'topology waits');
    this.#waits = waits;
  }

  #hosts(view: ClusterView): ReadonlyMap<string, TopologyHost> {
    const configurations = new BgpConfigurations();
    for (const document of view.list('BGPConfiguration')) configurations.set(document);
    const hosts = new Map<string, TopologyHost>();
    const nodes = view.list('Node');
    const asn = clusterAsn(nodes, configurations);
    for (const node of nodes) {
      const { name, labels } = node.metadata;
      if (membershipOf(node, configurations, asn) !== 'member') continue;
      const host = view.hosts.get(name);
      const isLeased = host?.leased === true;
      if (isLeased) this.#unleasedMs.delete(name);
      else if (!this.#unleasedMs.has(name)) this.#unleasedMs.set(name, view.nowMs);
      const silentSeconds = isLeased
        ? host.silentSeconds
        : (view.nowMs - (this.#unleasedMs.get(name) ?? view.nowMs)) / 1000;
      const alive = isLeased && host.alive;
      hosts.set(name, { name, labels, alive, silentSeconds, progress: progressOf(host?.report?.topology) });
    }
    for (const name of this.#unleasedMs.keys()) if (!hosts.has(name)) this.#unleasedMs.delete(name);
    return hosts;
  }
}

/** Of a report, which another version may have written. */
export function progressOf(said: unknown): TopologyProgress | undefined {
  const { generation, inSync, detail, waitsFor } = (said ?? {}) as Partial<TopologyProgress>;
  if (typeof generation !== 'number' || typeof inSync !== 'boolean') return undefined;
  return {
    generation,
    inSync,
    detail: typeof detail === 'string' ? detail : '',
    waitsFor: Array.isArray(waitsFor) ? waitsFor.map(String) : [],
  };
}

/** What is wrong, in words; undefined once it is written, or another round is to look again. */
async function keepPlan(
  store: Store,
  inForce: TopologyPlan | undefined,
  plan: TopologyPlan,
): Promise<string | undefined> {
  const found = await store.get(ID);
  if (found.kind === 'error' && found.error.kind !== 'not-found') return words(found.error);
  const stored = found.kind === 'ok' ? (found.value.resource as TopologyPlanResource).spec : undefined;
  if (JSON.stringify(stored) !== JSON.stringify(inForce))
    return 'what the store holds is not in force here yet';
  const resource: TopologyPlanResource = {
    apiVersion: MARGAY_API,
    kind: 'TopologyPlan',
    metadata: { name: ID.name, labels: {}, annotations: {} },
    spec: plan,
  };
  const options = { replicated: true };
  const written =
    found.kind === 'ok'
      ? await store.update(resource, found.value.revision, options)
      : await store.create(resource, options);
  return written.kind === 'ok' ? undefined : words(written.error);
}

function words(error: StoreError): string {
  return `TopologyPlan/default: ${describeStoreError(error)}`;
}
