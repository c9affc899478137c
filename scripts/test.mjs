/**
 * `npm test`: everything CI runs. The static checks and unit tests first (they fail fastest), then the integration tests, those with
 * other BGP daemons, then those of the lab in one boot of a kernel that has IPIP (`test/lab`), each stage as an owned run. Ends with one line: `N passed, N failed, N skipped`.
 *
 *     npm test                        all stages
 *     npm test -- --stage unit        one of: static, unit, integration, interop, lab
 *     npm test -- --match '*MED*'     handed on to AVA
 *     npm test -- --stage interop --table    writes docs/interop.md from what came out
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseLab, inLab, nodeIn } from '../test/lab/kernel-choice.mjs';
import { AvaReport } from './ava-report.mjs';
import {
  fail,
  installTools,
  networkTools,
  prepare,
  progress,
  requireNode,
  requireRoot,
  root,
} from './bootstrap.mjs';
import { integrationLanes } from './integration-lanes.mjs';
import { interopPage } from './interop-table.mjs';
import { buildNodeNetlink } from './node-netlink.mjs';
import { ownedRun } from './owned-run.mjs';
import { staticChecks } from './static-checks.mjs';

const stages = ['static', 'unit', 'integration', 'interop', 'lab'];
const STAGE_SECONDS = 45 * 60;
/** On a CPU where all takes longer. */
const LAB_SECONDS = 40 * 60;
const { values: flags } = parse();
const chosen = flags.stage === undefined ? stages : [flags.stage];
if (!chosen.every(stage => stages.includes(stage)))
  fail(`--stage ${flags.stage}: one of ${stages.join(', ')}`);
if (flags.table && (flags.stage !== 'interop' || flags.match !== undefined))
  fail('--table wants the whole of --stage interop, without --match');

requireNode();
const onTheNetwork = chosen.includes('integration') || chosen.includes('interop');
if (onTheNetwork || chosen.includes('lab')) requireRoot('the integration tests make network namespaces');
prepare();
if (onTheNetwork) {
  // For certificates, and for what is told of links by somebody else.
  installTools({ ...networkTools, openssl: 'openssl', ethtool: 'ethtool' });
  buildNodeNetlink();
}

const started = Date.now();
const totals = { passed: 0, failed: 0, skips: [], slowest: [], failures: [] };
/** Of what is said of failures again at the end; the rest stands further up. */
const FAILURE_LINES = 100;
if (chosen.includes('static')) {
  const { passed, failures } = await staticChecks();
  totals.passed += passed;
  totals.failed += failures.length;
  for (const { name, problem } of failures) totals.failures.push(`  ✘ ${name}`, ...problem.split('\n'));
}
if (chosen.includes('unit'))
  await ava('unit', { env: { MARGAY_FUZZ_MESSAGES: process.env.MARGAY_FUZZ_MESSAGES ?? '1000000' } });
if (chosen.includes('integration')) await integrationTests();
if (chosen.includes('interop')) {
  const outcomes = await ava('interop');
  if (flags.table) await writeTable(outcomes);
}
if (chosen.includes('lab')) await labTests();
report();
process.exit(totals.failed === 0 ? 0 : 1);

async function labTests() {
  const lab = chooseLab();
  if (lab.kind === 'none') unableToRun(lab);
  else await ava('lab', { lab });
}

