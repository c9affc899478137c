/**
 * `npm run bench -- tunnels`, in the kernel at hand: its runner starts it in the lab's guest as well. Figures of different runs do not
 * compare, ratios within one do. Needs root; what it makes is the run's, which its runner sweeps.
 */
import type { Mode } from '../../demo/mode.js';
import { type Daemons, loadDaemons } from '../daemons/programs.js';
import { thisMachine } from './machine.js';
import { measure } from './measure.js';
import { readOptions, type TunnelBenchOptions, usage } from './options.js';
import { describeSample, renderReport, reportJson } from './report.js';
import { type Sample, summarize } from './results.js';
import { Ways } from './ways.js';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface Taken {
  readonly samples: ReadonlyMap<Mode, Sample[]>;
  readonly lacking: Map<Mode, string>;
}

/** Round by round, mode by mode: drift of the machine meets all alike. */
async function measureAll(ways: Ways, daemons: Daemons, options: TunnelBenchOptions): Promise<Taken> {
  const { rounds, modes } = options;
  const taken: Taken = { samples: new Map(modes.map(mode => [mode, []])), lacking: new Map() };
  for (let round = 1; round <= rounds; round++) {
    for (const mode of modes.filter(mode => !taken.lacking.has(mode))) {
      const said = await measureMode(ways, daemons, mode, options.seconds, taken);
      say(`round ${round}  ${mode}  ${said}`);
    }
  }
  return taken;
}

/** What came of it. A measurement that fails leaves the others alone. */
async function measureMode(
  ways: Ways,
  daemons: Daemons,
  mode: Mode,
  seconds: number,
  { samples, lacking }: Taken,
): Promise<string> {
  const ofMode = samples.get(mode)!;
  try {
    const reason = await ways.take(mode);
    if (reason !== undefined) {
      if (ofMode.length > 0) throw new Error(reason);
      lacking.set(mode, reason);
      return reason;
    }
    const sample = await measure(ways.path, daemons, seconds);
    if (!ways.takes(mode)) throw new Error('the way changed under the measurement');
    ofMode.push(sample);
    return describeSample(sample);
  } catch (error) {
    process.exitCode = 1;
    return `FAILED: ${(error as Error).message}`;
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  const { rounds, seconds, modes, offload, json } = options;
  const machine = thisMachine();
  const daemons = await loadDaemons();
  const runId = process.env.MARGAY_RUN_ID ?? `bench${process.pid.toString(36)}`;
  const ways = await Ways.open(runId, { udp: modes.includes('udp'), offload });
  try {
    const { samples, lacking } = await measureAll(ways, daemons, options);
    const report = { machine, rounds, seconds, offload, results: summarize(samples), lacking };
    process.stdout.write(json ? `${reportJson(report)}\n` : `\n${renderReport(report)}\n`);
  } finally {
    await ways.close();
  }
}

await main();
