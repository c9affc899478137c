/**
 * SHELL: the speaker in the agent's own thread: that of a route reflector, which has nothing else to compute. An error that it does not
 * catch ends the process, whose service manager starts it again.
 */

import { FAMILIES } from '../bgp/family.js';
import type { SpeakerCommand, SpeakerEvent } from '../bgp/speaker/contract.js';
import { Speaker } from '../bgp/speaker/speaker.js';
import { systemClock } from '../bgp/speaker/system-clock.js';
import type { Transport } from '../bgp/speaker/transport.js';
import { EarlyCommands } from './early-commands.js';
import type { SpeakerHost, SpeakerHostHandler } from './speaker-host.js';
import { SpeakerReplay } from './speaker-replay.js';

export class MainThreadSpeaker implements SpeakerHost {
  readonly #transport: Transport;
  readonly #handler: SpeakerHostHandler;
  readonly #replay = new SpeakerReplay(FAMILIES);
  readonly #early = new EarlyCommands();
  #speaker: Speaker;
  #closed: (() => void) | undefined;
  /** Its successor waits until it has closed its sockets. */
  #ending: Promise<void> | undefined;
  #resume: (() => void) | undefined;

  constructor(transport: Transport, handler: SpeakerHostHandler) {
    this.#transport = transport;
    this.#handler = handler;
    this.#speaker = this.#start();
  }

  send(command: SpeakerCommand): void {
    this.#replay.remember(command);
    if (this.#ending !== undefined && command.kind !== 'query') return;
    const commands = this.#ending === undefined ? this.#early.next(command) : undefined;
    if (commands === undefined) {
      if (command.kind !== 'query') return;
      const answer = { kind: 'error', message: 'the speaker is not configured yet' } as const;
      const { id } = command;
      queueMicrotask(() => this.#handler.event({ kind: 'answer', id, answer }));
      return;
    }
    for (const one of commands) this.#speaker.command(one);
  }

  restart(reason: string): void {
    if (this.#ending !== undefined) return;
    this.#handler.restarted(reason, 0);
    this.#ending = this.#end('silent', reason).then(() => this.#again());
  }

  suspend(message: string): void {
    if (this.#resume !== undefined) return;
    const resumed = new Promise<void>(resolve => {
      this.#resume = resolve;
    });
    const ended = (this.#ending ?? Promise.resolve()).then(() => this.#end('cease', message));
    this.#ending = ended.then(() => resumed).then(() => this.#again());
  }

  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  async close(goodbye: 'silent' | 'cease', message: string, patienceMs: number): Promise<void> {
    // One that is suspended has said it.
    if (this.#resume !== undefined) return;
    const patience = new Promise<void>(resolve => setTimeout(resolve, patienceMs).unref());
    await Promise.race([
      (this.#ending ?? Promise.resolve()).then(() => this.#end(goodbye, message)),
      patience,
    ]);
  }

  #start(): Speaker {
    return new Speaker({
      transport: this.#transport,
      clock: systemClock,
      random: Math.random,
      unixMs: Date.now,
      onEvent: event => this.#event(event),
    });
  }

  #again(): void {
    this.#ending = undefined;
    this.#speaker = this.#start();
    for (const command of this.#replay.commands()) this.#speaker.command(command);
  }

  async #end(goodbye: 'silent' | 'cease', message: string): Promise<void> {
    const closed = new Promise<void>(resolve => {
      this.#closed = resolve;
    });
    this.#speaker.command({ kind: 'close', goodbye, message });
    await closed;
  }

  #event(event: SpeakerEvent): void {
    if (event.kind === 'watch-next-hops') this.#replay.watchedNextHops(event.nextHops);
    if (event.kind === 'closed') this.#closed?.();
    this.#handler.event(event);
  }
}
