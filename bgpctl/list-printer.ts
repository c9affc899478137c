/** Lists that are printed as their parts arrive: as a table, or as one JSON array or YAML list. */

export interface ListPrinter<T> {
  /** @param first whether nothing has been printed yet */
  part(entries: readonly T[], first: boolean): string;
  /** @param count of all entries */
  end(count: number): string;
}

export async function structuredPrinter<T>(format: 'json' | 'yaml'): Promise<ListPrinter<T>> {
  if (format === 'json') {
    return {
      part: (entries, first) =>
        (first ? '[\n' : ',\n') + entries.map(entry => JSON.stringify(entry)).join(',\n'),
      end: count => (count === 0 ? '[]\n' : '\n]\n'),
    };
  }
  const { stringify } = await import('yaml');
  return { part: entries => stringify(entries, { lineWidth: 0 }), end: count => (count === 0 ? '[]\n' : '') };
}
