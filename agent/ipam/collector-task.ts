/** The collector as a task of the controller: a look at all records every few minutes. */
import type { Clock } from '../../core/clock.js';
import { collect } from '../../ipam/collect.js';
import { Collector, USUAL_GRACE_MS } from '../../ipam/collector.js';
import type { IpamContext } from '../../ipam/context.js';
import type { Store } from '../../store/port.js';
import type { ClusterView, ControllerTask } from '../controller/task.js';
import type { Log } from '../options.js';

export interface CollectorTaskOptions {
  readonly context: IpamContext;
  /** Refuses writes as soon as this host may not be the controller any more. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs?: number;
}

/** Looks in a grace period. */
const LOOKS = 3;
/** Of rounds: after a longer pause somebody else may have been the controller. */
const LONGEST_GAP_MS = 5 * 60_000;

export class CollectorTask implements ControllerTask {
  readonly name = 'ipam-collector';
  readonly #options: CollectorTaskOptions;
  readonly #collector: Collector;
  readonly #everyMs: number;
  #lastRoundMs = Number.NEGATIVE_INFINITY;
  #lastLookMs = Number.NEGATIVE_INFINITY;

  constructor(options: CollectorTaskOptions) {
    this.#options = options;
    const { graceMs = USUAL_GRACE_MS } = options;
    this.#collector = new Collector({ graceMs });
    this.#everyMs = graceMs / LOOKS;
  }

  async run(view: ClusterView): Promise<void> {
    const { context, store, clock, log } = this.#options;
    if (view.nowMs - this.#lastRoundMs > LONGEST_GAP_MS) this.#collector.forget();
    this.#lastRoundMs = view.nowMs;
    if (view.nowMs - this.#lastLookMs < this.#everyMs) return;
    this.#lastLookMs = view.nowMs;
    const own = { ...context, store };
    for (const words of await collect(own, this.#collector, clock.now(), goneOf(view))) {
      log.info({ collected: words }, 'address management');
    }
  }
}

/** Silence is no proof: whose Node is there may live on, and its workloads with it. */
function goneOf({ hosts, list }: ClusterView): (node: string) => boolean {
  const nodes = new Set(list('Node').map(({ metadata }) => metadata.name));
  return name => !nodes.has(name) && hosts.get(name)?.alive !== true;
}
