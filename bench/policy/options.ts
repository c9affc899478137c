/** The command line of `npm run bench -- policy`, which its runner in `scripts/` reads, too. Pure. */
import { parseArgs } from 'node:util';
import { type RowId, rowIds, rows } from './rows.js';

export const usage = `npm run bench -- policy [options]

What network policy costs on this host: its packet filter against raw iptables-restore and ipset restore of the very same text, its calculation
in one process, and the way from an apply to the first packet that is judged by it. All in network namespaces of its own.

  --rounds N        how often everything is measured; medians are shown (3)
  --rows A,B        of these:
${rows.map(({ id, title }) => `                      ${id.padEnd(13)} ${title}`).join('\n')}
  --profile DIR     write a CPU profile of each process of Margay's
  --json            the result as JSON
`;

export interface PolicyBenchOptions {
  readonly rounds: number;
  readonly rows: readonly RowId[];
  /** Where CPU profiles go. */
  readonly profile: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

const MOST_ROUNDS = 100;

/** @throws if an option is unknown or its value is not allowed */
export function readOptions(args: readonly string[]): PolicyBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: rowIds.join(',') },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    rounds: roundsOf(values.rounds),
    rows: rowsOf(values.rows),
    profile: values.profile,
    json: values.json,
    help: values.help,
  };
}

/** For the runner: when something must be wrong. */
export function timeLimitSeconds({
  rounds,
  rows: chosen,
}: Pick<PolicyBenchOptions, 'rounds' | 'rows'>): number {
  const perRound = rows.filter(({ id }) => chosen.includes(id)).map(({ mostSeconds }) => mostSeconds);
  return 60 + rounds * perRound.reduce((sum, seconds) => sum + seconds, 0);
}

function roundsOf(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MOST_ROUNDS) return value;
  throw new Error(`--rounds ${text}: a whole number from 1 to ${MOST_ROUNDS}`);
}

/** In the order of the report, each once. */
function rowsOf(list: string): readonly RowId[] {
  const words = list.split(',');
  const unknown = words.find(word => !rowIds.some(id => id === word));
  if (unknown !== undefined) throw new Error(`--rows ${list}: "${unknown}" is none of ${rowIds.join(', ')}`);
  return rowIds.filter(id => words.includes(id));
}
