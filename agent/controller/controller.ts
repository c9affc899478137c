/**
 * SHELL: the controller's rounds: while this host holds the part, all hosts are looked at every few seconds and the tasks run, in order.
 * A task that fails or hangs keeps nobody else from his turn.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { Resource } from '../../core/resources/resource.js';
import type { Store, StoredResource, StoreResult } from '../../store/port.js';
import { ClusterWatch } from './cluster-watch.js';
import type { ClusterView, ControllerTask, HostView } from './task.js';

export interface ControllerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly mayAct: () => boolean;
  readonly tasks: readonly ControllerTask[];
  readonly list: ClusterView['list'];
  /** Hosts, or problems, are others than before. */
  readonly changed: () => void;
  readonly warn: (task: string, problem: string) => void;
}

const ROUND_MS = 5000;
/** A cluster of one host has nobody to watch. */
const LONE_ROUND_MS = 20_000;
/** Looking takes at most this part of the time, however many hosts there are. */
const SHARE = 1 / 50;
/** To read one host's records costs no more. What lasts longer waits, for a busy machine or a distant store, and to wait costs nothing. */
const DEAREST_HOST_MS = 20;
const LONGEST_ROUND_MS = 60_000;
const TASK_PATIENCE_MS = 30_000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #watch = new ClusterWatch();
  readonly #problems = new Map<string, string>();
  readonly #busy = new Set<string>();
  #hosts: ReadonlyMap<string, HostView> | undefined;
  #timer: Timer | undefined;
  #pauseMs = ROUND_MS;
  #running = false;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** As of the last round; undefined where this host is not the controller, or has not looked yet. */
  get hosts(): ReadonlyMap<string, HostView> | undefined {
    return this.#hosts;
  }

  /** What is wrong with a task, by its name. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /** This host may have become the controller. */
  review(): void {
    if (this.#closed || this.#running || !this.#options.mayAct()) return;
    this.#running = true;
    void this.#round();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #round(): Promise<void> {
    const { clock, mayAct } = this.#options;
    const startedMs = clock.now();
    const view = await this.#look();
    const tookMs = clock.now() - startedMs;
    if (view !== undefined) for (const task of this.#options.tasks) await this.#run(task, view);
    if (this.#closed || !mayAct()) return this.#end();
    const hosts = view?.hosts.size ?? 0;
    const usualMs = hosts === 1 ? LONE_ROUND_MS : ROUND_MS;
    const costMs = Math.min(tookMs, hosts * DEAREST_HOST_MS);
    this.#pauseMs = Math.max(usualMs, Math.min(LONGEST_ROUND_MS, costMs / SHARE));
    this.#timer = clock.schedule(this.#pauseMs, () => void this.#round());
  }

  #end(): void {
    this.#running = false;
    this.#watch.forget();
    this.#problems.clear();
    this.#hosts = undefined;
    this.#options.changed();
  }

  async #look(): Promise<ClusterView | undefined> {
    const { clock, store, list, mayAct, changed } = this.#options;
    if (this.#closed || !mayAct()) return undefined;
    const startedMs = clock.now();
    const [leases, reports] = [await store.list('Lease'), await store.list('NodeReport')];
    const endedMs = clock.now();
    const records = [leases, reports].flatMap(resources);
    if (leases.kind === 'error' || reports.kind === 'error') {
      this.#watch.missed();
      return undefined;
    }
    const nodes = list('Node').map(({ metadata }) => metadata.name);
    const look = { startedMs, endedMs, longestGapMs: 2 * this.#pauseMs };
    this.#hosts = this.#watch.look(nodes, records, look);
    changed();
    return { hosts: this.#hosts, list, nowMs: endedMs };
  }

  async #run(task: ControllerTask, view: ClusterView): Promise<void> {
    // What began while this host was the controller ends by itself: its writes are refused.
    if (this.#closed || !this.#options.mayAct() || this.#busy.has(task.name)) return;
    this.#busy.add(task.name);
    const run = this.#tried(task, view).then(problem => {
      this.#busy.delete(task.name);
      return problem;
    });
    this.#say(task.name, await this.#patiently(run));
  }

  async #tried(task: ControllerTask, view: ClusterView): Promise<string | undefined> {
    try {
      await task.run(view);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #patiently(run: Promise<string | undefined>): Promise<string | undefined> {
    let timer: Timer | undefined;
    const patience = new Promise<string>(resolve => {
      const seconds = TASK_PATIENCE_MS / 1000;
      timer = this.#options.clock.schedule(TASK_PATIENCE_MS, () =>
        resolve(`has not ended after ${seconds} s; the others go on`),
      );
    });
    const problem = await Promise.race([run, patience]);
    timer?.cancel();
    return problem;
  }

  #say(task: string, problem: string | undefined): void {
    const before = this.#problems.get(task);
    if (problem === undefined) this.#problems.delete(task);
    else this.#problems.set(task, problem);
    if (problem === before) return;
    if (problem !== undefined) this.#options.warn(task, problem);
    this.#options.changed();
  }
}

function resources(listed: StoreResult<readonly StoredResource[]>): readonly Resource[] {
  return listed.kind === 'ok' ? listed.value.map(({ resource }) => resource) : [];
}
