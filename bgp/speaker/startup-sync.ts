/**
 * What a start waits for: a restarting speaker selects no learned route and sends no End-of-RIB before every peer has told what it has,
 * or the Selection_Deferral_Timer ends it (RFC 4724 section 4.1). Peers that restart as well are not waited for in this: they wait for
 * us. But the RIB is the whole truth, by which its owner may delete what an earlier process left in the kernel, only when they have
 * told, too.
 */
import type { Clock, Timer } from '../../core/clock.js';
import { FAMILIES, type Family } from '../family.js';
import type { SpeakerConfig } from './contract.js';

/** Without graceful restart nobody waits for long: what was configured is there or it is not. */
const DEFAULT_DEFERRAL_SECONDS = 120;

interface Options {
  readonly clock: Clock;
  /** Whether selection waits for no peer any more. */
  readonly selectable: () => boolean;
  /** Whether every peer has told what it has. */
  readonly told: () => boolean;
  readonly selection: (family: Family) => void;
  /** After `selection`. */
  readonly inSync: (family: Family, timedOut: boolean) => void;
}

export class StartupSync {
  readonly #options: Options;
  readonly #deferred = new Set<Family>(FAMILIES);
  readonly #outOfSync = new Set<Family>(FAMILIES);
  #timer: Timer | undefined;
  #begun = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Every peer has been configured. */
  get begun(): boolean {
    return this.#begun;
  }

  get deferring(): boolean {
    return this.#deferred.size > 0;
  }

  defers(family: Family): boolean {
    return this.#deferred.has(family);
  }

  begin(config: SpeakerConfig): void {
    if (this.#begun) return;
    this.#begun = true;
    const seconds = config.gracefulRestart?.selectionDeferralSeconds ?? DEFAULT_DEFERRAL_SECONDS;
    this.#timer = this.#options.clock.schedule(seconds * 1000, () => {
      this.#select();
      this.#finish(true);
    });
    this.check();
  }

  check(): void {
    if (!this.#begun || this.#outOfSync.size === 0) return;
    const told = this.#options.told();
    if (told || this.#options.selectable()) this.#select();
    if (told) this.#finish(false);
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #select(): void {
    const families = [...this.#deferred];
    this.#deferred.clear();
    for (const family of families) this.#options.selection(family);
  }

  #finish(timedOut: boolean): void {
    const families = [...this.#outOfSync];
    this.#outOfSync.clear();
    this.cancel();
    for (const family of families) this.#options.inSync(family, timedOut);
  }
}
