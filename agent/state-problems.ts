/** Files of the state directory that cannot be kept or read: in the log as it begins and ends, in `bgpctl status` for as long as it lasts. */
import type { ConditionView } from './control/types.js';
import type { Log } from './options.js';

export class StateProblems {
  readonly #log: Log;
  /** By file: what it means, and why it is so. */
  readonly #problems = new Map<string, { readonly what: string; readonly problem: string }>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * @param file its name in the state directory
   * @param what it means: a clause
   * @param problem undefined: it is kept again
   */
  tell(file: string, what: string, problem: string | undefined): void {
    if (problem !== undefined) {
      this.#problems.set(file, { what, problem });
      this.#log.warn({ file, problem }, what);
    } else if (this.#problems.delete(file)) this.#log.info({ file }, 'it is kept again for the next start');
  }

  conditions(): readonly ConditionView[] {
    return [...this.#problems].map(([file, { what, problem }]) => ({
      severity: 'warning',
      message: `${what}: ${problem}`,
      objects: [file],
    }));
  }
}
