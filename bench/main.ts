/**
 * `npm run bench`: Margay, BIRD 2, FRR and GoBGP side by side, in alternation, in one run.
 *
 * Figures of different runs do not compare, ratios within one do; each cell is the median of the rounds. Needs root (network
 * namespaces) and leaves nothing behind. Bounds that are missed are said and end with exit code 1.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDaemons } from './daemons/programs.js';
import { type ContenderName, contenderNames } from './side-by-side/contender.js';
import { type CpuProfile, topFunctions } from './side-by-side/cpu-profile.js';
import { type Entrant, entrants } from './side-by-side/entrants.js';
import { type BenchNetwork, createNetwork } from './side-by-side/network.js';
import { renderReport, reportJson } from './side-by-side/report.js';
import { type Row, type Sample, speakerRows } from './side-by-side/rows.js';
import { evaluate } from './side-by-side/statistics.js';

const MOST_SINKS = Math.max(
  ...speakerRows(0).map(({ work }) => ('clients' in work ? (work.clients ?? 1) : 1)),
);

const usage = `npm run bench -- [options]
npm run bench -- tunnels --help     plain routing and each encapsulation between two hosts
npm run bench -- policy --help      network policy: packet filter, sets, calculation, the way from an apply
  --rounds N        how often everything is measured; medians are shown (3)
  --only A,B        contenders: ${contenderNames.join(', ')}
  --rows A,B        rows: ${speakerRows(0)
    .map(row => row.id)
    .join(', ')}
  --prefixes N      size of the table (500000)
  --thread WHERE    where Margay's speaker runs: main or worker (main)
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
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function chosenEntrants(): Promise<readonly Entrant[]> {
  const thread = options.thread === 'worker' ? 'worker' : 'main';
  const all = entrants(thread, await loadDaemons());
  return all.filter(({ name }) => options.only.split(',').includes(name));
}

function chosenRows(): readonly Row[] {
  const all = speakerRows(Number(options.prefixes));
  return all.filter(row => options.rows === undefined || options.rows.split(',').includes(row.id));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

type Taken = Map<string, Map<ContenderName, Sample[]>>;

/** Round by round, row by row, one after the other: drift of the machine meets all alike. */
async function measureAll(
  network: BenchNetwork,
  chosen: readonly Entrant[],
  rows: readonly Row[],
): Promise<Taken> {
  const taken: Taken = new Map(rows.map(row => [row.id, new Map()]));
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const row of rows) {
      for (const entrant of chosen.filter(({ takesPart }) => takesPart(row.work))) {
        const reason = row.without?.[entrant.name];
        if (reason !== undefined) {
          if (round === 1) say(`without ${entrant.name}  ${row.id}  ${reason}`);
          continue;
        }
        const sample = await measureOne(network, entrant, row, round);
        if (sample === undefined) continue;
        const ofRow = taken.get(row.id)!;
        ofRow.set(entrant.name, [...(ofRow.get(entrant.name) ?? []), sample]);
      }
    }
  }
  return taken;
}

/** A measurement that fails is said and leaves the others alone. */
async function measureOne(
  network: BenchNetwork,
  entrant: Entrant,
  row: Row,
  round: number,
): Promise<Sample | undefined> {
  const profileFile = profilePath(entrant, row, round);
  try {
    const sample = await entrant.measure(network, row, profileFile);
    say(`round ${round}  ${row.id}  ${entrant.name}  ${describeSample(sample)}`);
    if (profileFile !== undefined) sayProfile(profileFile);
    return sample;
  } catch (error) {
    say(`round ${round}  ${row.id}  ${entrant.name}  FAILED: ${(error as Error).message}`);
    process.exitCode = 1;
    return undefined;
  }
}

function describeSample(sample: Sample): string {
  return Object.entries(sample)
    .map(([metric, value]) => `${metric} ${value.toFixed(3)}`)
    .join('  ');
}

function profilePath(entrant: Entrant, row: Row, round: number): string | undefined {
  if (options.profile === undefined || entrant.name !== 'margay') return undefined;
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
  const network = createNetwork(MOST_SINKS);
  process.on('exit', () => network.remove());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const rows = chosenRows();
  const results = evaluate(rows, await measureAll(network, await chosenEntrants(), rows));
  process.stdout.write(`${options.json ? reportJson(results) : renderReport(results)}\n`);
  if (results.some(result => result.verdicts.some(verdict => verdict.holds === false))) process.exitCode = 1;
}

await main();
