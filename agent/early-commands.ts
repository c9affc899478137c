/** A speaker must hear `configure` first: what is said before that waits (pure). */
import type { SpeakerCommand } from '../bgp/speaker/contract.js';

export class EarlyCommands {
  /** Undefined once it is configured. */
  #waiting: SpeakerCommand[] | undefined = [];

  /** What to tell it now; undefined for a query, which nobody can answer yet. */
  next(command: SpeakerCommand): readonly SpeakerCommand[] | undefined {
    if (this.#waiting === undefined) return [command];
    if (command.kind === 'query') return undefined;
    if (command.kind !== 'configure') {
      this.#waiting.push(command);
      return [];
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return [command, ...waiting];
  }
}
