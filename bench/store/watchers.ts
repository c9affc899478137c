/** Many watchers of one Redis, in a few processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WatchersAnswer, WatchersOrder } from './watchers-process.js';

const PROCESSES = 4;

export class Watchers {
  readonly #processes: readonly ChildProcess[];

  constructor(watchers: number, order: Omit<WatchersOrder, 'count'>) {
    const script = fileURLToPath(new URL('watchers-process.js', import.meta.url));
    this.#processes = Array.from({ length: PROCESSES }, () => fork(script));
    for (const child of this.#processes)
      child.send({ ...order, count: Math.ceil(watchers / PROCESSES) } satisfies WatchersOrder);
  }

  async ready(): Promise<void> {
    await this.#answers('ready');
  }

  async delivered(): Promise<readonly number[]> {
    return (await this.#report('delivered')).flatMap(answer => answer.delays);
  }

  async inSync(): Promise<number> {
    return (await this.#report('in-sync')).reduce((sum, { count }) => sum + count, 0);
  }

  end(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
  }

  #report<K extends WatchersAnswer['kind']>(kind: K) {
    const answers = this.#answers(kind);
    for (const child of this.#processes) child.send('report');
    return answers;
  }

  #answers<K extends WatchersAnswer['kind']>(
    kind: K,
  ): Promise<readonly Extract<WatchersAnswer, { kind: K }>[]> {
    return Promise.all(
      this.#processes.map(
        child =>
          new Promise<Extract<WatchersAnswer, { kind: K }>>(resolve => {
            const hear = (answer: WatchersAnswer) => {
              if (answer.kind !== kind) return;
              child.off('message', hear);
              resolve(answer as Extract<WatchersAnswer, { kind: K }>);
            };
            child.on('message', hear);
          }),
      ),
    );
  }
}
