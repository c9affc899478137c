/**
 * SHELL: BFD in a thread of its own, so that nothing computed elsewhere delays a packet. It begins with the first session; one that dies
 * is replaced after a pause (1 s, doubling to 30 s) and told everything again.
 */
import { Worker } from 'node:worker_threads';
import type { BfdCommand, BfdReport } from '../bgp/bfd/contract.js';

export interface BfdHostHandler {
  report(report: BfdReport): void;
  /** The thread ended: nothing is known of any path until its successor, which is told these, has heard from the peers. */
  restarted(error: string, pauseMs: number): void;
  /** What a thread that begins must know. */
  commands(): readonly BfdCommand[];
}

export interface BfdHost {
  send(command: BfdCommand): void;
  /** Says AdminDown to every peer and ends the thread, within the patience. */
  close(patienceMs: number): Promise<void>;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a death the next pause is the first again. */
const FORGIVEN_AFTER_MS = 60_000;

export class BfdThread implements BfdHost {
  readonly #entry: URL;
  readonly #handler: BfdHostHandler;
  #worker: Worker | undefined;
  #successor: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed: (() => void) | undefined;
  #closing = false;

  /** @param entry the module that BFD's thread runs, e.g. `bfd-worker.js` */
  constructor(entry: URL, handler: BfdHostHandler) {
    this.#entry = entry;
    this.#handler = handler;
  }

  send(command: BfdCommand): void {
    if (this.#worker !== undefined) this.#worker.postMessage(command);
    else if (this.#successor === undefined && command.kind === 'set-session') this.#start();
  }

  async close(patienceMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#successor);
    const worker = this.#worker;
    if (worker === undefined) return;
    const closed = new Promise<void>(resolve => {
      this.#closed = resolve;
    });
    worker.postMessage({ kind: 'close' } satisfies BfdCommand);
    const patience = new Promise<void>(resolve => setTimeout(resolve, patienceMs).unref());
    await Promise.race([closed, patience]);
    await worker.terminate();
  }

  #start(): void {
    const worker = new Worker(this.#entry);
    const startedAt = Date.now();
    let failure = 'the BFD thread ended';
    this.#worker = worker;
    this.#successor = undefined;
    worker.on('message', (report: BfdReport) => {
      if (report.kind === 'closed') this.#closed?.();
      this.#handler.report(report);
    });
    worker.on('error', error => {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#closed?.();
      if (!this.#closing) this.#restart(failure, Date.now() - startedAt);
    });
    for (const command of this.#handler.commands()) worker.postMessage(command);
  }

  #restart(failure: string, livedMs: number): void {
    if (livedMs > FORGIVEN_AFTER_MS) this.#pauseMs = FIRST_PAUSE_MS;
    const pause = this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pause);
    this.#successor = setTimeout(() => this.#start(), pause);
    this.#handler.restarted(failure, pause);
  }
}
