/**
 * Goes through all paths of a family, a stretch at a time, for dumps and monitors: by ids, so in no order, and without a copy of the
 * table. What changes between two stretches is seen as it is when its turn comes; a prefix that is there from beginning to end is
 * visited once.
 */
import type { PathVisit, WalkedPath } from './contract.js';
import type { FamilyTable } from './family-table.js';
import type { Path } from './path-store.js';

export function walkPaths(
  table: FamilyTable,
  from: number,
  limit: number,
  visit: PathVisit,
): number | undefined {
  const { prefixes } = table;
  let visited = 0;
  let id = Math.max(from, 1);
  for (; id < prefixes.end && visited < limit; id++) {
    if (!prefixes.has(id)) continue;
    const paths = pathsOf(table, id);
    if (paths.length === 0) continue;
    visit(prefixes.prefix(id), paths, id);
    visited++;
  }
  return id < prefixes.end ? id : undefined;
}

/** Those of `ids[0, count)`, also without a path. */
export function visitPrefixes(table: FamilyTable, ids: Int32Array, count: number, visit: PathVisit): void {
  for (let i = 0; i < count; i++) visit(table.prefixes.prefix(ids[i]!), pathsOf(table, ids[i]!), ids[i]!);
}

function pathsOf({ adjRibIn }: FamilyTable, id: number): readonly WalkedPath[] {
  const found: Path[] = [];
  const pathIds: (number | undefined)[] = [];
  adjRibIn.collect(id, found);
  if (found.length > 0) adjRibIn.collectPathIds(id, pathIds);
  return found.map((path, i) => walked(path, pathIds[i]));
}

function walked({ session, received, block, refusal, number }: Path, pathId: number | undefined): WalkedPath {
  return {
    source: session.source.key,
    attributes: received.attributes,
    accepted: refusal === undefined ? block.attributes : undefined,
    number,
    pathId,
    stale: session.stale,
  };
}
