/**
 * SHELL: the speaker in a thread of its own, so that nothing computed elsewhere delays a KEEPALIVE. A thread that dies is replaced
 * after a pause (1 s, doubling to 30 s) and told everything again; meanwhile the routes in the kernel stay as they are.
 */
import { Worker } from 'node:worker_threads';
import type { Family } from '../bgp/family.js';
import type { SpeakerCommand, SpeakerEvent } from '../bgp/speaker/contract.js';
import { EarlyCommands } from './early-commands.js';
import { SpeakerReplay } from './speaker-replay.js';

export interface SpeakerHostHandler {
  event(event: SpeakerEvent): void;
  /** The thread ended. Its successor begins after the pause, as a restarting speaker: it says when its table is whole. */
  restarted(error: string, pauseMs: number): void;
}

export interface SpeakerHost {
  send(command: SpeakerCommand): void;
  /** Begins anew with what it has been told: for what a running speaker cannot change. Peers see a restart. */
  restart(reason: string): void;
  /** Says goodbye to every peer and stays away until it is resumed; remembers what it is told meanwhile. */
  suspend(message: string): void;
  /** Begins anew with what it has been told. */
  resume(): void;
  /** Ends the thread once it has said goodbye, or after the patience is over. */
  close(goodbye: 'silent' | 'cease', message: string, patienceMs: number): Promise<void>;
}

const SUSPEND_PATIENCE_MS = 2000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a death the next pause is the first again. */
const FORGIVEN_AFTER_MS = 60_000;

export class SpeakerThread implements SpeakerHost {
  readonly #handler: SpeakerHostHandler;
  readonly #entry: URL;
  readonly #replay: SpeakerReplay;
  #worker: Worker | undefined;
  readonly #early = new EarlyCommands();
  #successor: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closing = false;
  #suspended = false;
  #reason: string | undefined;
  #closed: (() => void) | undefined;

  /**
   * @param entry the module that a speaker's thread runs, e.g. `speaker-worker.js`
   * @param forwarding families whose packets go on being forwarded while there is no speaker
   */
  constructor(entry: URL, handler: SpeakerHostHandler, forwarding: readonly Family[] = []) {
    this.#entry = entry;
    this.#replay = new SpeakerReplay(forwarding);
    this.#handler = handler;
    this.#start();
  }

  send(command: SpeakerCommand): void {
    this.#replay.remember(command);
    const commands = this.#early.next(command);
    if (commands !== undefined) {
      for (const one of commands) this.#worker?.postMessage(one);
    } else if (command.kind === 'query') {
      const answer = { kind: 'error', message: 'the speaker is not configured yet' } as const;
      const { id } = command;
      queueMicrotask(() => this.#handler.event({ kind: 'answer', id, answer }));
    }
  }

  restart(reason: string): void {
    // One that is about to begin knows already.
    if (this.#worker === undefined) return;
    this.#pauseMs = 0;
    this.#reason = reason;
    void this.#worker.terminate();
  }

  suspend(message: string): void {
    if (this.#suspended) return;
    this.#suspended = true;
    void this.#end('cease', message, SUSPEND_PATIENCE_MS);
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    // One that is still saying goodbye is followed by another when it has ended.
    if (this.#worker === undefined) this.#start();
    else this.restart('it is resumed');
  }

  async close(goodbye: 'silent' | 'cease', message: string, patienceMs: number): Promise<void> {
    this.#closing = true;
    await this.#end(goodbye, message, patienceMs);
  }

  async #end(goodbye: 'silent' | 'cease', message: string, patienceMs: number): Promise<void> {
    clearTimeout(this.#successor);
    const worker = this.#worker;
    if (worker === undefined) return;
    const closed = new Promise<void>(resolve => {
      this.#closed = resolve;
    });
    worker.postMessage({ kind: 'close', goodbye, message } satisfies SpeakerCommand);
    const patience = new Promise<void>(resolve => setTimeout(resolve, patienceMs).unref());
    await Promise.race([closed, patience]);
    await worker.terminate();
  }

  /** Ends the thread as a crash would; for tests. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): void {
    const worker = new Worker(this.#entry);
    const startedAt = Date.now();
    let failure = 'the speaker thread ended';
    this.#worker = worker;
    worker.on('message', (event: SpeakerEvent) => this.#event(event));
    worker.on('error', error => {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#closed?.();
      const why = this.#reason ?? failure;
      this.#reason = undefined;
      if (!this.#closing && !this.#suspended) this.#restart(why, Date.now() - startedAt);
    });
    for (const command of this.#replay.commands()) worker.postMessage(command);
  }

  #event(event: SpeakerEvent): void {
    if (event.kind === 'watch-next-hops') this.#replay.watchedNextHops(event.nextHops);
    if (event.kind === 'closed') this.#closed?.();
    this.#handler.event(event);
  }

  #restart(failure: string, livedMs: number): void {
    if (livedMs > FORGIVEN_AFTER_MS && this.#pauseMs > 0) this.#pauseMs = FIRST_PAUSE_MS;
    const pause = this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * pause));
    this.#handler.restarted(failure, pause);
    this.#successor = setTimeout(() => this.#start(), pause);
  }
}
