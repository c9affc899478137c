/**
 * Pages through a table in prefix order. Ids have no order, so each page is one scan that keeps the lowest prefixes after the last
 * page: no sorted copy to hold or to outdate, and no pause longer than a scan.
 */
import { comparePrefixes, type Prefix } from '../../core/prefix.js';
import type { RouteDetail, RouteTable } from '../speaker/contract.js';
import { explainDecision } from './decision.js';
import { exportPath } from './export-view.js';
import type { FamilyTable } from './family-table.js';
import { keepUsable } from './loc-rib.js';
import { type Path, type PathStore, refusalNow } from './path-store.js';
import { decidingRule } from './policy.js';
import type { PrefixTable } from './prefix-table.js';
import { describe, detailOf, receivedDetail, type Verdict } from './route-detail.js';
import type { Source, Sources } from './sources.js';

export interface RouteQuery {
  readonly table: RouteTable;
  readonly prefix: Prefix | undefined;
  readonly after: Prefix | undefined;
  readonly limit: number;
}

export interface RoutePage {
  readonly routes: readonly RouteDetail[];
  readonly more: boolean;
}

/** All paths of a prefix come in one page, which may therefore be longer than the limit by the paths of its last prefix. */
export function queryRoutes(
  table: FamilyTable,
  paths: PathStore,
  sources: Sources,
  query: RouteQuery,
): RoutePage {
  const source = 'peer' in query.table ? sources.byKey(query.table.peer) : undefined;
  if ('peer' in query.table && source === undefined) return { routes: [], more: false };
  const stands = (id: number) => standsIn(table, query.table, source, id);
  const ids =
    query.prefix === undefined
      ? lowestAfter(table.prefixes, query, stands)
      : [table.prefixes.find(query.prefix)];
  const routes: RouteDetail[] = [];
  let prefixes = 0;
  for (const id of ids) {
    if (id === 0 || !stands(id)) continue;
    if (routes.length >= query.limit) break;
    routes.push(...routesOf(table, paths, query.table, source, id));
    prefixes++;
  }
  return { routes, more: prefixes < ids.length && ids[0] !== 0 };
}

function standsIn(table: FamilyTable, which: RouteTable, source: Source | undefined, id: number): boolean {
  switch (which.kind) {
    case 'best':
      return table.locRib.selected[id] !== 0;
    case 'all-paths':
      return table.adjRibIn.first[id] !== 0;
    case 'received':
      return table.adjRibIn.find(id, source!.index) !== 0;
    case 'advertised': {
      const membership = table.memberships[source!.index];
      return membership?.group.isTold(id, membership.member) ?? false;
    }
  }
}

function routesOf(
  table: FamilyTable,
  paths: PathStore,
  which: RouteTable,
  source: Source | undefined,
  id: number,
): RouteDetail[] {
  const prefix = table.prefixes.prefix(id);
  if (which.kind === 'advertised') {
    const { group, member } = table.memberships[source!.index]!;
    const all = decided(table, paths, id);
    const usable = all.filter(route => route.usable).map(({ path }) => path);
    return group.toldPaths(id, member, usable, table.locRib.selected[id]!).flatMap(({ path, pathId }) => {
      const verdict = { ...all.find(route => route.path === path)!, pathId };
      const exported = exportPath(path, group.view, group.exports.rulingOn(path, id).operations);
      return exported === undefined
        ? []
        : [describe(path.session, prefix, exported.attributes, exported.nextHop, verdict)];
    });
  }
  return decided(table, paths, id)
    .filter(({ path, best }, i) => {
      // The same path may stand under two path identifiers.
      if (which.kind === 'best') return best && i === 0;
      return which.kind === 'all-paths' || path.session.source === source;
    })
    .map(route => {
      const { path } = route;
      const verdict = { ...route, ...ruleOf(table, paths, path, id) };
      if (which.kind !== 'received') return detailOf(path, prefix, table.family, verdict);
      return receivedDetail(path.session, path.received, prefix, table.family, verdict);
    });
}

/** The rule of the import policy that decided of a path, if it is one with a reason. */
function ruleOf(
  table: FamilyTable,
  paths: PathStore,
  { session, received }: Path,
  id: number,
): Partial<Verdict> {
  const policy = session.peer?.importPolicy;
  if (policy === undefined || typeof policy === 'function') return {};
  const facts = paths.factsOf(session, received);
  const reason = decidingRule(policy, 'peers', facts, table.prefixes, id)?.reason;
  return reason ? { policyRule: reason } : {};
}

/** The paths of a prefix with what was decided about them, the best first. */
function decided(table: FamilyTable, paths: PathStore, id: number) {
  const all: Path[] = [];
  const pathIds: (number | undefined)[] = [];
  table.adjRibIn.collect(id, all);
  table.adjRibIn.collectPathIds(id, pathIds);
  const usable = [...all];
  keepUsable(usable, paths, table.adjRibIn);
  const reasons = explainDecision(usable);
  const selected = table.locRib.selected[id]!;
  return all
    .map((path, i) => ({
      path,
      pathId: pathIds[i],
      best: path.number === selected,
      usable: reasons.has(path),
      reason: refusalNow(path) ?? reasons.get(path) ?? '',
    }))
    .sort((a, b) => Number(b.best) - Number(a.best) || Number(b.usable) - Number(a.usable));
}

/** The ids of the lowest `limit + 1` prefixes after `after` that stand in the table, in order. */
function lowestAfter(prefixes: PrefixTable, query: RouteQuery, stands: (id: number) => boolean): number[] {
  const { after, limit } = query;
  const known = after === undefined ? 0 : prefixes.find(after);
  const heap: number[] = [];
  for (let id = 1; id < prefixes.end; id++) {
    if (heap.length > limit && prefixes.compare(id, heap[0]!) >= 0) continue;
    if (!prefixes.has(id) || !stands(id)) continue;
    if (after !== undefined) {
      const order = known === 0 ? comparePrefixes(prefixes.prefix(id), after) : prefixes.compare(id, known);
      if (order <= 0) continue;
    }
    if (heap.length <= limit) {
      heap.push(id);
      siftUp(heap, prefixes);
    } else {
      heap[0] = id;
      siftDown(heap, prefixes);
    }
  }
  return heap.sort((a, b) => prefixes.compare(a, b));
}

function siftUp(heap: number[], prefixes: PrefixTable): void {
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >>> 1;
    if (prefixes.compare(heap[at]!, heap[parent]!) <= 0) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function siftDown(heap: number[], prefixes: PrefixTable): void {
  for (let at = 0; ; ) {
    const left = 2 * at + 1;
    const right = left + 1;
    let largest = at;
    if (left < heap.length && prefixes.compare(heap[left]!, heap[largest]!) > 0) largest = left;
    if (right < heap.length && prefixes.compare(heap[right]!, heap[largest]!) > 0) largest = right;
    if (largest === at) return;
    [heap[at], heap[largest]] = [heap[largest]!, heap[at]!];
    at = largest;
  }
}
