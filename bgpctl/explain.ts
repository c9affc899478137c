/** The command line through yargs: help, completion, and what is wrong with it, with the nearest right word. Loaded only for that. */
import yargs, { type Argv, type Options } from 'yargs';
import { nearest } from '../core/nearest-word.js';
import { type Arguments, type Command, globalOptions, type OptionSpec, UsageError } from './command.js';
import { commands } from './commands.js';
import { kindWords } from './kinds.js';

/** What to run, or undefined if yargs has said all there is to say (help, version, completion). */
export async function explainArguments(
  words: readonly string[],
  version: string,
): Promise<{ readonly command: Command; readonly given: Arguments } | undefined> {
  let chosen: { command: Command; given: Arguments } | undefined;
  const known = Object.keys(commands);
  const cli = yargs(bindDashes(words))
    .scriptName('bgpctl')
    .usage('Usage: $0 COMMAND [OPTIONS]')
    .locale('en')
    .version(version)
    .alias('help', 'h')
    .alias('version', 'V')
    .options(
      Object.fromEntries(Object.entries(globalOptions).map(([name, spec]) => [name, yargsOption(spec)])),
    )
    .parserConfiguration({
      'camel-case-expansion': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'boolean-negation': false,
    })
    .completion(
      'completion',
      'print a completion script: bgpctl completion >> ~/.bashrc (or ~/.zshrc)',
      completeKinds,
    )
    .recommendCommands()
    .strict()
    .demandCommand(1, 'which command?')
    .exitProcess(false)
    .wrap(Math.min(100, process.stdout.columns ?? 80))
    .epilogue('Exit codes: 0 fine, 1 a finding, 2 usage, 3 the agent is not reachable.')
    .fail((message, error) => {
      if (error !== undefined && error !== null && error.name !== 'YError') throw error;
      throw new UsageError(message);
    });
  for (const name of known) {
    const command = await (commands[name] as () => Promise<Command>)();
    cli.command(
      commandLine(command),
      command.summary,
      sub => describeCommand(sub, command),
      argv => {
        chosen = { command, given: pick(argv, command) };
      },
    );
  }
  try {
    await cli.parseAsync();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError((await missingWord(error.message, words)) ?? suggest(error.message, words, known));
  }
  return chosen;
}

type Words = string[] | undefined;

/** What yargs knows, and the kinds. */
function completeKinds(
  current: string,
  argv: { readonly _: readonly unknown[] },
  usual: (onCompleted: (error: Error | null, words: Words) => void) => unknown,
  done: (words: string[]) => unknown,
): void {
  usual((_error, words) => done([...(words ?? []), ...kindsFor(argv._.map(String), current)]));
}

/** A kind stands behind the command, where there is none yet. @param words from "bgpctl" on */
function kindsFor(words: readonly string[], current: string): readonly string[] {
  const [, command = '', ...rest] = words;
  const given = rest.filter(word => word !== '');
  if (!['get', 'describe', 'delete'].includes(command) || given.length > (current === '' ? 0 : 1)) return [];
  return kindWords.filter(word => word.startsWith(current.toLowerCase()));
}

/** `-f -`: yargs takes a lone dash for the next option, unless it is tied to its own. */
function bindDashes(words: readonly string[]): string[] {
  const bound: string[] = [];
  for (const word of words) {
    const last = bound.at(-1);
    if (word === '-' && last !== undefined && /^--?[a-z][a-z-]*$/.test(last))
      bound[bound.length - 1] = `${last}=-`;
    else bound.push(word);
  }
  return bound;
}

function describeCommand(sub: Argv, command: Command): Argv {
  for (const { name, describe, choices } of command.positionals) {
    sub.positional(name, { describe, type: 'string', ...(choices === undefined ? {} : { choices }) });
  }
  for (const [name, spec] of Object.entries(command.options)) sub.option(name, yargsOption(spec));
  for (const [line, what] of command.examples) sub.example(line, what);
  optionsOf.set(command.name, [...Object.keys(command.options), ...Object.keys(globalOptions)]);
  return sub;
}

const optionsOf = new Map<string, string[]>();

function commandLine({ name, positionals }: Command): string {
  return [
    name,
    ...positionals.map(({ name: word, required }) => (required ? `<${word}>` : `[${word}]`)),
  ].join(' ');
}

function yargsOption(spec: OptionSpec): Options {
  return {
    describe: spec.describe,
    type: spec.type,
    ...(spec.alias === undefined ? {} : { alias: spec.alias }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec.type === 'boolean' ? {} : { requiresArg: true }),
  };
}

/** Only what the command's spec names, so that both parsers give the same. */
function pick(argv: Readonly<Record<string, unknown>>, command: Command): Arguments {
  const given: Record<string, string | boolean | string[]> = {};
  const names = [
    ...Object.keys(globalOptions),
    ...Object.keys(command.options),
    ...command.positionals.map(({ name }) => name),
  ];
  for (const name of names) {
    const value = argv[name];
    if (value === undefined || value === false) continue;
    if (Array.isArray(value) && command.options[name]?.type !== 'array') {
      throw new UsageError(`--${name} is given twice`);
    }
    given[name] = value as string | boolean | string[];
  }
  return given;
}

/** Which of a command's own words is missing, where that is what yargs means to say. */
async function missingWord(message: string, words: readonly string[]): Promise<string | undefined> {
  const there = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  const name = words.find(word => Object.hasOwn(commands, word));
  if (there === undefined || name === undefined) return undefined;
  const command = await (commands[name] as () => Promise<Command>)();
  const missing = command.positionals.filter(({ required }) => required)[Number(there)];
  return missing && `bgpctl ${name} needs a ${missing.name.toUpperCase()}: ${missing.describe}`;
}

function suggest(message: string, words: readonly string[], known: readonly string[]): string {
  const invalid = /Argument: (\S+), Given: "(.*)", Choices: (.+)$/m.exec(message);
  if (invalid !== null) {
    const choices = [...(invalid[3] as string).matchAll(/"([^"]+)"/g)].map(match => match[1] as string);
    const near = nearest(invalid[2] as string, choices);
    const isOption = [...optionsOf.values()].some(names => names.includes(invalid[1] as string));
    return `${isOption ? '--' : ''}${invalid[1]} is ${choices.join(', ')}, not "${invalid[2]}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
  }
  const recommended = /^Did you mean (.+)\?$/m.exec(message)?.[1];
  if (recommended !== undefined) return `unknown command "${words[0]}"; did you mean "${recommended}"?`;
  const unknown = /^Unknown arguments?: (.+)$/m.exec(message)?.[1]?.split(', ')[0];
  if (unknown === undefined) return message;
  const command = words.find(word => known.includes(word));
  if (command === undefined) {
    const near = nearest(unknown, known);
    return near === undefined
      ? `unknown command "${unknown}"; the commands are ${known.join(', ')}`
      : `unknown command "${unknown}"; did you mean "${near}"?`;
  }
  if (!words.some(word => word.startsWith(`--${unknown}`) || word === `-${unknown}`)) {
    return `"${unknown}" is one word too many for bgpctl ${command}`;
  }
  const near = nearest(unknown, optionsOf.get(command) ?? []);
  const dashes = unknown.length === 1 ? '-' : '--';
  return near === undefined
    ? `bgpctl ${command} has no flag ${dashes}${unknown}`
    : `bgpctl ${command} has no flag ${dashes}${unknown}; did you mean --${near}?`;
}
