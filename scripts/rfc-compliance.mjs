/**
 * `docs/rfc-compliance.md`: people write which section became which code and which tests show it; the status of each row is made from
 * the tests themselves. A row whose code or test is not there has a status that says so, which a unit test refuses.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const HEADING = 'Status';
const RULE = /^\|(?:-+\|)+$/;

/** The page with its last column made anew. */
export function withStatus(page, root) {
  let columns = 0;
  return page
    .split('\n')
    .map(line => {
      if (!line.startsWith('|')) {
        columns = 0;
        return line;
      }
      if (RULE.test(line)) return `|${'---|'.repeat(columns)}`;
      const cells = cellsOf(line);
      if (columns === 0) {
        const named = cells.at(-1) === HEADING ? cells : [...cells, HEADING];
        columns = named.length;
        return row(named);
      }
      const written = cells.slice(0, columns - 1);
      return row([...written, statusOf(written, root)]);
    })
    .join('\n');
}

/** What stands in a row: paths of the code and of the tests. */
export function namedIn(line) {
  const cells = cellsOf(line);
  const [code, tests] = cells.slice(-3, -1);
  return { code: pathsIn(code), tests: pathsIn(tests) };
}

function statusOf(written, root) {
  const code = pathsIn(written.at(-2));
  const tests = pathsIn(written.at(-1));
  const missing = [...code, ...tests].filter(path => !existsSync(join(root, path)));
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  if (code.length === 0) return 'no code named';
  const counts = tests.map(path => countTests(join(root, path)));
  if (counts.length === 0 || counts.includes(0)) return 'not tested';
  const real = tests.every(path => path.startsWith('test/integration/') || path.startsWith('test/lab/'));
  return real
    ? 'tested for real'
    : tests.some(path => path.startsWith('test/integration/'))
      ? 'tested, and for real'
      : 'tested';
}

/** Declarations of tests: one in a loop is one. */
function countTests(file) {
  return [...readFileSync(file, 'utf8').matchAll(/^\s*test(?:\.serial)?\(/gm)].length;
}

function pathsIn(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]);
}

function cellsOf(line) {
  return line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim());
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}
