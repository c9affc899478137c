/**
 * The generator as its process runs it: sessions and sinks of one plan, one command after the other.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChurn } from './churn.js';
import { encodeAnnouncements, encodeWithdrawals } from './encode.js';
import {
  type GapReport,
  type JoinResult,
  type LoadAnswer,
  type LoadCommand,
  type LoadPeer,
  type LoadPlan,
  MAX_PREFIXES,
  type Transfer,
} from './plan.js';
import { LoadSession } from './session.js';
import { Sink } from './sink.js';

const LAG_RESOLUTION_MS = 10;
/** As BIRD's listen backlog: whom it drops waits for seconds. */
const DIALLED_TOGETHER = 8;

interface Connected {
  readonly plan: LoadPlan;
  readonly sources: readonly LoadSession[];
  readonly sinkSessions: LoadSession[];
  readonly sinks: Sink[];
  readonly announcements: Buffer;
  readonly withdrawals: Buffer;
}

export class Generator {
  #connected: Connected | undefined;
  #lost: string | undefined;
  readonly #ownLag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

  async execute(command: LoadCommand): Promise<LoadAnswer> {
    try {
      return await this.#execute(command);
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #execute(command: LoadCommand): Promise<LoadAnswer> {
    switch (command.kind) {
      case 'connect':
        return { kind: 'connected', seconds: await this.#connect(command.plan) };
      case 'announce':
        return { kind: 'announced', transfer: await this.#transfer('announce', command.timeoutSeconds) };
      case 'withdraw':
        return { kind: 'withdrawn', transfer: await this.#transfer('withdraw', command.timeoutSeconds) };
      case 'join':
        return { kind: 'joined', join: await this.#join(command.sinks, command.timeoutSeconds) };
      case 'churn': {
        const { plan, sources, sinks } = this.#up();
        const { eventsPerSecond, durationSeconds } = command;
        const churn = await runChurn(plan, sources[0]!, sinks, eventsPerSecond, durationSeconds);
        this.#up();
        return { kind: 'churned', churn };
      }
      case 'reset-gaps':
        this.#resetGaps();
        return { kind: 'gaps-reset' };
      case 'report-gaps':
        return { kind: 'gaps', gaps: this.#reportGaps() };
      case 'close':
        for (const session of this.#sessions()) session.close();
        return { kind: 'closed' };
    }
  }

  async #connect(plan: LoadPlan): Promise<number> {
    if (plan.prefixes > MAX_PREFIXES) throw new RangeError(`at most ${MAX_PREFIXES} prefixes`);
    const sinks = plan.sinks.map(() => new Sink(plan.prefixes));
    const sources = plan.sources.map(peer => this.#session(plan, peer, undefined));
    const sinkSessions = plan.sinks.map((peer, index) => this.#session(plan, peer, sinks[index]));
    const announcements = encodeAnnouncements(plan, plan.sources[0]!);
    const withdrawals = encodeWithdrawals(plan);
    this.#connected = { plan, sources, sinkSessions, sinks, announcements, withdrawals };
    const begin = performance.now();
    const sessions = this.#sessions();
    for (let from = 0; from < sessions.length; from += DIALLED_TOGETHER) {
      await Promise.all(sessions.slice(from, from + DIALLED_TOGETHER).map(session => session.establish()));
    }
    return (performance.now() - begin) / 1000;
  }

  #session(plan: LoadPlan, peer: LoadPeer, sink: Sink | undefined): LoadSession {
    return new LoadSession(plan, peer, {
      lost: reason => {
        this.#lost ??= reason;
      },
      update: (buffer, start, end, now) => sink?.receiveUpdate(buffer, start, end, now),
    });
  }

  async #join(peers: readonly LoadPeer[], timeoutSeconds: number): Promise<JoinResult> {
    const { plan, sinks, sinkSessions } = this.#up();
    const joining = peers.map(() => new Sink(plan.prefixes));
    const sessions = peers.map((peer, index) => this.#session(plan, peer, joining[index]));
    sinks.push(...joining);
    sinkSessions.push(...sessions);
    const begin = performance.now();
    const deadline = begin + timeoutSeconds * 1000;
    let establishedMs = Number.NaN;
    const all = Promise.all(sessions.map(session => session.establish()));
    void all.then(() => {
      establishedMs = performance.now();
    });
    await this.#untilHeld(joining, plan.prefixes, deadline);
    await all;
    return {
      establishedSeconds: (establishedMs - begin) / 1000,
      completeSeconds: lastChange(joining, begin),
    };
  }

  async #untilHeld(sinks: readonly Sink[], count: number, deadline: number): Promise<void> {
    while (sinks.some(sink => sink.heldCount !== count)) {
      this.#up();
      if (performance.now() > deadline) {
        const behind = sinks.filter(sink => sink.heldCount !== count).length;
        throw new Error(`${behind} of ${sinks.length} sinks do not hold ${count} in time`);
      }
      await sleep(2);
    }
  }

  #up(): Connected {
    if (this.#lost !== undefined) throw new Error(this.#lost);
    if (this.#connected === undefined) throw new Error('not connected');
    return this.#connected;
  }

  #sessions(): readonly LoadSession[] {
    return this.#connected === undefined ? [] : [...this.#connected.sources, ...this.#connected.sinkSessions];
  }

  async #transfer(what: 'announce' | 'withdraw', timeoutSeconds: number): Promise<Transfer> {
    const { plan, sources, sinks, announcements, withdrawals } = this.#up();
    const bytes = what === 'announce' ? announcements : withdrawals;
    const target = what === 'announce' ? plan.prefixes : 0;
    const before = countSinks(sinks);
    const begin = performance.now();
    const deadline = begin + timeoutSeconds * 1000;
    await sources[0]!.write(bytes);
    const written = performance.now();
    await this.#untilHeld(sinks, target, deadline);
    const after = countSinks(sinks);
    return {
      bytes: bytes.length,
      writtenSeconds: (written - begin) / 1000,
      completeSeconds: sinks.length === 0 ? undefined : lastChange(sinks, begin),
      sinkUpdates: after.updates - before.updates,
      sinkPrefixes: after.prefixes - before.prefixes,
    };
  }

  #resetGaps(): void {
    for (const session of this.#sessions()) session.resetGaps();
    this.#ownLag.enable();
    this.#ownLag.reset();
  }

  #reportGaps(): GapReport {
    const sessions = this.#sessions();
    for (const session of sessions) session.closeGap();
    return {
      longestMs: sessions.map(session => session.longestGapMs),
      messages: sessions.map(session => session.messages),
      ownLagMs: this.#ownLag.max / 1e6,
      sessionsUp: sessions.filter(session => session.established).length,
    };
  }
}

/** Seconds from `begin`, on `performance.now()`'s scale. */
function lastChange(sinks: readonly Sink[], begin: number): number {
  return (Math.max(...sinks.map(sink => sink.lastChangeMs)) - begin) / 1000;
}

function countSinks(sinks: readonly Sink[]): { readonly updates: number; readonly prefixes: number } {
  return {
    updates: sinks.reduce((sum, sink) => sum + sink.updates, 0),
    prefixes: sinks.reduce((sum, sink) => sum + sink.prefixes, 0),
  };
}
