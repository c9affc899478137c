/** The command line of `margay-agent`: a flag per setting, and what is wrong with it, with the nearest right word. */
import yargs from 'yargs';
import { nearest } from '../core/nearest-word.js';
import { settings } from './config/settings.js';

export const DEFAULT_FILE = '/etc/margay/agent.yaml';

export type ParsedArguments =
  | {
      readonly kind: 'ok';
      readonly command: 'run' | 'cleanup';
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

const commands = ['cleanup'] as const;

export function parseArguments(words: readonly string[], version: string): ParsedArguments {
  let failure: string | undefined;
  const parser = newParser(words, version).fail(message => {
    const flag = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
    failure = flag === undefined ? message : `--${flag} needs a value`;
  });
  const unknown = unknownFlags(words);
  if (unknown.length > 0) return { kind: 'invalid', problems: unknown };
  const given = parser.parseSync() as Record<string, unknown> & { readonly _: readonly (string | number)[] };
  if (given.help === true || given.version === true) return { kind: 'said' };
  const problems = [...(failure === undefined ? [] : [failure]), ...twice(given), ...unknownWords(given._)];
  if (problems.length > 0) return { kind: 'invalid', problems };
  return {
    kind: 'ok',
    command: given._[0] === 'cleanup' ? 'cleanup' : 'run',
    config: given.config as string | undefined,
    check: given.check === true,
    flags: Object.fromEntries(settings.map(({ flag }) => [flag, given[flag] as string | undefined])),
  };
}

function newParser(words: readonly string[], version: string) {
  const parser = yargs([...words])
    .scriptName('margay-agent')
    .usage("$0 [command] [flags]\n\nRuns this host's agent until it is told to end.")
    // What is said must not depend on the terminal's language.
    .locale('en')
    .command('cleanup', 'take everything away that the agent has written to this host')
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: `configuration file (default ${DEFAULT_FILE})`,
    })
    .option('check', { type: 'boolean', describe: 'say what is wrong with the configuration, and end' })
    .version(version)
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false })
    .exitProcess(false)
    .wrap(Math.min(100, process.stdout.columns ?? 100));
  for (const { flag, describe, fallback, fallbackWords } of settings) {
    const usual = fallbackWords ?? fallback;
    parser.option(flag, {
      type: 'string',
      describe: `${describe.split('. ')[0]} [${usual}]`,
      requiresArg: true,
    });
  }
  return parser;
}

const knownFlags = ['config', 'check', 'help', 'version', ...settings.map(({ flag }) => flag)];

function unknownFlags(words: readonly string[]): string[] {
  return words.flatMap(word => {
    const match = /^(-{1,2})([^=]+)/.exec(word);
    const name = match?.[2];
    if (name === undefined || (match?.[1] === '--' && knownFlags.includes(name))) return [];
    const meant = nearest(name, knownFlags);
    return [
      `there is no flag ${match?.[1]}${name}${meant === undefined ? '' : `; did you mean --${meant}?`}`,
    ];
  });
}

function twice(given: Readonly<Record<string, unknown>>): string[] {
  return knownFlags.filter(flag => Array.isArray(given[flag])).map(flag => `--${flag} is given twice`);
}

function unknownWords(words: readonly (string | number)[]): string[] {
  const [command, ...rest] = words.map(String);
  if (command === undefined) return [];
  if (!commands.some(known => known === command)) {
    const meant = nearest(command, commands);
    const instead =
      meant === undefined ? `the commands are ${commands.join(', ')}` : `did you mean ${meant}?`;
    return [`there is no command ${command}; ${instead}`];
  }
  return rest.map(word => `${word} is one word too many for ${command}`);
}
