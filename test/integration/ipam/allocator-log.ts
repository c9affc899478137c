/** What an allocator says of what it does, a line for each thing, written before anything else happens: nothing else is believed. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface LogEntry {
  /** Of the machine's monotonic clock, which all processes share: nanoseconds, as text. */
  readonly at: string;
  readonly event:
    | 'asks'
    /** It relies on these addresses from now on. */
    | 'has'
    | 'has-none'
    /** It relies on them no longer from now on. */
    | 'gives-back'
    | 'gave-back'
    /** It will never give them back: its workload died with it. */
    | 'abandons';
  readonly handle: string;
  readonly addresses: readonly string[];
}

export class AllocatorLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  say(event: LogEntry['event'], handle: string, addresses: readonly string[] = []): void {
    const entry: LogEntry = { at: String(process.hrtime.bigint()), event, handle, addresses };
    // A process before this one may have been killed in the middle of a line.
    writeSync(this.#file, `\n${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export function readLog(path: string): readonly LogEntry[] {
  return readFileSync(path, 'utf8').split('\n').flatMap(parseLine);
}

/** Of all allocators, in the order of their times. */
export function readLogs(folder: string): readonly LogEntry[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .flatMap(name => readLog(join(folder, name)))
    .sort((a, b) => (BigInt(a.at) < BigInt(b.at) ? -1 : 1));
}

function parseLine(line: string): LogEntry[] {
  if (line === '') return [];
  try {
    return [JSON.parse(line) as LogEntry];
  } catch {
    return [];
  }
}
