/** SHELL: looks at the legacy iptables' tables several times a second: the kernel tells nobody when they change. */
import type { Clock, Timer } from '../../core/clock.js';
import type { IptablesInfo } from '../../linux/iptables-info.js';
import type { ForeignChange, OpenForeignWatch, WatchedTable } from './foreign-changes.js';

export interface LegacyWatchOptions {
  readonly clock: Clock;
  /** @throws where no socket can be had */
  readonly open: () => IptablesInfo;
}

const POLL_MS = 250;

/** Where a table cannot be looked at from afar, it is taken to have changed, at this pace. */
const BLIND_POLL_MS = 1000;

export function legacyWatch({ clock, open }: LegacyWatchOptions): OpenForeignWatch {
  return changed => {
    const info = open();
    let watched: readonly WatchedTable[] = [];
    let seen = new Map<string, string | undefined>();
    let lookedMs = clock.now();
    let timer: Timer | undefined;
    const look = (table: WatchedTable): string | undefined => {
      try {
        return info.fingerprint(table.family, table.table);
      } catch {
        return undefined;
      }
    };
    const poll = () => {
      const nowMs = clock.now();
      const atMostAgoMs = nowMs - lookedMs;
      lookedMs = nowMs;
      const changes: ForeignChange[] = [];
      for (const table of watched) {
        const now = look(table);
        if (now !== undefined && now === seen.get(keyOf(table))) continue;
        seen.set(keyOf(table), now);
        changes.push({ table, by: undefined, atMostAgoMs });
      }
      next();
      if (changes.length > 0) changed(changes);
    };
    const next = () => {
      timer?.cancel();
      timer = undefined;
      const blind = [...seen.values()].includes(undefined);
      timer = watched.length === 0 ? undefined : clock.schedule(blind ? BLIND_POLL_MS : POLL_MS, poll);
    };
    return {
      watch(tables, rewritten) {
        watched = tables;
        const before = seen;
        const known = (key: string) => !rewritten && before.has(key);
        seen = new Map(
          tables.map(table => {
            const key = keyOf(table);
            return [key, known(key) ? before.get(key) : look(table)];
          }),
        );
        if (rewritten) lookedMs = clock.now();
        if (rewritten || timer === undefined) next();
      },
      close() {
        timer?.cancel();
        watched = [];
        info.close();
      },
    };
  };
}

function keyOf({ family, table }: WatchedTable): string {
  return `${family} ${table}`;
}
