/**
 * The checks that read the sources without running them: format and lint, layering, unused code. Types are checked by the
 * build. Each counts as one test; the layering check proves on a planted violation that it can fail.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bootstrap.mjs';

const bin = name => join(root, 'node_modules', '.bin', name);

/** @returns {Promise<{ passed: number, failed: number }>} */
export async function staticChecks() {
  const checks = [
    ['format and lint', () => succeed(bin('biome'), ['check', '--error-on-warnings', '.'])],
    ['layering', layering],
    ['layering finds a planted violation', plantedViolation],
    ['unused code', () => succeed(bin('knip'), ['--no-progress'])],
  ];
  let failed = 0;
  for (const [name, check] of checks) {
    const problem = check();
    if (problem === undefined) process.stdout.write(`  ✔ ${name}\n`);
    else {
      failed++;
      process.stdout.write(`  ✘ ${name}\n${problem}\n`);
    }
  }
  return { passed: checks.length - failed, failed };
}

function succeed(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`;
}

const sources = ['core', 'linux', 'bgp', 'ipip', 'store', 'agent', 'bgpctl'];

function cruise(paths) {
  const args = ['--config', 'scripts/layering.config.cjs', '--output-type', 'json', ...paths];
  const result = spawnSync(bin('depcruise'), args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  try {
    return JSON.parse(result.stdout).summary;
  } catch {
    return { totalCruised: 0, violations: [], error: result.stderr };
  }
}

/** A cruise over nothing would find nothing wrong, so the number of modules is part of the check. */
function layering() {
  const summary = cruise(sources);
  if (summary.totalCruised < 50)
    return `only ${summary.totalCruised} modules were looked at\n${summary.error ?? ''}`;
  if (summary.violations.length === 0) return undefined;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).join('\n');
}

/** A pure file that imports a builtin, and a sibling that imports a sibling: both must be found. */
function plantedViolation() {
  const folder = join(root, 'core', 'planted-violation');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(
      join(folder, 'planted.ts'),
      "import { readFileSync } from 'node:fs';\nimport { createSpeaker } from '../../bgp/index.js';\nconsole.log(readFileSync, createSpeaker);\n",
    );
    const found = new Set(cruise(['core/planted-violation']).violations.map(({ rule }) => rule.name));
    const missed = ['pure-code-has-no-builtins', 'core-imports-nothing-of-ours'].filter(
      rule => !found.has(rule),
    );
    return missed.length === 0 ? undefined : `not found: ${missed.join(', ')}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
