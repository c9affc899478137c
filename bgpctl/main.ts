/** SHELL: the process around a command: arguments, terminal, exit code. */
import { readFileSync } from 'node:fs';
import { ControlClient, ControlError } from '../agent/control/client.js';
import { DEFAULT_CONTROL_SOCKET } from '../agent/control/types.js';
import { parseArguments } from './arguments.js';
import { type Arguments, type Command, type Context, exitCode, UsageError } from './command.js';
import { commands } from './commands.js';

/** Runs one command line; resolves to the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    const parsed = await parse(words);
    return parsed === undefined
      ? exitCode.fine
      : await parsed.command.run(parsed.given, contextFor(parsed.given));
  } catch (error) {
    return report(error);
  }
}

async function parse(
  words: readonly string[],
): Promise<{ readonly command: Command; readonly given: Arguments } | undefined> {
  const [name, ...rest] = words;
  if (name !== undefined && Object.hasOwn(commands, name)) {
    const command = await (commands[name] as () => Promise<Command>)();
    const given = parseArguments(command, rest);
    if (given !== undefined) return { command, given };
  }
  const { explainArguments } = await import('./explain.js');
  return await explainArguments(words, packageVersion());
}

function contextFor(given: Arguments): Context {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`| head`) is no error; a full disk is.
    if (error.code === 'EPIPE') process.exit(exitCode.fine);
    process.stderr.write(`bgpctl: cannot write the output: ${error.message}\n`);
    process.exit(exitCode.finding);
  });
  const { stdout, env } = process;
  const socketPath = (given.socket as string | undefined) ?? env.MARGAY_SOCKET ?? DEFAULT_CONTROL_SOCKET;
  return {
    client: new ControlClient(socketPath),
    out: output => new Promise(resolve => (stdout.write(output) ? resolve() : stdout.once('drain', resolve))),
    err: text => void process.stderr.write(`${text}\n`),
    columns: (stdout.isTTY ? stdout.columns : undefined) || Number(env.COLUMNS) || 80,
    colour: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    redraw: stdout.isTTY === true && env.TERM !== 'dumb',
    now: Date.now,
    signal: stop.signal,
  };
}

function report(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`bgpctl: ${message}\n`);
  if (error instanceof UsageError) {
    process.stderr.write('Try: bgpctl --help\n');
    return exitCode.usage;
  }
  if (!(error instanceof ControlError)) return exitCode.finding;
  switch (error.kind) {
    case 'not-reachable':
      process.stderr.write('Start it with: systemctl start margay-agent\n');
      return exitCode.notReachable;
    case 'permission-denied':
    case 'version-mismatch':
    case 'broken-off':
      return exitCode.notReachable;
    case 'refused':
      return error.status === 400 ? exitCode.usage : exitCode.finding;
  }
}

function packageVersion(): string {
  // From dist/bgpctl/main.js.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
