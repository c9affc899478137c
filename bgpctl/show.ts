/** Shows a view once, or again and again for `--watch`: redrawn on a terminal, one after the other into a pipe. */
import { type Context, exitCode, type OutputFormat } from './command.js';
import { formatStructured } from './format/structured.js';

const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

export async function show<T>(
  context: Context,
  format: OutputFormat,
  source: {
    readonly once: () => Promise<T>;
    readonly watch: ((signal: AbortSignal) => AsyncIterable<T>) | undefined;
  },
  page: (view: T, wide: boolean) => string,
  structured: (view: T) => unknown = view => view,
): Promise<T | undefined> {
  const render = async (view: T, compact: boolean) => {
    if (format === 'table' || format === 'wide') return page(view, format === 'wide');
    // A line per change, so that a program can read them as they come.
    if (compact && format === 'json') return `${JSON.stringify(structured(view))}\n`;
    return formatStructured(structured(view), format);
  };
  if (source.watch === undefined) {
    const view = await source.once();
    await context.out(await render(view, false));
    return view;
  }
  let last: T | undefined;
  for await (const view of source.watch(context.signal)) {
    const text = await render(view, true);
    const separator = last === undefined || format === 'json' ? '' : format === 'yaml' ? '---\n' : '\n';
    await context.out(
      context.redraw && format !== 'json' && format !== 'yaml' ? CLEAR + text : separator + text,
    );
    last = view;
  }
  return last;
}

export function checkResult(found: boolean): number {
  return found ? exitCode.finding : exitCode.fine;
}
