/** SHELL: a speaker behind a message port: commands come as messages, events go as messages, columns are handed over, not copied. */
import type { MessagePort } from 'node:worker_threads';
import type { SpeakerCommand, SpeakerEvent } from './contract.js';
import { Speaker } from './speaker.js';
import { systemClock } from './system-clock.js';
import type { Transport } from './transport.js';

/** Runs until `close`; then the port is closed and the thread may end. */
export function serveSpeaker(port: MessagePort, transport: Transport): void {
  const speaker = new Speaker({
    transport,
    clock: systemClock,
    random: Math.random,
    unixMs: Date.now,
    onEvent: event => port.postMessage(event, transferable(event)),
  });
  port.on('message', (command: SpeakerCommand) => speaker.command(command));
}

function transferable(event: SpeakerEvent): ArrayBuffer[] {
  if (event.kind !== 'best-routes') return [];
  const { addresses, lengths, nextHopSet } = event.batch;
  return [addresses, lengths, nextHopSet].map(column => column.buffer as ArrayBuffer);
}
