/** A program's command line: a flag per setting, and what is wrong with it, with the nearest right word. */
import yargs from 'yargs';
import { nearest } from '../core/nearest-word.js';
import { DEFAULT_FILE } from './config/file.js';
import type { Setting } from './config/setting.js';
import { settings } from './config/settings.js';

export interface Program<Command extends string> {
  readonly name: string;
  /** What it does without a command. */
  readonly usage: string;
  readonly commands: readonly (readonly [name: Command, describe: string])[];
  readonly check: string;
  readonly settings: readonly Setting[];
}

export const agentProgram: Program<'cleanup'> = {
  name: 'margay-agent',
  usage: "Runs this host's agent until it is told to end.",
  commands: [['cleanup', 'take everything away that the agent has written to this host']],
  check: 'say what is wrong with the configuration, and end',
  settings,
};

export type ParsedArguments<Command extends string> =
  | {
      readonly kind: 'ok';
      readonly command: 'run' | Command;
      /** The configuration file, where it was named. */
      readonly config: string | undefined;
      readonly check: boolean;
      /** By flag name. */
      readonly flags: Readonly<Record<string, string | undefined>>;
    }
  /** Help or version: everything has been said. */
  | { readonly kind: 'said' }
  /** All that is wrong, a sentence each. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

export function parseArguments<Command extends string>(
  program: Program<Command>,
  words: readonly string[],
  version: string,
): ParsedArguments<Command> {
  let failure: string | undefined;
  const parser = newParser(program, words, version).fail(message => {
    const flag = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
    failure = flag === undefined ? message : `--${flag} needs a value`;
  });
  const known = ['config', 'check', 'help', 'version', ...program.settings.map(({ flag }) => flag)];
  const unknown = unknownFlags(words, known);
  if (unknown.length > 0) return { kind: 'invalid', problems: unknown };
  const given = parser.parseSync() as Record<string, unknown> & { readonly _: readonly (string | number)[] };
  if (given.help === true || given.version === true) return { kind: 'said' };
  const problems = [
    ...(failure === undefined ? [] : [failure]),
    ...twice(given, known),
    ...unknownWords(given._, program.commands),
  ];
  if (problems.length > 0) return { kind: 'invalid', problems };
  return {
    kind: 'ok',
    command: program.commands.find(([name]) => name === given._[0])?.[0] ?? 'run',
    config: given.config as string | undefined,
    check: given.check === true,
    flags: Object.fromEntries(program.settings.map(({ flag }) => [flag, given[flag] as string | undefined])),
  };
}

function newParser(program: Program<string>, words: readonly string[], version: string) {
  const parser = yargs([...words])
    .scriptName(program.name)
    .usage(`$0 ${program.commands.length > 0 ? '[command] ' : ''}[flags]\n\n${program.usage}`)
    // What is said must not depend on the terminal's language.
    .locale('en')
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: `configuration file (default ${DEFAULT_FILE})`,
    })
    .option('check', { type: 'boolean', describe: program.check })
    .version(version)
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false })
    .exitProcess(false)
    .wrap(Math.min(100, process.stdout.columns ?? 100));
  for (const [name, describe] of program.commands) parser.command(name, describe);
  for (const { flag, describe, fallback, fallbackWords } of program.settings) {
    const usual = fallbackWords ?? fallback;
    parser.option(flag, {
      type: 'string',
      describe: `${describe.split('. ')[0]} [${usual}]`,
      requiresArg: true,
    });
  }
  return parser;
}

function unknownFlags(words: readonly string[], known: readonly string[]): string[] {
  return words.flatMap(word => {
    const match = /^(-{1,2})([^=]+)/.exec(word);
    const name = match?.[2];
    if (name === undefined || (match?.[1] === '--' && known.includes(name))) return [];
    const meant = nearest(name, known);
    return [
      `there is no flag ${match?.[1]}${name}${meant === undefined ? '' : `; did you mean --${meant}?`}`,
    ];
  });
}

function twice(given: Readonly<Record<string, unknown>>, known: readonly string[]): string[] {
  return known.filter(flag => Array.isArray(given[flag])).map(flag => `--${flag} is given twice`);
}

function unknownWords(
  words: readonly (string | number)[],
  commands: readonly (readonly [name: string, describe: string])[],
): string[] {
  const [command, ...rest] = words.map(String);
  if (command === undefined) return [];
  const names = commands.map(([name]) => name);
  if (names.length === 0) return [`${command} is one word too many: there are no commands`];
  if (!names.includes(command)) {
    const meant = nearest(command, names);
    const instead = meant === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${meant}?`;
    return [`there is no command ${command}; ${instead}`];
  }
  return rest.map(word => `${word} is one word too many for ${command}`);
}
