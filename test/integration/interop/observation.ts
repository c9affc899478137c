/** What is looked at, and for how long: tables that come to hold what they should, and that never lose what they must keep. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { eventually } from '../../support/eventually.js';

/** The slowest of the daemons dials after 5 s, and the machine may be busy. */
const PATIENCE_MS = 40_000;
/** Some of the probes start a process. */
const PAUSE_MS = 50;

type Table = () => Promise<ReadonlyMap<string, unknown>>;

/** Fails the test with `what` unless `probe` becomes true. */
export async function becomes(
  t: ExecutionContext,
  what: string,
  probe: () => boolean | Promise<boolean>,
): Promise<void> {
  t.true(await eventually(probe, PATIENCE_MS, PAUSE_MS), what);
}

/** Fails the test unless the table comes to hold these prefixes and no others. */
export async function comesToHold(
  t: ExecutionContext,
  table: Table,
  prefixes: readonly string[],
): Promise<void> {
  const wanted = prefixes.toSorted().join(' ');
  const held = async () => [...(await table()).keys()].toSorted().join(' ');
  const settled = await eventually(async () => (await held()) === wanted, PATIENCE_MS, PAUSE_MS);
  if (settled) t.pass();
  else t.is(await held(), wanted);
}

export interface Watch {
  /** Fails the test if anything was missing at any time. */
  stop(): Promise<void>;
}

/**
 * Looks at the table again and again, until stopped or the test is over.
 *
 * @param pauseMs between two looks: what is missing for a shorter time may go unnoticed
 */
export function watch(
  t: ExecutionContext,
  table: Table,
  prefixes: readonly string[],
  pauseMs: number,
): Watch {
  const missed = new Set<string>();
  let looks = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const held = await table();
      for (const prefix of prefixes) if (!held.has(prefix)) missed.add(prefix);
      looks++;
      await sleep(pauseMs);
    }
  })();
  // A test that has failed does not wait for it.
  watching.catch(() => {});
  t.teardown(() => {
    over = true;
  });
  return {
    stop: async () => {
      // On a busy machine a look may take as long as what is looked at.
      await becomes(t, 'two looks', () => looks > 1);
      over = true;
      await watching;
      t.deepEqual([...missed], []);
    },
  };
}
