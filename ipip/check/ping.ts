/** SHELL: probes by the command `ping` of iputils, which knows how to wait for what comes back, errors included. */
import { execFile } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readPing } from './ping-output.js';
import { headersBytes, type Outcome, type Probe, type Prober } from './probe.js';

/** Packets that are sent until one is answered. */
const ATTEMPTS = 4;
/** It ends by itself long before. */
const OVERTIME_MS = 5000;

/** @param prefix a command to run it with, e.g. `['ip', 'netns', 'exec', 'X']` */
export function pingProber(prefix: readonly string[] = []): Prober {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async probe(probe, signal) {
      // To start a process holds this thread up for milliseconds: others have their turn between two.
      turn = turn.then(() => nextTurn());
      await turn;
      if (signal.aborted) return { kind: 'silent' };
      return run([...prefix, 'ping', ...pingArguments(probe)], probe, signal);
    },
  };
}

function run(
  [command, ...args]: readonly string[],
  { patienceSeconds }: Probe,
  signal: AbortSignal,
): Promise<Outcome> {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin:/usr/sbin:/sbin`,
    LC_ALL: 'C',
  };
  const timeout = patienceSeconds * 1000 + OVERTIME_MS;
  return new Promise((resolve, reject) => {
    execFile(command!, args, { env, signal, timeout, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code: unknown = error?.code;
      if (code === 'ENOENT') reject(new NoPingError());
      else if (typeof code === 'string' && code !== 'ABORT_ERR')
        resolve({ kind: 'not-sent', detail: error!.message });
      else resolve(readPing(`${stdout}\n${stderr}`));
    });
  });
}

/** Ends with the first answer, with an error from the network, or when patience is over. */
export function pingArguments({ from, to, bytes, patienceSeconds }: Probe): readonly string[] {
  const payload = String(bytes - headersBytes(to));
  const interval = String(patienceSeconds / ATTEMPTS);
  return [
    '-n',
    '-c1',
    '-w',
    String(patienceSeconds),
    '-i',
    interval,
    '-M',
    'do',
    '-s',
    payload,
    '-I',
    from,
    to,
  ];
}

class NoPingError extends Error {
  constructor() {
    super('there is no command "ping" on this host: "apt-get install iputils-ping" or the like brings it');
  }
}
