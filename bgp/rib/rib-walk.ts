/**
 * Goes through all paths of a family, a stretch at a time, for dumps and monitors: by ids, so in no order, and without a copy of the
 * table. What changes between two stretches is seen as it is when its turn comes; a prefix that is there from beginning to end is
 * visited once.
 */
import type { Prefix } from '../../core/prefix.js';
import type { WalkedPath } from './contract.js';
import type { FamilyTable } from './family-table.js';
import type { Path } from './path-store.js';

export function walkPaths(
  { prefixes, adjRibIn }: FamilyTable,
  from: number,
  limit: number,
  visit: (prefix: Prefix, paths: readonly WalkedPath[]) => void,
): number | undefined {
  const found: Path[] = [];
  const pathIds: (number | undefined)[] = [];
  let visited = 0;
  let id = Math.max(from, 1);
  for (; id < prefixes.end && visited < limit; id++) {
    if (!prefixes.has(id)) continue;
    found.length = 0;
    pathIds.length = 0;
    adjRibIn.collect(id, found);
    if (found.length === 0) continue;
    adjRibIn.collectPathIds(id, pathIds);
    visit(
      prefixes.prefix(id),
      found.map((path, i) => walked(path, pathIds[i])),
    );
    visited++;
  }
  return id < prefixes.end ? id : undefined;
}

function walked({ session, received }: Path, pathId: number | undefined): WalkedPath {
  return { source: session.source.key, attributes: received.attributes, pathId, stale: session.stale };
}
