/** Which peers are kept down by hand: until the agent restarts, or over restarts too; what the speaker is told of them. */
import type { SpeakerCommand } from '../bgp/speaker/contract.js';
import type { PeerShutdowns } from './peer-shutdowns.js';

export class PeerSwitches {
  readonly #disabled = new Set<string>();
  readonly #shutdowns: PeerShutdowns;

  constructor(shutdowns: PeerShutdowns) {
    this.#shutdowns = shutdowns;
  }

  /** Takes back a shutdown, too. @throws the system's error where that cannot be kept */
  enable(key: string): void {
    this.#shutdowns.delete(key);
    this.#disabled.delete(key);
  }

  disable(key: string): void {
    this.#disabled.add(key);
  }

  /** @throws the system's error where it cannot be kept */
  shutDown(key: string, message: string): void {
    this.#shutdowns.set(key, { message, sinceUnixMs: Date.now() });
  }

  /** A command as it is to be told. */
  applyTo(command: SpeakerCommand): SpeakerCommand {
    if (command.kind !== 'set-peer') return command;
    const { peer } = command;
    const shutdown = this.#shutdowns.get(peer.key);
    if (shutdown === undefined && !this.#disabled.has(peer.key)) return command;
    const administrativeMessage = shutdown?.message ?? '';
    return { kind: 'set-peer', peer: { ...peer, administrativeState: 'down', administrativeMessage } };
  }
}
