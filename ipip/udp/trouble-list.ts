/** What is wrong, by subject, and what went wrong last. Pure but for the time that it is given. */

export interface LastError {
  /** ISO 8601. */
  readonly at: string;
  readonly message: string;
}

/** A packet's failure that repeats is noted this often. */
const SAME_MS = 1000;

export class TroubleList {
  readonly #nowMs: () => number;
  /** Told when a subject's trouble begins, is another, or ends (""). */
  readonly #changed: (subject: string, message: string) => void;
  readonly #current = new Map<string, string>();
  #lastMessage = '';
  #lastMs = 0;

  /** @param nowMs milliseconds since 1970 */
  constructor(nowMs: () => number, changed: (subject: string, message: string) => void) {
    this.#nowMs = nowMs;
    this.#changed = changed;
  }

  /** @param message "" if all is well */
  set(subject: string, message: string): void {
    if ((this.#current.get(subject) ?? '') === message) return;
    if (message === '') this.#current.delete(subject);
    else {
      this.#current.set(subject, message);
      this.note(`${subject}: ${message}`);
    }
    this.#changed(subject, message);
  }

  /** Something that happened to a packet. Hot path. */
  note(message: string): void {
    const now = this.#nowMs();
    if (message === this.#lastMessage && now - this.#lastMs < SAME_MS) return;
    this.#lastMessage = message;
    this.#lastMs = now;
  }

  get current(): readonly string[] {
    return [...this.#current].map(([subject, message]) => `${subject}: ${message}`);
  }

  get last(): LastError | undefined {
    if (this.#lastMessage === '') return undefined;
    return { at: new Date(this.#lastMs).toISOString(), message: this.#lastMessage };
  }
}
