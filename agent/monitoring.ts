/**
 * Who listens in on this host's speaker: the stations it tells, as it last said; dumps and recordings that people ask for. Many may
 * record at once, the speaker records once.
 */
import { FAMILIES } from '../bgp/family.js';
import type { BmpStationStatus, SpeakerAnswer, SpeakerCommand } from '../bgp/speaker/contract.js';
import type { SpeakerQueries } from './speaker-queries.js';

/** What a slow reader may leave unread before its recording ends. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** Prefixes of a dump at a time. */
const DUMP_STRETCH = 4096;

interface Recording {
  unread: Uint8Array[];
  bytes: number;
  wake: () => void;
}

export class Monitoring {
  stations: readonly BmpStationStatus[] = [];
  readonly #queries: SpeakerQueries;
  readonly #send: (command: SpeakerCommand) => void;
  readonly #recordings = new Set<Recording>();

  constructor(queries: SpeakerQueries, send: (command: SpeakerCommand) => void) {
    this.#queries = queries;
    this.#send = send;
  }

  /**
   * All paths as an MRT file (TABLE_DUMP_V2, RFC 6396), in pieces.
   *
   * @throws Error if the speaker does not answer
   */
  async *dumpTable(): AsyncGenerator<Uint8Array> {
    const { keys, bytes } = await this.#ask({ kind: 'mrt-peers' }, 'mrt-peers');
    yield bytes;
    let sequence = 0;
    for (const family of FAMILIES) {
      for (let from: number | undefined = 0; from !== undefined; ) {
        const stretch = { peers: keys, sequence, from, limit: DUMP_STRETCH };
        const answer: Extract<SpeakerAnswer, { kind: 'mrt-routes' }> = await this.#ask(
          { kind: 'mrt-routes', family, ...stretch },
          'mrt-routes',
        );
        ({ sequence, next: from } = answer);
        if (answer.bytes.length > 0) yield answer.bytes;
      }
    }
  }

  /**
   * What peers say and how their sessions go, as MRT records (BGP4MP_ET), until the signal.
   *
   * @throws Error if the reader falls too far behind
   */
  async *recordSessions(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const recording: Recording = { unread: [], bytes: 0, wake: () => {} };
    const wake = () => recording.wake();
    signal.addEventListener('abort', wake);
    this.#recordings.add(recording);
    if (this.#recordings.size === 1) this.#send({ kind: 'record-sessions', on: true });
    try {
      while (!signal.aborted) {
        const pieces = recording.unread;
        recording.unread = [];
        recording.bytes = 0;
        yield* pieces;
        if (!this.#recordings.has(recording)) throw new Error('the recording was read too slowly');
        if (recording.unread.length > 0 || signal.aborted) continue;
        await new Promise<void>(resolve => {
          recording.wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#end(recording);
    }
  }

  recorded(records: Uint8Array): void {
    for (const recording of this.#recordings) {
      recording.unread.push(records);
      recording.bytes += records.length;
      if (recording.bytes > MAX_UNREAD_BYTES) {
        recording.unread = [];
        this.#end(recording);
      }
      recording.wake();
    }
  }

  #end(recording: Recording): void {
    if (!this.#recordings.delete(recording) || this.#recordings.size > 0) return;
    this.#send({ kind: 'record-sessions', on: false });
  }

  async #ask<K extends 'mrt-peers' | 'mrt-routes'>(
    query: Parameters<SpeakerQueries['ask']>[0],
    kind: K,
  ): Promise<Extract<SpeakerAnswer, { readonly kind: K }>> {
    const answer = await this.#queries.ask(query);
    if (answer.kind === kind) return answer as Extract<SpeakerAnswer, { readonly kind: K }>;
    throw new Error(answer.kind === 'error' ? answer.message : 'no answer');
  }
}
