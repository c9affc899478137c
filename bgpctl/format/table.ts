/** Columns of text in a given width. Pure. */
import { type Colour, painter, printable, wrapText } from './text.js';

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** May be cut to this width (with "…") where the table would not fit otherwise. */
  readonly shrinkTo?: number;
  /** Of the last one: what does not fit goes on below it, or below the row where the others leave no room. */
  readonly wraps?: boolean;
}

export interface Row {
  readonly cells: readonly string[];
  /** By column index. */
  readonly colours?: Readonly<Record<number, Colour>>;
  /** Free text for below the row, indented and wrapped. */
  readonly below?: readonly string[];
}

export interface TableOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Left out for the following parts of a streamed table. */
  readonly header?: boolean;
  /** Widths of the parts before, so that columns stay in line. */
  readonly minimumWidths?: readonly number[];
}

const GAP = '  ';
const INDENT = '    ';
/** A column that wraps is no narrower. */
const LEAST_WRAPPED = 24;

/** The natural width of each column. */
export function columnWidths(
  columns: readonly Column[],
  rows: readonly Row[],
  minimum?: readonly number[],
): number[] {
  return columns.map(({ header }, i) =>
    Math.max(header.length, minimum?.[i] ?? 0, ...rows.map(row => (row.cells[i] ?? '').length)),
  );
}

/** Lines without trailing blanks, each ended by a newline. */
export function renderTable(columns: readonly Column[], rows: readonly Row[], options: TableOptions): string {
  if (columns.at(-1)?.wraps === true) return renderWrapped(columns, rows, options);
  const widths = columnWidths(columns, rows, options.minimumWidths);
  shrink(columns, widths, options.width);
  const paint = painter(options.colour);
  const line = (cells: readonly string[], colourOf: (i: number) => Colour | undefined) =>
    columns
      .map((column, i) => {
        const width = widths[i] as number;
        const text = cut(printable(cells[i] ?? ''), width);
        const filled = column.align === 'right' ? text.padStart(width) : text.padEnd(width);
        return i === columns.length - 1 && column.align !== 'right'
          ? paint(colourOf(i), text)
          : filled.replace(text, paint(colourOf(i), text).replaceAll('$', '$$$$'));
      })
      .join(GAP)
      .trimEnd();
  const lines =
    options.header === false
      ? []
      : [
          line(
            columns.map(column => column.header),
            () => 'bold',
          ),
        ];
  for (const row of rows) {
    lines.push(line(row.cells, i => row.colours?.[i]));
    lines.push(...below(row, options));
  }
  return lines.map(text => `${text}\n`).join('');
}

function below(row: Row, { width }: TableOptions): readonly string[] {
  const room = Math.max(20, width - INDENT.length);
  return (row.below ?? []).flatMap(text => wrapText(printable(text), room).map(part => INDENT + part));
}

/** The last column in what the others leave of the width, on as many lines as it needs. */
function renderWrapped(columns: readonly Column[], rows: readonly Row[], options: TableOptions): string {
  const [others, last] = [columns.slice(0, -1), columns.length - 1];
  const offset = tableWidth(columnWidths(others, rows)) + GAP.length;
  const room = options.width - offset;
  const text = (row: Row) => printable(row.cells[last] ?? '');
  const plain = [...others, { header: columns[last]!.header }];
  if (rows.every(row => text(row).length <= room)) return renderTable(plain, rows, options);
  if (room < LEAST_WRAPPED) {
    const lower = rows.map(row => ({ ...row, below: [text(row), ...(row.below ?? [])] }));
    return renderTable(others, lower, options);
  }
  const minimumWidths = columnWidths(others, rows);
  return rows
    .map((row, i) => {
      const [first = '', ...more] = wrapText(text(row), room);
      const head = { ...row, cells: [...row.cells.slice(0, last), first], below: [] };
      const header = i === 0 && options.header !== false;
      const rest = [...more.map(line => ' '.repeat(offset) + line), ...below(row, options)];
      return (
        renderTable(plain, [head], { ...options, header, minimumWidths }) +
        rest.map(line => `${line}\n`).join('')
      );
    })
    .join('');
}

export function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

/** Takes from the widest shrinkable column until the table fits or nothing is left to take. */
function shrink(columns: readonly Column[], widths: number[], width: number): void {
  for (let excess = tableWidth(widths) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [i, { shrinkTo }] of columns.entries()) {
      const spare = shrinkTo === undefined ? 0 : (widths[i] as number) - shrinkTo;
      if (spare > 0 && (widest < 0 || (widths[i] as number) > (widths[widest] as number))) widest = i;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] as number) - 1;
  }
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
