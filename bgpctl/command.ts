/** What a command is: its words, as data that both parsers read (`arguments.ts` and yargs), and what it does. */
import type { ControlClient } from '../agent/control/client.js';

export interface OptionSpec {
  readonly type: 'boolean' | 'string' | 'array';
  readonly alias?: string;
  readonly choices?: readonly string[];
  /** Shown in help instead of the type. */
  readonly placeholder?: string;
  readonly describe: string;
}

export interface PositionalSpec {
  readonly name: string;
  readonly describe: string;
  readonly required: boolean;
  readonly choices?: readonly string[];
}

export type Arguments = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** The process around a command: where it prints, how wide, and when to stop. */
export interface Context {
  readonly client: ControlClient;
  readonly out: (output: string | Uint8Array) => Promise<void>;
  readonly err: (text: string) => void;
  /** Characters a line may have. */
  readonly columns: number;
  readonly colour: boolean;
  /** True if the output is a terminal that may be redrawn. */
  readonly redraw: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** 0 fine, 1 a finding, 2 usage, 3 the agent could not be reached. */
export const exitCode = { fine: 0, finding: 1, usage: 2, notReachable: 3 } as const;

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly (readonly [string, string])[];
  /** Resolves to the exit code; a {@link UsageError} means 2. */
  run(given: Arguments, context: Context): Promise<number>;
}

/** The command line makes no sense; the message says what would. */
export class UsageError extends Error {}

export const globalOptions = {
  socket: {
    type: 'string',
    placeholder: 'PATH',
    describe: "the agent's control socket (also MARGAY_SOCKET)",
  },
} as const satisfies Record<string, OptionSpec>;

export const outputOption = {
  output: {
    type: 'string',
    alias: 'o',
    choices: ['table', 'wide', 'json', 'yaml'],
    describe: 'output format',
  },
} as const satisfies Record<string, OptionSpec>;

export const watchOption = {
  watch: { type: 'boolean', alias: 'w', describe: 'show again whenever it changes, until interrupted' },
} as const satisfies Record<string, OptionSpec>;

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';

export function outputFormat(given: Arguments): OutputFormat {
  return (given.output as OutputFormat | undefined) ?? 'table';
}

/** The text of a positional or option, undefined if it was not given. */
export function text(given: Arguments, name: string): string | undefined {
  const value = given[name];
  return typeof value === 'string' ? value : undefined;
}
