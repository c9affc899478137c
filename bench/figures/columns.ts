/** Tables as text. Pure. */

/** Two spaces between columns, the first to the left, the others to the right. Every line has as many cells as the first. */
export function alignColumns(lines: readonly (readonly string[])[]): readonly string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)));
  return lines.map(line =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
