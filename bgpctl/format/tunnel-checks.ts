/** `bgpctl check tunnels`: a way a line, as they come, and below each what is wrong with it. Pure. */
import type { ProbeState, TunnelCheckView } from '../../agent/control/types.js';
import { type Column, columnWidths, type Row, renderTable } from './table.js';
import type { Colour } from './text.js';

export interface TunnelCheckFormat {
  readonly width: number;
  readonly colour: boolean;
  readonly wide: boolean;
  /** Names that may come, so that later lines do not shift. */
  readonly hosts: readonly string[];
}

const narrowColumns: readonly Column[] = [
  { header: 'HOST', shrinkTo: 10 },
  { header: 'MODE' },
  { header: 'SMALL' },
  { header: 'FULL SIZE' },
  { header: 'RTT', align: 'right' },
];

const wideColumns: readonly Column[] = [
  { header: 'HOST' },
  { header: 'ADDRESS' },
  { header: 'MODE' },
  { header: 'FROM' },
  { header: 'TO' },
  { header: 'UNDERLAY' },
  { header: 'OUTWARD' },
  { header: 'SMALL' },
  { header: 'FULL SIZE' },
  { header: 'RTT', align: 'right' },
  { header: 'FINDING' },
];

const ADDRESS = '255.255.255.255';
const roomFor: Readonly<Record<string, string>> = {
  ADDRESS,
  MODE: 'VXLAN',
  FROM: ADDRESS,
  TO: ADDRESS,
  SMALL: 'not sent',
  'FULL SIZE': '1450 not sent',
  RTT: '000.00 ms',
};

const modes: Readonly<Record<TunnelCheckView['mode'], string>> = {
  plain: 'plain',
  ipip: 'IPIP',
  vxlan: 'VXLAN',
  'vxlan-v6': 'VXLAN6',
  udp: 'UDP',
};

const states: Readonly<Record<ProbeState, string>> = {
  answered: 'ok',
  silent: 'lost',
  'too-big': 'too big',
  rejected: 'rejected',
  'not-sent': 'not sent',
  'not-probed': '-',
};

export class TunnelCheckTable {
  readonly #format: TunnelCheckFormat;
  readonly #columns: readonly Column[];
  #widths: readonly number[] | undefined;

  constructor(format: TunnelCheckFormat) {
    this.#format = format;
    this.#columns = format.wide ? wideColumns : narrowColumns;
  }

  /** The next lines of the table; the first part begins with the header. */
  part(checks: readonly TunnelCheckView[]): string {
    const { wide, colour } = this.#format;
    const width = wide ? Number.MAX_SAFE_INTEGER : this.#format.width;
    const rows = checks.map(check => (wide ? wideRow(check) : narrowRow(check)));
    const header = this.#widths === undefined;
    const minimumWidths = this.#widths ?? this.#columns.map(column => this.#roomFor(column));
    this.#widths = columnWidths(this.#columns, rows, minimumWidths);
    return renderTable(this.#columns, rows, { width, colour, header, minimumWidths });
  }

  #roomFor({ header }: Column): number {
    if (header === 'HOST') return Math.max(...this.#format.hosts.map(name => name.length), 0);
    return roomFor[header]?.length ?? 0;
  }
}

function narrowRow(check: TunnelCheckView): Row {
  const cells = [check.node, modes[check.mode], states[check.small], fullSize(check), roundTrip(check)];
  return { cells, colours: { 0: colourOf(check) }, below: below(check) };
}

function wideRow(check: TunnelCheckView): Row {
  const { node, address, mode, from, to, underlay, outward, small, finding } = check;
  const ends = [from ?? '-', to ?? '-'];
  const probes = [states[underlay], states[outward], states[small], fullSize(check), roundTrip(check)];
  const cells = [node, address, modes[mode], ...ends, ...probes, finding ?? ''];
  return { cells, colours: { 0: colourOf(check) }, below: below(check) };
}

function below({ words }: TunnelCheckView): readonly string[] {
  return words === '' ? [] : [words];
}

function colourOf({ finding, small }: TunnelCheckView): Colour {
  if (finding !== null) return 'red';
  return small === 'answered' ? 'green' : 'yellow';
}

/** "1450 ok"; where the largest that passes is known, "1354 of 1450". */
function fullSize({ full, fullBytes, largestBytes }: TunnelCheckView): string {
  if (fullBytes === null) return states[full];
  return largestBytes === null ? `${fullBytes} ${states[full]}` : `${largestBytes} of ${fullBytes}`;
}

function roundTrip({ rttMs }: TunnelCheckView): string {
  return rttMs === null ? '' : `${rttMs.toFixed(rttMs < 10 ? 2 : 0)} ms`;
}
