/**
 * What the packet filter of one host holds, from what it has to enforce (pure). Four tables for each family, also those that hold nothing: what
 * is found there of ours is taken away. In the order in which they are best written: raw clears the bits that filter reads; mangle with the
 * guard of `failClosedForwarding` comes after filter, which takes the guard's mark away, and without it before: it may have been there.
 */
import type { AddressFamily } from '../../core/ip-address.js';
import type { HostPolicy } from '../model.js';
import type { RenderedFilter, TableName } from '../rendered.js';
import type { FilterSettings } from '../settings.js';
import { addFilterChains } from './filter-table.js';
import { addMangleChains } from './mangle-table.js';
import { allocateMarks } from './marks.js';
import { addNatChains } from './nat-table.js';
import { addRawChains } from './raw-table.js';
import { renderSets } from './sets.js';
import { TableBuilder } from './table-builder.js';

const addChainsTo: Readonly<Record<TableName, (builder: TableBuilder) => void>> = {
  raw: addRawChains,
  filter: addFilterChains,
  nat: addNatChains,
  mangle: addMangleChains,
};

function tablesInOrder({ failClosedForwarding }: FilterSettings): readonly TableName[] {
  return failClosedForwarding ? ['raw', 'filter', 'nat', 'mangle'] : ['raw', 'mangle', 'filter', 'nat'];
}

/** @throws RangeError if the mask of marks has less than five bits */
export function renderFilter(policy: HostPolicy, settings: FilterSettings): RenderedFilter {
  const marks = allocateMarks(settings.markMask);
  const renderTable = (family: AddressFamily, table: TableName) => {
    const builder = new TableBuilder(family, table, policy, settings, marks);
    addChainsTo[table](builder);
    return builder.build();
  };
  return {
    tables: settings.families.flatMap(family =>
      tablesInOrder(settings).map(table => renderTable(family, table)),
    ),
    sets: settings.families.flatMap(family => renderSets(policy, settings, family)),
  };
}
