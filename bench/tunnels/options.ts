/** The command line of `npm run bench -- tunnels`, which its runner in `scripts/` reads, too. Pure. */
import { parseArgs } from 'node:util';
import type { Mode } from '../../demo/mode.js';

const encapsulations = ['ipip', 'vxlan', 'udp'] as const;

export const usage = `npm run bench -- tunnels [options]

Pod to pod over plain routing, IPIP, VXLAN and UDP encapsulation, in turn: two hosts in two subnets, a router between them, an agent on
each, all in network namespaces of this kernel. What a kernel lacks is said and left out; where that is IPIP, all is measured once more in
the lab's guest kernel, with ratios of its own.

  --rounds N        how often everything is measured; medians are shown (3)
  --seconds N       how long each stream runs (3)
  --only A,B        beside plain routing: ${encapsulations.join(', ')}
  --offload         let the underlay pass 64 kB at a time, as veth does and no wire; else everything is cut to its MTU
  --lab             only in a kernel that has IPIP: this one, or the guest's
  --json            the result as JSON: a list, by kernel
`;

export interface TunnelBenchOptions {
  readonly rounds: number;
  /** Of each stream. */
  readonly seconds: number;
  /** Plain routing first: the others are ratios to it. */
  readonly modes: readonly Mode[];
  readonly offload: boolean;
  readonly lab: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws if an option is unknown or its value is not allowed */
export function readOptions(args: readonly string[]): TunnelBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string', default: encapsulations.join(',') },
      offload: { type: 'boolean', default: false },
      lab: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    rounds: wholeNumber('rounds', values.rounds, 100),
    seconds: wholeNumber('seconds', values.seconds, 60),
    modes: ['plain', ...encapsulationsOf(values.only)],
    offload: values.offload,
    lab: values.lab,
    json: values.json,
    help: values.help,
  };
}

/**
 * For the runner: when something must be wrong. In the guest, whose one CPU is slow to start processes, everything but the streams takes
 * several times as long.
 */
export function timeLimitSeconds(
  { rounds, seconds, modes }: Pick<TunnelBenchOptions, 'rounds' | 'seconds' | 'modes'>,
  inGuest: boolean,
): number {
  const [atStart, perMode] = inGuest ? [300, 90] : [60, 30];
  return atStart + rounds * modes.length * (2 * seconds + perMode);
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} ${text}: a whole number from 1 to ${most}`);
}

function encapsulationsOf(list: string): readonly Mode[] {
  const words = list.split(',');
  const unknown = words.find(word => !encapsulations.some(mode => mode === word));
  if (unknown !== undefined)
    throw new Error(`--only ${list}: "${unknown}" is none of ${encapsulations.join(', ')}`);
  return encapsulations.filter(mode => words.includes(mode));
}
