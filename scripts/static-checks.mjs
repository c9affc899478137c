/**
 * The checks that read the sources without running them: format and lint, layering, unused code. Types are checked by the
 * build. Each counts as one test; that the layering check can fail is proved by a violation of every rule.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './bootstrap.mjs';
import layeringConfig from './layering.config.cjs';

const bin = name => join(root, 'node_modules', '.bin', name);

/** @returns {Promise<{ passed: number, failures: { name: string, problem: string }[] }>} */
export async function staticChecks() {
  const checks = [
    ['format and lint', () => succeed(bin('biome'), ['check', '--error-on-warnings', '.'])],
    ['layering', layering],
    ['layering finds a planted violation of every rule', plantedViolations],
    ['unused code', () => succeed(bin('knip'), ['--no-progress'])],
  ];
  const failures = [];
  for (const [name, check] of checks) {
    const problem = check();
    if (problem === undefined) process.stdout.write(`  ✔ ${name}\n`);
    else {
      failures.push({ name, problem });
      process.stdout.write(`  ✘ ${name}\n${problem}\n`);
    }
  }
  return { passed: checks.length - failures.length, failures };
}

function succeed(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`;
}

/** Rooms that have no code yet are not looked into; the number of modules tells if that went wrong. */
const rooms = [
  'core',
  'linux',
  'bgp',
  'ipip',
  'policy',
  'store',
  'ipam',
  'agent',
  'bgpctl',
  'cni',
  'bench',
  'demo',
];

function cruise(folder, paths) {
  const config = join(root, 'scripts/layering.config.cjs');
  const args = ['--config', config, '--output-type', 'json', ...paths];
  const result = spawnSync(bin('depcruise'), args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
  try {
    return JSON.parse(result.stdout).summary;
  } catch {
    return { totalCruised: 0, violations: [], failure: result.stderr };
  }
}

/** A cruise over nothing would find nothing wrong, so the number of modules is part of the check. */
function layering() {
  const summary = cruise(
    root,
    rooms.filter(room => existsSync(join(root, room))),
  );
  if (summary.totalCruised <= 50)
    return `only ${summary.totalCruised} modules were looked at\n${summary.failure ?? ''}`;
  if (summary.violations.length === 0) return undefined;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).join('\n');
}

/** What must not be, in a tree of its own: by name of the rule that must find it, the file and what it imports. */
const planted = {
  'pure-code-has-no-builtins': ['core/clock.ts', 'node:fs'],
  'core-imports-nothing-of-ours': ['core/prefix.ts', '../bgp/rib.js'],
  'linux-imports-core': ['linux/route.ts', '../store/port.js'],
  'bgp-imports-core': ['bgp/rib.ts', '../linux/route.js'],
  'ipip-imports-core-and-linux': ['ipip/driver.ts', '../bgp/rib.js'],
  'policy-imports-core-and-linux': ['policy/chains.ts', '../ipip/driver.js'],
  'store-imports-core-and-linux': ['store/port.ts', '../policy/chains.js'],
  'ipam-imports-core-and-store': ['ipam/claims.ts', '../linux/route.js'],
  'front-ends-speak-to-the-control-api': ['bgpctl/main.ts', '../agent/agent.js'],
  'stores-are-opened-without-an-agent': ['bgpctl/store/open.ts', '../../agent/agent.js'],
  'mains-are-started-only': ['agent/starts.ts', '../bgpctl/main.js'],
  'bgp-has-no-packages': ['bgp/packages.ts', 'yaml'],
  'only-linux-imports-koffi': ['agent/agent.ts', 'koffi'],
  'no-cycles': ['agent/cycle.ts', './cycle-back.js'],
};

function plantedViolations() {
  const folder = mkdtempSync(join(tmpdir(), 'margay-layering-'));
  try {
    for (const name of ['package.json', 'tsconfig.json', 'node_modules'])
      symlinkSync(join(root, name), join(folder, name));
    const files = [...Object.values(planted), ['agent/cycle-back.ts', './cycle.js']];
    for (const [file, imported] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      const source = `import * as imported from '${imported}';\nexport const value = imported;\n`;
      writeFileSync(join(folder, file), source);
    }
    const { violations, failure } = cruise(folder, [...new Set(files.map(([file]) => file.split('/')[0]))]);
    const found = new Set(violations.map(({ rule }) => rule.name));
    const missed = layeringConfig.forbidden.map(({ name }) => name).filter(name => !found.has(name));
    return missed.length === 0 ? undefined : `not found: ${missed.join(', ')}\n${failure ?? ''}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
