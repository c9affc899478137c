/** SHELL: commands run as children: what they print, and how they ended. */
import { execFile } from 'node:child_process';

export interface Outcome {
  /** The exit status; negative: the command did not come to an end by itself. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** There is no such command. */
  readonly missing: boolean;
}

export type Run = (command: string, args: readonly string[], input?: string) => Promise<Outcome>;

const TIMEOUT_MS = 10_000;
/** A set of a million addresses, or as many rules as a kernel takes. */
const MOST_OUTPUT_BYTES = 1 << 28;

export interface CommandOptions {
  /** The command is ended after this, and has failed. */
  readonly timeoutMs?: number;
  /** Told of the child's number as soon as there is one. */
  readonly started?: (pid: number) => void;
}

/** Never throws: a command that cannot be run has failed too. */
export function runCommand(
  [command, ...args]: readonly string[],
  input = '',
  { timeoutMs = TIMEOUT_MS, started }: CommandOptions = {},
): Promise<Outcome> {
  return new Promise(resolve => {
    const options = { timeout: timeoutMs, maxBuffer: MOST_OUTPUT_BYTES };
    const child = execFile(command!, args, options, (error, stdout, stderr) => {
      const said = stderr.trim();
      if (error === null) return resolve({ status: 0, stdout, stderr: said, missing: false });
      const missing = error.code === 127 || (error.code as unknown) === 'ENOENT';
      if (typeof error.code === 'number') {
        resolve({ status: error.code, stdout, stderr: said, missing });
      } else {
        const late = error.code === null && error.killed === true;
        const reason = late ? `ended after ${timeoutMs / 1000} s` : error.message;
        resolve({ status: -1, stdout, stderr: said === '' ? reason : `${said} (${reason})`, missing });
      }
    });
    if (child.pid !== undefined) started?.(child.pid);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
