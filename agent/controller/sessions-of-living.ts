/**
 * With whom living hosts say that they have a session (pure): a host that others speak with lives, though it may not reach the store. One whose
 * addresses other living hosts have has no session of its own: it was renamed, or another one took its place.
 */
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

/** @param addresses of the host; of none nothing is known @param ofOthers by which other hosts that live announce themselves */
export function isReplaced(addresses: readonly string[], ofOthers: Iterable<string>): boolean {
  const taken = new Set(ofOthers);
  return addresses.length > 0 && addresses.every(address => taken.has(address));
}