/** Each test of the lab counts: as skipped if this machine cannot have such a kernel, as failed if that is not sure. */
function unableToRun({ reason, excused }) {
  progress(`lab: ${reason}`);
  const folder = join(root, 'dist/test/lab');
  const names = readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith('.test.js'))
    .flatMap(file => [...readFileSync(join(folder, file), 'utf8').matchAll(/^test\((['"`])(.*?)\1,/gm)])
    .map(([, , name]) => name);
  if (excused) totals.skips.push(...names.map(name => ({ name, reason })));
  totals.failed += excused && names.length > 0 ? 0 : Math.max(names.length, 1);
}

/** `docs/interop.md`, also where a test has failed; what makes it less than a full page fails the run. */
async function writeTable(outcomes) {
  const { features, daemons } = await import(join(root, 'dist/test/integration/interop/features.js'));
  const { page, problems } = interopPage(features, daemons, outcomes);
  writeFileSync(join(root, 'docs/interop.md'), page);
  for (const problem of problems) progress(`docs/interop.md: ${problem}`);
  totals.failed += problems.length;
}

async function integrationTests() {
  if (flags.match !== undefined) return await ava('integration');
  const { lanes, alone } = integrationLanes(root);
  progress('integration tests, in lanes side by side: what a lane says comes when it is done');
  const runs = lanes.map(async (files, i) => {
    const held = [];
    const outcome = await avaRun('integration', { files, say: text => held.push(text) });
    progress(`integration tests, lane ${i + 1} of ${lanes.length}`);
    for (const text of held) process.stdout.write(text);
    return outcome;
  });
  for (const outcome of await Promise.all(runs)) account('integration', outcome);
  progress('integration tests, one file after the other');
  account('integration', await avaRun('integration', { files: alone }));
}

/** A stage that is one run. Returns each test's outcome. */
async function ava(stage, options) {
  progress(`${stage} tests`);
  const run = await avaRun(stage, options);
  account(stage, run);
  return run.score.outcomes;
}

/** One AVA run with the configuration of that stage. */
async function avaRun(
  stage,
  { env = {}, lab = { kind: 'host' }, files = [], say = text => process.stdout.write(text) } = {},
) {
  const score = new AvaReport();
  const command = [
    ...nodeIn(lab),
    join(root, 'node_modules/ava/entrypoints/cli.mjs'),
    '--config',
    `scripts/ava-${stage}.config.js`,
    ...files,
  ];
  for (const pattern of flags.match ?? []) command.push('--match', pattern);
  const timeoutSeconds = lab.kind === 'guest' ? LAB_SECONDS : STAGE_SECONDS;
  const status = await ownedRun(inLab(lab, command, { timeoutSeconds }), {
    timeoutMs: timeoutSeconds * 1000,
    env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0' },
    onStdout: chunk => {
      say(chunk);
      score.feed(chunk);
    },
  });
  score.end();
  return { status, score };
}

/** A run that counts nothing is a failure, not a success; one that was interrupted ends all of it. */
function account(stage, { status, score }) {
  const counted = score.passed + score.failed + score.skips.length;
  totals.passed += score.passed;
  totals.failed += status !== 0 && score.failed === 0 ? 1 : score.failed;
  totals.skips.push(...score.skips);
  totals.slowest.push(...score.slowest(10));
  totals.failures.push(...score.failures);
  if (status !== 0 && score.failed === 0) progress(`${stage}: AVA ended with status ${status}`);
  if (counted === 0) {
    progress(`${stage}: no test ran`);
    totals.failed += status === 0 ? 1 : 0;
  }
  if ([130, 143, 129].includes(status)) {
    report();
    process.exit(status);
  }
}

function report() {
  const slowest = totals.slowest.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, 10);
  if (slowest.length > 0) process.stdout.write('\nThe ten slowest tests:\n');
  for (const { name, milliseconds } of slowest) {
    process.stdout.write(`  ${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${name}\n`);
  }
  if (totals.skips.length > 0) process.stdout.write('\nSkipped:\n');
  for (const { name, reason } of totals.skips) process.stdout.write(`  ${name}: ${reason}\n`);
  if (totals.failures.length > 0) process.stdout.write('\nFailed:\n');
  for (const line of totals.failures.slice(0, FAILURE_LINES)) process.stdout.write(`${line}\n`);
  if (totals.failures.length > FAILURE_LINES) process.stdout.write('  ... more of it further up\n');
  process.stdout.write(
    `\n${Math.round((Date.now() - started) / 1000)} s in all, on Node ${process.versions.node}\n`,
  );
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skips.length} skipped\n`);
}

function parse() {
  try {
    return parseArgs({
      options: {
        stage: { type: 'string' },
        match: { type: 'string', multiple: true },
        table: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    return fail(`${error.message} (flags: --stage ${stages.join('|')}, --match PATTERN, --table)`);
  }
}
