/**
 * `npm run bench`: Margay, BIRD 2, FRR and GoBGP side by side, in alternation, in one run.
 *
 * Figures of different runs do not compare, ratios within one do; each cell is the median of the rounds. Needs root (network
 * namespaces) and leaves nothing behind. Bounds that are missed are said and end with exit code 1.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bird2 } from './side-by-side/bird2.js';
import { type Contender, type ContenderName, contenderNames } from './side-by-side/contender.js';
import { type CpuProfile, topFunctions } from './side-by-side/cpu-profile.js';
import { daemonsUnder } from './side-by-side/daemons.js';
import { frr } from './side-by-side/frr.js';
import { gobgp } from './side-by-side/gobgp.js';
import { margay } from './side-by-side/margay.js';
import { measure } from './side-by-side/measure.js';
import { type BenchNetwork, createNetwork } from './side-by-side/network.js';
import { renderReport, reportJson } from './side-by-side/report.js';
import { type Row, type Sample, speakerRows } from './side-by-side/rows.js';
import { evaluate } from './side-by-side/statistics.js';

const usage = `npm run bench -- [options]
  --rounds N        how often everything is measured; medians are shown (3)
  --only A,B        contenders: ${contenderNames.join(', ')}
  --rows A,B        rows: ${speakerRows(0)
    .map(row => row.id)
    .join(', ')}
  --prefixes N      size of the table (500000)
  --thread WHERE    where Margay's speaker runs: main or worker (main)
  --daemons DIR     folder that bird2, frr and gobgpd are unpacked in
  --profile DIR     write a CPU profile of Margay per row and print its top functions
  --json            the result as JSON
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: contenderNames.join(',') },
    rows: { type: 'string' },
    prefixes: { type: 'string', default: '500000' },
    thread: { type: 'string', default: 'main' },
    daemons: { type: 'string', default: '' },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function chosenContenders(): readonly Contender[] {
  const daemons = daemonsUnder(options.daemons);
  const all = [
    margay(options.thread === 'worker' ? 'worker' : 'main'),
    bird2(daemons),
    frr(daemons),
    gobgp(daemons),
  ];
  return all.filter(contender => options.only.split(',').includes(contender.name));
}

function chosenRows(): readonly Row[] {
  const all = speakerRows(Number(options.prefixes));
  return all.filter(row => options.rows === undefined || options.rows.split(',').includes(row.id));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Round by round, row by row, one contender after the other: drift of the machine meets all alike. */
async function measureAll(
  network: BenchNetwork,
  contenders: readonly Contender[],
  rows: readonly Row[],
): Promise<Map<string, Map<ContenderName, Sample[]>>> {
  const samples = new Map(
    rows.map(row => [row.id, new Map(contenders.map(({ name }) => [name, [] as Sample[]]))]),
  );
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const row of rows) {
      for (const contender of contenders) {
        const profileFile = profilePath(contender, row, round);
        try {
          const sample = await measure({ network, contender, row, profileFile });
          samples.get(row.id)!.get(contender.name)!.push(sample);
          say(`round ${round}  ${row.id}  ${contender.name}  ${describeSample(sample)}`);
          if (profileFile !== undefined) sayProfile(profileFile);
        } catch (error) {
          say(`round ${round}  ${row.id}  ${contender.name}  FAILED: ${(error as Error).message}`);
          process.exitCode = 1;
        }
      }
    }
  }
  return samples;
}

function describeSample(sample: Sample): string {
  return Object.entries(sample)
    .map(([metric, value]) => `${metric} ${value.toFixed(3)}`)
    .join('  ');
}

function profilePath(contender: Contender, row: Row, round: number): string | undefined {
  if (options.profile === undefined || contender.name !== 'margay') return undefined;
  mkdirSync(options.profile, { recursive: true });
  return join(options.profile, `${row.id}-${round}.cpuprofile`);
}

function sayProfile(file: string): void {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  for (const { name, percent, ms } of topFunctions(profile, 20)) {
    say(`  ${percent.toFixed(1).padStart(5)} %  ${ms.toFixed(1).padStart(8)} ms  ${name}`);
  }
}

async function main(): Promise<void> {
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  const network = createNetwork(1);
  process.on('exit', () => network.remove());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const rows = chosenRows();
  const results = evaluate(rows, await measureAll(network, chosenContenders(), rows));
  process.stdout.write(`${options.json ? reportJson(results) : renderReport(results)}\n`);
  if (results.some(result => result.verdicts.some(verdict => verdict.holds === false))) process.exitCode = 1;
}

await main();
