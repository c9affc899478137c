/** `docs/rfc-compliance.md` names files; they must be there, each row with code and a test, and the status is what the tests say. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

interface Compliance {
  withStatus(page: string, root: string): string;
  namedIn(line: string): { readonly code: readonly string[]; readonly tests: readonly string[] };
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const script = new URL('scripts/rfc-compliance.mjs', new URL('../../../', import.meta.url));
const { withStatus, namedIn } = (await import(script.href)) as Compliance;
const page = readFileSync(new URL('../../../docs/rfc-compliance.md', import.meta.url), 'utf8');
const rows = page.split('\n').filter(line => /^\| (?!Section|RFC|-)/.test(line));

test('every row names code and a test that are there', t => {
  t.true(rows.length >= 60, `${rows.length} rows`);
  for (const line of rows) {
    const { code, tests } = namedIn(line);
    t.true(code.length > 0 && tests.length > 0, line);
    t.true(
      tests.every(path => path.startsWith('test/') && path.endsWith('.test.ts')),
      line,
    );
    t.regex(line, /\| tested[^|]*\|$/, line);
  }
});

test('the status is what `npm run docs` makes of the tests', t => {
  t.is(withStatus(page, root), page);
});

test('a row without its code, its test, or tests in it says so', t => {
  const table = (row: string) =>
    withStatus(`| Section | What | Code | Test |\n|---|---|---|---|\n${row}`, root);
  const status = (row: string) => /\| ([^|]*) \|$/.exec(table(row))?.[1];
  t.is(status('| 1 | x | `bgp/no.ts` | `test/bgp/rfc-compliance.test.ts` |'), 'missing: bgp/no.ts');
  t.is(status('| 1 | x | `bgp/iana.ts` | `test/no.test.ts` |'), 'missing: test/no.test.ts');
  t.is(status('| 1 | x | `bgp/iana.ts` |  |'), 'not tested');
  t.is(status('| 1 | x | `bgp/iana.ts` | `test/support/hex.ts` |'), 'not tested');
  t.is(status('| 1 | x | `bgp/iana.ts` | `test/bgp/rfc-compliance.test.ts` |'), 'tested');
});
