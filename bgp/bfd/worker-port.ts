/** SHELL: BFD behind a message port: commands come as messages, reports go as messages. */
import { randomBytes } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../speaker/system-clock.js';
import { Bfd } from './bfd.js';
import type { BfdCommand } from './contract.js';
import type { BfdTransport } from './transport.js';

/** Runs until `close`; then the port may be closed and the thread may end. */
export function serveBfd(port: MessagePort, transport: BfdTransport): void {
  const bfd = new Bfd({
    transport,
    clock: systemClock,
    // Discriminators come from it as well: nobody may guess them.
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    unixMs: Date.now,
    onReport: report => port.postMessage(report),
  });
  port.on('message', (command: BfdCommand) => bfd.command(command));
}
