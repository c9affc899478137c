/** A value that may come later: the newest one, awaited with an AbortSignal. */
export class Signalled<T> {
  #value: T | undefined;
  #ended = false;
  #wake: (() => void)[] = [];

  set(value: T): void {
    this.#value = value;
    this.#wakeAll();
  }

  forget(): void {
    this.#value = undefined;
  }

  /** Whoever waits or will wait gets undefined, unless there is a value. */
  end(): void {
    this.#ended = true;
    this.#wakeAll();
  }

  /** Undefined if it ended or was aborted. */
  async next(signal?: AbortSignal): Promise<T | undefined> {
    while (this.#value === undefined && !this.#ended && signal?.aborted !== true) {
      await new Promise<void>(resolve => {
        this.#wake.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal?.aborted === true ? undefined : this.#value;
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
