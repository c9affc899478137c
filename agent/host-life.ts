/** SHELL: this host among the others of the cluster: who it is to them, and what it does for all of them while it is the controller. */

import type { ConditionView } from './control/types.js';
import { Controller } from './controller/controller.js';
import { ControllerLease } from './controller/controller-lease.js';
import { fencedStore } from './controller/fenced-store.js';
import type { ClusterView } from './controller/task.js';
import { controllerTasks } from './controller/tasks.js';
import type { AgentOptions } from './options.js';

export interface HostLifePorts {
  readonly list: ClusterView['list'];
  /** Something that `status` shows. */
  readonly changed: () => void;
}

const DURATION_SECONDS = 30;
/** A cluster of one host has nobody who waits for it, and a disk that need not be written to so often. */
const LONE_DURATION_SECONDS = 60;

export class HostLife {
  readonly #lease: ControllerLease;
  readonly controller: Controller;

  constructor(options: AgentOptions, { list, changed }: HostLifePorts) {
    const { nodeName, store, log, identity } = options;
    const clock = options.sleeplessClock ?? options.clock;
    this.#lease = new ControllerLease({
      ...{ nodeName, store, clock, instance: identity.instance, process: identity.process },
      random: Math.random,
      unixMs: Date.now,
      durationSeconds: () => (list('Node').length > 1 ? DURATION_SECONDS : LONE_DURATION_SECONDS),
      turned: () => this.controller.review(),
      changed,
    });
    const mayAct = () => this.#lease.mayAct();
    this.controller = new Controller({
      ...{ clock, store, mayAct, list, changed },
      tasks: controllerTasks({ nodeName, store: fencedStore(store, mayAct), clock, log }),
      warn: (task, problem) => log.warn({ task, problem }, 'a task of the controller'),
    });
  }

  /** This host is one of the cluster. */
  start(): void {
    this.#lease.start();
  }

  /** What stands in the way, for people. */
  conditions(): readonly ConditionView[] {
    return [...this.controller.problems].map(([task, problem]) => ({
      severity: 'warning',
      message: `the controller's task ${task}: ${problem}`,
      objects: ['Lease/controller'],
    }));
  }

  async close(): Promise<void> {
    this.controller.close();
    await this.#lease.stop();
  }
}
