/**
 * SHELL: how far this host is with the arrangement in force, looked at when sessions or plans change, and again and again as long as there
 * is something to wait for. `progress.ts` says what it means.
 */
import type { PeerStatus, SpeakerAnswer, SpeakerQuery } from '../../bgp/speaker/contract.js';
import type { Clock, Timer } from '../../core/clock.js';
import type { TopologyInForce } from '../calculators/topology.js';
import type { ConditionView } from '../control/types.js';
import type { TopologyProgress } from './cluster-hosts.js';
import { type ArrangedSession, goingPeers, topologyProgress } from './progress.js';

export interface TopologyWatchOptions {
  readonly clock: Clock;
  readonly inForce: () => TopologyInForce;
  readonly arranged: () => ReadonlyMap<string, ArrangedSession>;
  readonly ask: (query: SpeakerQuery) => Promise<SpeakerAnswer>;
  /** It says something else now. */
  readonly changed: () => void;
}

/** Sessions change several at a time. */
const SOON_MS = 500;
/** As long as nothing moves, twice as long each time. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/** Of a person, who need not hear of what takes its time. */
const PATIENCE_MS = 60_000;

export class TopologyWatch {
  readonly #options: TopologyWatchOptions;
  #progress: TopologyProgress | undefined;
  /** Undefined while it is in sync. */
  #behindSinceMs: number | undefined;
  #timer: Timer | undefined;
  #dueMs = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(options: TopologyWatchOptions) {
    this.#options = options;
  }

  /** As of the last look; undefined before the first. */
  get progress(): TopologyProgress | undefined {
    return this.#progress;
  }

  /** While others wait for this host, and have for a while. */
  conditions(): readonly ConditionView[] {
    const nowMs = this.#options.clock.now();
    const isLong = nowMs - (this.#behindSinceMs ?? nowMs) >= PATIENCE_MS;
    const keepsAll = this.#options.inForce().layers.some(({ stays }) => !stays);
    if (!keepsAll || this.#progress?.inSync !== false || !isLong) return [];
    const { generation, detail } = this.#progress;
    const message = `generation ${generation} of the topology waits for this host, and the arrangement before is kept for all: ${detail}`;
    return [{ severity: 'warning', message, objects: ['TopologyPlan/default'] }];
  }

  /** The plan, or sessions, may be others. */
  review(): void {
    if (this.#closed) return;
    this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#looking) this.#again = true;
    else this.#wait(SOON_MS);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  get #generation(): number {
    return this.#options.inForce().plan?.generation ?? 0;
  }

  /** Never later than it was to be: sessions may change all the time. */
  #wait(milliseconds: number): void {
    const dueMs = this.#options.clock.now() + milliseconds;
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#options.clock.schedule(milliseconds, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#looking = true;
    this.#again = false;
    const moved = await this.#ask();
    if (this.#isInSync) this.#behindSinceMs = undefined;
    else this.#behindSinceMs ??= this.#options.clock.now();
    this.#looking = false;
    if (this.#closed) return;
    this.#pauseMs = moved ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
    const { inForce, changed } = this.#options;
    if (moved) changed();
    if (this.#again) this.#wait(SOON_MS);
    else if (inForce().layers.some(({ stays }) => !stays) || !this.#isInSync) this.#wait(this.#pauseMs);
  }

  get #isInSync(): boolean {
    return this.#progress?.inSync === true && this.#progress.generation === this.#generation;
  }

  /** True if it says something else than before. */
  async #ask(): Promise<boolean> {
    const { ask } = this.#options;
    const generation = this.#generation;
    const arranged = new Map(this.#options.arranged());
    const going = goingPeers(arranged);
    const none: SpeakerAnswer = { kind: 'dependence', dependence: [] };
    const [peers, dependence] = await Promise.all([
      ask({ kind: 'peers' }),
      going.ending.length + going.relays.length === 0 ? none : ask({ kind: 'dependence', ...going }),
    ]);
    const isOutdated = generation !== this.#generation;
    if (isOutdated || peers.kind !== 'peers' || dependence.kind !== 'dependence') return false;
    const statuses = new Map<string, PeerStatus>(peers.peers.map(peer => [peer.key, peer]));
    const facts = { generation, arranged, peers: statuses, dependence: dependence.dependence };
    const before = this.#progress;
    this.#progress = topologyProgress(facts);
    return JSON.stringify(before) !== JSON.stringify(this.#progress);
  }
}
