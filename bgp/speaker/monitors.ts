/**
 * SHELL: who listens in on the speaker: BMP stations (RFC 7854), the recording of sessions and the dump of tables (RFC 6396). While
 * there is nobody, sessions pay nothing for it.
 */
import type { Timer } from '../../core/clock.js';
import { type BmpSource, BmpStation } from '../bmp/station.js';
import { FAMILIES } from '../family.js';
import { SessionRecorder } from '../mrt/session-recorder.js';
import { dumpPeers, dumpRecords } from '../mrt/table-dump.js';
import type { SpeakerAnswer, SpeakerConfig, SpeakerEvent, SpeakerQuery } from './contract.js';
import { type SessionObserver, SessionObservers } from './session-observer.js';

/** What they ask of the speaker. */
export interface MonitoredSpeaker extends Omit<BmpSource, 'bmpChanged'> {
  readonly speaker: SpeakerConfig;
  emit(event: SpeakerEvent): void;
}

/** RFC 7854 section 4.8 leaves it open. */
const STATISTICS_INTERVAL_MS = 60_000;

export class Monitors {
  readonly #speaker: MonitoredSpeaker;
  readonly #observers = new SessionObservers();
  readonly #stations = new Map<string, BmpStation>();
  #recorder: SessionRecorder | undefined;
  #statistics: Timer | undefined;

  constructor(speaker: MonitoredSpeaker) {
    this.#speaker = speaker;
  }

  get observer(): SessionObserver | undefined {
    return this.#observers.active;
  }

  /** Those that are new are dialled, those that are gone are told so. */
  setStations(stations: SpeakerConfig['bmpStations']): void {
    const wanted = new Map(stations.map(station => [JSON.stringify(station), station]));
    for (const [key, station] of this.#stations) {
      if (wanted.has(key)) continue;
      this.#stations.delete(key);
      this.#observers.delete(station);
      station.close('no longer configured');
    }
    for (const [key, config] of wanted) {
      if (this.#stations.has(key)) continue;
      const station = new BmpStation({ ...this.#source(), bmpChanged: () => this.#tellStations() }, config);
      this.#stations.set(key, station);
      this.#observers.add(station);
    }
    if (this.#stations.size > 0) this.#statistics ??= this.#scheduleStatistics();
    if (stations.length > 0 || this.#stations.size > 0) this.#tellStations();
  }

  record(on: boolean): void {
    if (on === (this.#recorder !== undefined)) return;
    if (this.#recorder !== undefined) {
      this.#recorder.flush();
      this.#observers.delete(this.#recorder);
      this.#recorder = undefined;
      return;
    }
    const { clock } = this.#speaker;
    this.#recorder = new SessionRecorder(
      clock,
      () => this.#speaker.unixMs(),
      records => this.#speaker.emit({ kind: 'mrt-records', records }),
    );
    this.#observers.add(this.#recorder);
  }

  answer(query: Extract<SpeakerQuery, { kind: 'mrt-peers' | 'mrt-routes' }>): SpeakerAnswer {
    const { rib, speaker } = this.#speaker;
    const unixMs = this.#speaker.unixMs();
    if (query.kind === 'mrt-peers') return { kind: 'mrt-peers', ...dumpPeers(rib, speaker, unixMs) };
    const { family, peers } = query;
    return { kind: 'mrt-routes', ...dumpRecords(rib, family, unixMs, peers, query) };
  }

  close(words: string): void {
    this.#statistics?.cancel();
    this.#recorder?.flush();
    for (const station of this.#stations.values()) station.close(words);
  }

  /** The speaker's own parts, as they are at each moment. */
  #source(): Omit<BmpSource, 'bmpChanged'> {
    const { clock, transport, rib } = this.#speaker;
    return {
      clock,
      transport,
      rib,
      unixMs: () => this.#speaker.unixMs(),
      random: () => this.#speaker.random(),
      establishedPeers: () => this.#speaker.establishedPeers(),
      treatedAsWithdraw: key => this.#speaker.treatedAsWithdraw(key),
    };
  }

  #tellStations(): void {
    const stations = [...this.#stations.values()].map(({ status }) => status);
    this.#speaker.emit({ kind: 'bmp-stations', stations });
  }

  #scheduleStatistics(): Timer {
    return this.#speaker.clock.schedule(STATISTICS_INTERVAL_MS, () => {
      this.#statistics = undefined;
      if (this.#stations.size === 0) return;
      const { rib } = this.#speaker;
      const locRib = FAMILIES.reduce((sum, family) => sum + rib.bestCount(family), 0);
      for (const station of this.#stations.values()) station.tellStatistics(locRib);
      this.#statistics = this.#scheduleStatistics();
    });
  }
}
