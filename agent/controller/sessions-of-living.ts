/** With whom living hosts say that they have a session (pure): a host that others speak with lives, though it may not reach the store. */
import type { HostReport } from '../control/types.js';

export class SessionsOfLiving {
  readonly #established = new Set<string>();
  /** By hosts that have more sessions than they list: with whom they have none, as far as they list it. */
  readonly #down: ReadonlySet<string>[] = [];

  constructor(reports: Iterable<Pick<HostReport, 'sessions' | 'sessionsLeftOut'>>) {
    for (const { sessions, sessionsLeftOut } of reports) {
      const down = new Set<string>();
      for (const { name, state } of sessions) {
        if (state === 'Established') this.#established.add(name);
        else down.add(name);
      }
      if (sessionsLeftOut > 0) this.#down.push(down);
    }
  }

  /** Whoever may have one counts as one that has. */
  withHost(name: string): boolean {
    return this.#established.has(name) || this.#down.some(down => !down.has(name));
  }
}
