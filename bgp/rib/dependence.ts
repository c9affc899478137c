/**
 * What would be lost with some sessions: best routes without a usable path that is to stay. Goes through the whole table, for whoever asks
 * before they end.
 */
import type { Prefix } from '../../core/prefix.js';
import type { RouteDependence } from '../speaker/contract.js';
import type { FamilyTable } from './family-table.js';
import { keepUsable } from './loc-rib.js';
import type { Path, PathStore } from './path-store.js';

/** What is to go, by the keys of peers. */
export interface GoingPeers {
  /** With their sessions. */
  readonly ending: ReadonlySet<string>;
  /** They go on, and no longer pass on what others tell them (RFC 4456): their reflected routes go. */
  readonly relays: ReadonlySet<string>;
}

export function dependenceOn(
  going: GoingPeers,
  tables: Iterable<FamilyTable>,
  paths: PathStore,
): readonly RouteDependence[] {
  const found = new Map<string, { prefixes: number; readonly example: Prefix }>();
  for (const table of tables) {
    for (let id = 1; id < table.prefixes.end; id++) {
      const number = table.locRib.selected[id]!;
      if (number === 0 || !goes(paths.at(number), going) || stays(table, paths, id, going)) continue;
      const { key } = paths.at(number).session.source;
      const known = found.get(key);
      if (known === undefined) found.set(key, { prefixes: 1, example: table.prefixes.prefix(id) });
      else known.prefixes++;
    }
  }
  return [...found].map(([peer, { prefixes, example }]) => ({ peer, prefixes, example }));
}

function goes({ session, block }: Path, { ending, relays }: GoingPeers): boolean {
  const { key } = session.source;
  return ending.has(key) || (relays.has(key) && block.clusterListLength > 0);
}

/** Another path is there that may be used and does not go. */
function stays(table: FamilyTable, paths: PathStore, id: number, going: GoingPeers): boolean {
  const candidates: Path[] = [];
  table.adjRibIn.collect(id, candidates);
  keepUsable(candidates, paths, table.adjRibIn);
  return candidates.some(path => !goes(path, going));
}
