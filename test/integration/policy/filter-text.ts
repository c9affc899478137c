/** A rendered filter as input of the kernel's tools, as far as tests need it: without hashes, and into empty tables. */
import type { RenderedRule, RenderedSet, RenderedTable } from '../../../policy/rendered.js';

export function setsText(sets: Iterable<RenderedSet>): string {
  return [...sets].map(setText).join('');
}

function setText({ name, type, family, maxElements, members }: RenderedSet): string {
  const inet = family === 'ipv4' ? 'inet' : 'inet6';
  const adds = [...members].map(member => `add ${name} ${member}\n`);
  return `create ${name} ${type} family ${inet} maxelem ${maxElements}\n${adds.join('')}`;
}

export function filterText(table: RenderedTable): string {
  const heads = [...table.chains.keys()].map(name => `:${name} - [0:0]\n`);
  const rules = [...table.chains.values()].flatMap(({ name, rules }) =>
    rules.map(one => ruleLine(name, one)),
  );
  return `*${table.table}\n${heads.join('')}${rules.join('')}${hookLines([table])}COMMIT\n`;
}

/** One for each built-in chain. */
export function hookLines(tables: readonly RenderedTable[]): string {
  const hooks = new Map(tables.flatMap(({ hooks }) => hooks.map(hook => [hook.chain, hook] as const)));
  const lines = [...hooks.values()].flatMap(({ chain, rules }) => rules.map(one => ruleLine(chain, one)));
  return lines.join('');
}

export function ruleLine(chain: string, { text, comments }: Pick<RenderedRule, 'text' | 'comments'>): string {
  const words = comments.map(comment => `-m comment --comment "${comment}" `);
  return `-A ${chain} ${words.join('')}${text}\n`;
}
