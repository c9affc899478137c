/**
 * A strict parser for command lines that are right, so that they start in half the time: yargs takes longer to load than the agent
 * to answer. Whatever it does not take at once (help, completion, mistakes) goes to yargs, which explains. Both read the same specs,
 * and a test holds them to the same answers.
 */
import {
  type Arguments,
  type Command,
  globalOptions,
  type OptionSpec,
  type PositionalSpec,
} from './command.js';

/** Undefined: let yargs look at it. */
export function parseArguments(command: Command, words: readonly string[]): Arguments | undefined {
  const options: Readonly<Record<string, OptionSpec>> = { ...globalOptions, ...command.options };
  const given: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === '-' || !word.startsWith('-')) {
      positionals.push(word);
      continue;
    }
    const match = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(word) ?? /^-([a-z])$/.exec(word);
    const found = Object.entries(options).find(([name, { alias }]) =>
      word.startsWith('--') ? name === match?.[1] : alias !== undefined && alias === match?.[1],
    );
    if (found === undefined) return undefined;
    const [name, spec] = found;
    if (spec.type === 'boolean') {
      if (match?.[2] !== undefined) return undefined;
      given[name] = true;
      continue;
    }
    const value = match?.[2] ?? words[++i];
    const isFlag = match?.[2] === undefined && value !== '-' && value?.startsWith('-');
    if (value === undefined || value === '' || isFlag || spec.choices?.includes(value) === false)
      return undefined;
    if (spec.type === 'array') given[name] = [...((given[name] as string[] | undefined) ?? []), value];
    else if (given[name] !== undefined) return undefined;
    else given[name] = value;
  }
  if (positionals.length > command.positionals.length) return undefined;
  if (command.positionals.filter(({ required }) => required).length > positionals.length) return undefined;
  for (const [i, value] of positionals.entries()) {
    const { name, choices } = command.positionals[i] as PositionalSpec;
    if (choices?.includes(value) === false) return undefined;
    given[name] = value;
  }
  return given;
}
