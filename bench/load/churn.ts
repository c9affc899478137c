/**
 * Churn: single-prefix events at a steady rate, withdraw and re-announce in turn, and how long each took from the source's
 * write to the sinks' read. Source and sinks share this process, so they share its clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../figures/quantiles.js';
import { encodeSingle } from './encode.js';
import type { ChurnResult, LoadPlan } from './plan.js';
import type { LoadSession } from './session.js';
import type { Sink } from './sink.js';

const DRAIN_MS = 3000;

/** What was last said of each prefix, and when. */
class Expectations {
  #samplesMs = new Float64Array(1 << 16);
  count = 0;
  readonly #heldNow: Uint8Array;
  readonly #sentMs: Float64Array;

  constructor(prefixes: number) {
    this.#heldNow = new Uint8Array(prefixes).fill(1);
    this.#sentMs = new Float64Array(prefixes);
  }

  sending(index: number, held: boolean): void {
    this.#heldNow[index] = held ? 1 : 0;
    this.#sentMs[index] = performance.now();
  }

  /** A sink read a prefix: a sample if it says what was said last. */
  seen(index: number, held: boolean, atMs: number): void {
    const sent = this.#sentMs[index]!;
    if (sent === 0 || (this.#heldNow[index] === 1) !== held) return;
    if (this.count === this.#samplesMs.length) {
      const grown = new Float64Array(2 * this.count);
      grown.set(this.#samplesMs);
      this.#samplesMs = grown;
    }
    this.#samplesMs[this.count++] = atMs - sent;
  }

  get samplesMs(): Float64Array {
    return this.#samplesMs.subarray(0, this.count);
  }
}

export async function runChurn(
  plan: LoadPlan,
  session: LoadSession,
  sinks: readonly Sink[],
  eventsPerSecond: number,
  durationSeconds: number,
): Promise<ChurnResult> {
  const expectations = new Expectations(plan.prefixes);
  const send = eventSender(plan, session, expectations, eventsPerSecond);
  for (const sink of sinks) sink.observer = (index, held, atMs) => expectations.seen(index, held, atMs);

  const begin = performance.now();
  let events = 0;
  while (performance.now() - begin < durationSeconds * 1000) {
    const due = Math.floor(((performance.now() - begin) / 1000) * eventsPerSecond);
    while (events < due) send(events++);
    await sleep(1);
  }
  const seconds = (performance.now() - begin) / 1000;
  const wanted = events * sinks.length;
  const deadline = performance.now() + DRAIN_MS;
  while (expectations.count < wanted && performance.now() < deadline) await sleep(5);
  for (const sink of sinks) sink.observer = undefined;
  return { events, seconds, unmatched: wanted - expectations.count, ...percentiles(expectations) };
}

/** Even events withdraw the next prefix, odd ones bring back one that left a quarter of a second ago. */
function eventSender(
  plan: LoadPlan,
  session: LoadSession,
  expectations: Expectations,
  eventsPerSecond: number,
): (event: number) => void {
  const source = plan.sources[0]!;
  const lag = Math.max(1, Math.min(plan.prefixes >> 2, eventsPerSecond >> 2));
  const withdrawals = Array.from({ length: plan.prefixes }, (_, i) =>
    encodeSingle(plan, source, 'withdraw', i),
  );
  const announcements = Array.from({ length: plan.prefixes }, (_, i) =>
    encodeSingle(plan, source, 'announce', i),
  );
  let withdrawn = 0;
  let announced = 0;
  return event => {
    const announce = event % 2 === 1 && withdrawn - announced > lag;
    const index = (announce ? announced++ : withdrawn++) % plan.prefixes;
    expectations.sending(index, announce);
    session.writeNow((announce ? announcements : withdrawals)[index]!);
  };
}

function percentiles(expectations: Expectations): Pick<ChurnResult, 'p50Ms' | 'p99Ms' | 'maxMs'> {
  const { samplesMs } = expectations;
  const at = (share: number) => percentile(samplesMs, share);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
