/**
 * When the RIB is the whole truth after a start: End-of-RIB from every peer, or the Selection_Deferral_Timer (RFC 4724 section 4.1).
 * Until then a restarting speaker selects nothing, and its owner deletes nothing from the kernel.
 */
import type { Clock, Timer } from '../../core/clock.js';
import { FAMILIES, type Family } from '../family.js';
import type { SpeakerConfig } from './contract.js';

/** Without graceful restart nobody waits for long: what was configured is there or it is not. */
const DEFAULT_DEFERRAL_SECONDS = 120;

interface Options {
  readonly clock: Clock;
  /** Whether every peer has told what it has. */
  readonly told: () => boolean;
  readonly inSync: (family: Family, timedOut: boolean) => void;
}

export class StartupSync {
  readonly #options: Options;
  readonly #waiting = new Set<Family>(FAMILIES);
  #timer: Timer | undefined;
  #begun = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Every peer has been configured. */
  get begun(): boolean {
    return this.#begun;
  }

  get pending(): boolean {
    return this.#waiting.size > 0;
  }

  waitsFor(family: Family): boolean {
    return this.#waiting.has(family);
  }

  begin(config: SpeakerConfig): void {
    if (this.#begun) return;
    this.#begun = true;
    const seconds = config.gracefulRestart?.selectionDeferralSeconds ?? DEFAULT_DEFERRAL_SECONDS;
    this.#timer = this.#options.clock.schedule(seconds * 1000, () => this.#finish([...this.#waiting], true));
    this.check();
  }

  check(): void {
    if (!this.#begun || !this.pending) return;
    if (this.#options.told()) this.#finish([...this.#waiting], false);
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #finish(families: readonly Family[], timedOut: boolean): void {
    for (const family of families) this.#waiting.delete(family);
    if (!this.pending) this.#timer?.cancel();
    for (const family of families) this.#options.inSync(family, timedOut);
  }
}
