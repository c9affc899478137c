/** The score that the runner keeps, on what AVA prints. */
import test from 'ava';

interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly { readonly name: string; readonly reason: string }[];
  readonly outcomes: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly reason?: string;
  }[];
  readonly failures: readonly string[];
  feed(chunk: string): void;
  end(): void;
  slowest(count: number): readonly { readonly name: string; readonly milliseconds: number }[];
}

const source = new URL('../../../scripts/ava-report.mjs', import.meta.url);
const { AvaReport } = (await import(source.href)) as { readonly AvaReport: new () => Report };

function reportOf(text: string, piece = text.length): Report {
  const report = new AvaReport();
  for (let at = 0; at < text.length; at += piece) report.feed(text.slice(at, at + piece));
  report.end();
  return report;
}

const mixed = `
  ✔ core › asn › fine
  ✔ core › asn › slow (1.2s)
  ✔ linux › needs a module
    ℹ SKIP: node-netlink could not be built
  ✘ [fail]: core › asn › wrong
  - [skip] core › asn › off
  ✔ core › asn › slower (1m 2s)
    ℹ seed 5
  ─

  core › asn › wrong

  1 test failed
  1 test skipped
  2 uncaught exceptions
`;

test('passed tests count although AVA leaves them out when one failed', t => {
  const report = reportOf(mixed);
  t.is(report.passed, 3);
  t.is(report.failed, 3);
});

test('skipped tests have reasons and never count as passed', t => {
  t.deepEqual(
    reportOf(mixed).skips.map(({ name, reason }) => [name, reason]),
    [
      ['linux › needs a module', 'node-netlink could not be built'],
      ['core › asn › off', 'switched off in the test file'],
    ],
  );
});

test('each test has one outcome', t => {
  t.deepEqual(reportOf(mixed).outcomes, [
    { name: 'core › asn › fine', outcome: 'passed' },
    { name: 'core › asn › slow', outcome: 'passed' },
    { name: 'linux › needs a module', outcome: 'skipped', reason: 'node-netlink could not be built' },
    { name: 'core › asn › wrong', outcome: 'failed' },
    { name: 'core › asn › off', outcome: 'skipped', reason: 'switched off in the test file' },
    { name: 'core › asn › slower', outcome: 'passed' },
  ]);
});

test('the slowest come first', t => {
  t.deepEqual(reportOf(mixed).slowest(2), [
    { name: 'core › asn › slower', milliseconds: 62_000 },
    { name: 'core › asn › slow', milliseconds: 1200 },
  ]);
});

test('chunks may end anywhere', t => {
  for (const piece of [1, 7, 64]) {
    const report = reportOf(mixed, piece);
    t.deepEqual([report.passed, report.failed, report.skips.length], [3, 3, 2]);
  }
});

test('a run without failures counts the same way', t => {
  const report = reportOf('  ✔ one\n  ✔ two\n  ─\n\n  2 tests passed\n');
  t.deepEqual([report.passed, report.failed], [2, 0]);
});

test('tests that hang count as failed', t => {
  t.is(reportOf('  ✔ one\n\n  2 tests remained pending after a timeout\n').failed, 2);
});

test('what is said of a failure is kept: as it came, and in detail', t => {
  const text = `
  ✔ core › asn › fine
    ℹ of no concern
  ✘ [fail]: core › asn › wrong
    ℹ seed 5
  ✔ core › asn › also fine

  Uncaught exception in test/late.test.js

  Error: late

  ✘ test/late.test.js exited with a non-zero exit code: 1
  ✔ core › asn › fine as well
  ─

  core › asn › wrong

  - 1
  + 2

  ─

  1 test failed
`;
  t.deepEqual(
    reportOf(text)
      .failures.map(line => line.trim())
      .filter(line => line !== ''),
    [
      '✘ [fail]: core › asn › wrong',
      'ℹ seed 5',
      'Uncaught exception in test/late.test.js',
      'Error: late',
      '✘ test/late.test.js exited with a non-zero exit code: 1',
      'core › asn › wrong',
      '- 1',
      '+ 2',
    ],
  );
});

test('where nothing failed, nothing is kept of failures', t => {
  const text = '  ✔ core › asn › fine\n    ℹ seed 5\n  ─\n\n  1 test passed\n';
  t.deepEqual(reportOf(text).failures, []);
});
