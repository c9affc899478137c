/**
 * SHELL: how a reflector knows that it was one a moment ago: a file that is touched while it lives. It has no routes in the kernel to tell
 * by; its clients keep what it told them meanwhile (RFC 4724), and forward past it all the time.
 */
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'reflector-alive';
const TOUCH_MS = 5000;

export class ReflectorMark {
  readonly #path: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(stateDirectory: string) {
    this.#path = join(stateDirectory, FILE);
  }

  /** Whether peers still keep the routes of the one before. @param keptSeconds for how long they do */
  isRestart(keptSeconds: number): boolean {
    try {
      const ageMs = Date.now() - statSync(this.#path).mtimeMs;
      return ageMs < keptSeconds * 1000 + TOUCH_MS;
    } catch {
      return false;
    }
  }

  /** What is wrong where the file cannot be written. */
  begin(): string | undefined {
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true });
      writeFileSync(this.#path, '');
    } catch (error) {
      return (error as Error).message;
    }
    this.#timer = setInterval(() => this.#touch(), TOUCH_MS);
    this.#timer.unref();
    return undefined;
  }

  /** @param kept peers have been left in silence, and keep our routes */
  end(kept: boolean): void {
    clearInterval(this.#timer);
    if (kept) this.#touch();
    else rmSync(this.#path, { force: true });
  }

  #touch(): void {
    const now = new Date();
    try {
      utimesSync(this.#path, now, now);
    } catch {
      // Gone or read-only: then the next start is a cold one.
    }
  }
}
