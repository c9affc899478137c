/** `docs/rfc-compliance.md` names files; they must be there, each row with code and a test. */
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';

const root = new URL('../../../', import.meta.url);
const rows = readFileSync(new URL('docs/rfc-compliance.md', root), 'utf8')
  .split('\n')
  .filter(line => /^\| (?!Section|RFC|-)/.test(line));

const pathsIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!);

test('every row names code and a test that are there', t => {
  t.true(rows.length >= 60, `${rows.length} rows`);
  for (const row of rows) {
    const cells = row.split('|').slice(1, -1);
    const code = pathsIn(cells.at(-2)!);
    const tests = pathsIn(cells.at(-1)!);
    t.true(code.length > 0 && tests.length > 0, row);
    t.true(
      tests.every(path => path.startsWith('test/') && path.endsWith('.test.ts')),
      row,
    );
    const missing = [...code, ...tests].filter(path => !existsSync(new URL(path, root)));
    t.deepEqual(missing, [], row);
  }
});
