/** Questions to the speaker and their answers, matched by number; one that gets none fails after a while. */
import type { SpeakerAnswer, SpeakerCommand, SpeakerQuery } from '../bgp/speaker/contract.js';

const PATIENCE_MS = 10_000;

export class SpeakerQueries {
  readonly #send: (command: SpeakerCommand) => void;
  readonly #waiting = new Map<number, (answer: SpeakerAnswer) => void>();
  #next = 1;

  constructor(send: (command: SpeakerCommand) => void) {
    this.#send = send;
  }

  ask(query: SpeakerQuery): Promise<SpeakerAnswer> {
    const id = this.#next++;
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.answered(id, { kind: 'error', message: 'the speaker does not answer' });
      }, PATIENCE_MS);
      this.#waiting.set(id, answer => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#send({ kind: 'query', id, query });
    });
  }

  answered(id: number, answer: SpeakerAnswer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  /** The speaker is gone: nobody will answer. */
  failAll(message: string): void {
    for (const id of [...this.#waiting.keys()]) this.answered(id, { kind: 'error', message });
  }
}
