/** `bgpctl routes`: paths as a table, a part at a time, so that half a million of them flow through. Pure. */
import type { RouteView } from '../../agent/control/types.js';
import { type Column, columnWidths, type Row, renderTable } from './table.js';
import type { Colour } from './text.js';

export interface RouteFormat {
  readonly width: number;
  readonly colour: boolean;
  readonly wide: boolean;
  /** Adds below each path why it is (not) best, and why it is (not) in the kernel. */
  readonly why: boolean;
}

const narrowColumns: readonly Column[] = [
  { header: 'PREFIX' },
  { header: 'NEXT HOP' },
  { header: 'FROM', shrinkTo: 8 },
  { header: 'STATE' },
  { header: 'PREF', align: 'right' },
  { header: 'KERNEL' },
  { header: 'AS PATH', shrinkTo: 7 },
];

const wideColumns: readonly Column[] = [
  ...narrowColumns.slice(0, 4),
  { header: 'ORIGIN' },
  { header: 'LOCAL PREF', align: 'right' },
  { header: 'MED', align: 'right' },
  { header: 'KERNEL' },
  { header: 'COMMUNITIES' },
  { header: 'AS PATH' },
];

const roomFor: Readonly<Record<string, number>> = { STATE: 'unusable'.length, KERNEL: 'programmed'.length };

/** Formats route after route; column widths only ever grow, so parts of one table stay in line. */
export class RouteTable {
  readonly #format: RouteFormat;
  readonly #columns: readonly Column[];
  #widths: readonly number[] | undefined;

  constructor(format: RouteFormat) {
    this.#format = format;
    this.#columns = format.wide ? wideColumns : narrowColumns;
  }

  /** The next lines of the table; the first part begins with the header. */
  part(routes: readonly RouteView[]): string {
    const rows = routes.map(route => this.#row(route));
    const header = this.#widths === undefined;
    // Every word that a state may be has its room from the start, so that later parts do not shift.
    const minimum = this.#widths ?? this.#columns.map(column => roomFor[column.header] ?? 0);
    this.#widths = columnWidths(this.#columns, rows, minimum);
    return renderTable(this.#columns, rows, {
      width: this.#format.wide ? Number.MAX_SAFE_INTEGER : this.#format.width,
      colour: this.#format.colour,
      header,
      minimumWidths: minimum,
    });
  }

  #row(route: RouteView): Row {
    const state = routeState(route);
    const cells = this.#format.wide ? wideCells(route, state) : narrowCells(route, state);
    const colours = { 3: stateColours[state] } as Record<number, Colour>;
    return this.#format.why ? { cells, colours, below: whyLines(route) } : { cells, colours };
  }
}

type RouteState = 'best' | 'usable' | 'unusable' | 'stale';

const stateColours: Readonly<Record<RouteState, Colour | undefined>> = {
  best: 'green',
  usable: undefined,
  unusable: 'red',
  stale: 'yellow',
};

function routeState(route: RouteView): RouteState {
  if (route.stale) return 'stale';
  if (!route.usable) return 'unusable';
  return route.best ? 'best' : 'usable';
}

function narrowCells(route: RouteView, state: RouteState): string[] {
  const preference = route.localPref === undefined ? '' : String(route.localPref);
  return [
    route.prefix,
    route.nextHop,
    route.from,
    state,
    preference,
    route.kernel?.state ?? '',
    route.asPath,
  ];
}

function wideCells(route: RouteView, state: RouteState): string[] {
  const communities = [...route.communities, ...route.largeCommunities, ...route.extendedCommunities].join(
    ' ',
  );
  const optional = (value: number | undefined) => (value === undefined ? '' : String(value));
  return [
    route.prefix,
    route.nextHop,
    route.from,
    state,
    route.origin,
    optional(route.localPref),
    optional(route.med),
    route.kernel?.state ?? '',
    communities,
    route.asPath,
  ];
}

function whyLines(route: RouteView): string[] {
  const lines = [
    `${route.best ? 'best' : route.usable ? 'not best' : 'unusable'}: ${reasonWords(route.reason)}`,
  ];
  if (route.policyRule !== undefined) lines.push(`import: ${route.policyRule}`);
  if (route.kernel?.reason !== undefined) lines.push(`kernel: ${route.kernel.state}, ${route.kernel.reason}`);
  return lines;
}

/** A decision step or a refusal ("higher-local-pref") as words; a policy's reason is words already. */
export function reasonWords(reason: string): string {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(reason) ? reason.replaceAll('-', ' ') : reason;
}
