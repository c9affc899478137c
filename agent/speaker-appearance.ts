/**
 * SHELL: the speaker appears to its peers while this host is one of the cluster: it begins when that is known, says goodbye when it is so no
 * more, and is back with what it was told meanwhile. Routes in the kernel stay in between, until a whole table says otherwise.
 */
import type { Family } from '../bgp/family.js';
import type { BestRouteIntake } from './best-route-intake.js';
import type { SpeakerHost } from './speaker-host.js';
import type { SpeakerQueries } from './speaker-queries.js';
import type { SpeakerWatch } from './speaker-watch.js';

export interface SpeakerAppearanceOptions {
  readonly speaker: SpeakerHost;
  readonly watch: SpeakerWatch;
  readonly intake: BestRouteIntake;
  readonly queries: SpeakerQueries;
  /** Of which best routes are taken. */
  readonly families: readonly Family[];
  /** It is there again. */
  readonly resumed: () => void;
}

/** To peers of a host that turns out to have another one's name or address. */
const GOODBYE = 'another host has the name or the address of this one';

export class SpeakerAppearance {
  readonly #options: SpeakerAppearanceOptions;
  #appeared = false;
  #suspended = false;
  #withheld = false;

  constructor(options: SpeakerAppearanceOptions) {
    this.#options = options;
  }

  /** It has said goodbye, and is to come back. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** It has been told everything; at once where it has appeared already. */
  begin(): void {
    const { speaker, watch, intake, families, resumed } = this.#options;
    this.#withheld = false;
    watch.resumed();
    if (this.#suspended) {
      this.#suspended = false;
      speaker.resume();
      resumed();
      return;
    }
    if (this.#appeared) return;
    this.#appeared = true;
    speaker.send({ kind: 'configuration-complete' });
    for (const family of families) intake.begin(family);
  }

  withhold(): void {
    if (this.#withheld) return;
    this.#withheld = true;
    const { speaker, watch, intake, queries } = this.#options;
    watch.withheld();
    if (!this.#appeared) return;
    this.#suspended = true;
    speaker.suspend(GOODBYE);
    intake.speakerEnded();
    queries.failAll('this host announces nothing');
  }
}
