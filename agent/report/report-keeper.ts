/** SHELL: this host's NodeReport in the store: at most every 10 s where something of note has changed, and every minute anyway. */
import type { Clock, Timer } from '../../core/clock.js';
import type { Store } from '../../store/port.js';
import type { HostReport } from '../control/types.js';
import { keepDocument } from '../own-documents.js';
import { gist, reportDocument } from './node-report.js';

export interface ReportKeeperOptions {
  readonly nodeName: string;
  readonly store: Store;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly unixMs: () => number;
  readonly report: () => Promise<HostReport>;
  /** Nothing is to be written in this host's name now. */
  readonly withheld: () => boolean;
}

const SOON_MS = 1000;
const PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;

export class ReportKeeper {
  readonly #options: ReportKeeperOptions;
  #writtenMs = Number.NEGATIVE_INFINITY;
  /** When it is written again whatever it says. */
  #refreshMs = Number.NEGATIVE_INFINITY;
  #gist: string | undefined;
  #timer: Timer | undefined;
  /** When the timer is due. */
  #dueMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: ReportKeeperOptions) {
    this.#options = options;
  }

  /** Something that the report tells of may have changed. */
  changed(): void {
    const now = this.#options.clock.now();
    this.#by(Math.max(now + SOON_MS, this.#writtenMs + PAUSE_MS));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #by(dueMs: number): void {
    if (this.#closed || dueMs >= this.#dueMs) return;
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.schedule(dueMs - clock.now(), () => void this.#turn());
  }

  async #turn(): Promise<void> {
    const { clock, withheld } = this.#options;
    if (!withheld()) await this.#write();
    this.#dueMs = Number.POSITIVE_INFINITY;
    const now = clock.now();
    this.#by(this.#refreshMs > now ? this.#refreshMs : now + LONGEST_PAUSE_MS);
  }

  async #write(): Promise<void> {
    const { nodeName, store, clock, random, unixMs, report } = this.#options;
    const said = await report();
    const now = clock.now();
    if (gist(said) === this.#gist && now < this.#refreshMs) return;
    this.#writtenMs = now;
    // Not all hosts of a cluster at once.
    this.#refreshMs = now + LONGEST_PAUSE_MS * (0.85 + 0.15 * random());
    const document = reportDocument(nodeName, said, unixMs());
    const kept = await keepDocument(store, { kind: 'NodeReport', name: nodeName }, () => document);
    // What could not be written is tried again with the next change, or in a minute: it is of no use then.
    this.#gist = kept.kind === 'written' ? gist(said) : undefined;
  }
}
