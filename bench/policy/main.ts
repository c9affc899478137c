/**
 * `npm run bench -- policy`. Figures of different runs do not compare, ratios within one do. Needs root; what it makes is the run's, which its
 * runner sweeps. Bounds that are missed are said and end with exit code 1.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { thisMachine } from '../tunnels/machine.js';
import { measureApplies } from './agent-applies.js';
import type { CalculationAnswer } from './calculation-process.js';
import type { ClusterSize } from './cluster.js';
import { type PolicyBenchOptions, readOptions, usage } from './options.js';
import { startRemote } from './remote.js';
import { describeSample, renderReport, reportJson } from './report.js';
import { allHold, summarize, type Taken } from './results.js';
import type { RowId, Sample } from './rows.js';
import { type LineSample, measureSets, measureTables } from './side-by-side.js';

const CLUSTER: ClusterSize = { endpoints: 100_000, policies: 2000, endpointsPerHost: 100 };

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function* measureCalculation(profile: readonly string[]): AsyncGenerator<LineSample> {
  const remote = startRemote<ClusterSize, CalculationAnswer>('calculation-process', {
    flags: ['--expose-gc', ...profile],
  });
  try {
    yield* Object.entries(await remote.ask(CLUSTER));
  } finally {
    await remote.stop();
  }
}

/** @param profile flags of Node's for processes of Margay's */
function measure(row: RowId, profile: readonly string[]): AsyncGenerator<LineSample> {
  switch (row) {
    case 'nft':
      return measureTables('nft', profile);
    case 'legacy':
      return measureTables('legacy', profile);
    case 'sets':
      return measureSets(profile);
    case 'calculation':
      return measureCalculation(profile);
    case 'apply-nft':
      return measureApplies('nft', profile);
    case 'apply-legacy':
      return measureApplies('legacy', profile);
  }
}

function profileFlags({ profile }: PolicyBenchOptions): readonly string[] {
  if (profile === undefined) return [];
  mkdirSync(profile, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`];
}

/** Round by round, row by row: drift of the machine meets all alike. A row that fails leaves the others alone. */
async function measureAll(options: PolicyBenchOptions): Promise<Taken> {
  const taken = new Map(options.rows.map(row => [row, new Map<string, Sample[]>()]));
  const flags = profileFlags(options);
  for (let round = 1; round <= options.rounds; round++) {
    for (const row of options.rows) {
      const ofRow = taken.get(row)!;
      try {
        for await (const [line, sample] of measure(row, flags)) {
          ofRow.set(line, [...(ofRow.get(line) ?? []), sample]);
          say(`round ${round}  ${row}  ${line}  ${describeSample(sample)}`);
        }
      } catch (error) {
        process.exitCode = 1;
        say(`round ${round}  ${row}  FAILED: ${(error as Error).message}`);
      }
    }
  }
  return taken;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const { rounds, rows, json } = options;
  const machine = thisMachine();
  const results = summarize(rows, await measureAll(options));
  const report = { machine, rounds, results };
  process.stdout.write(json ? `${reportJson(report)}\n` : `\n${renderReport(report)}\n`);
  if (!allHold(results)) process.exitCode = 1;
}

await main();
