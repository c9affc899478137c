/** Where a speaker lives: in this thread, or in a worker of its own as in the agent. */
import type { SpeakerCommand, SpeakerEvent } from '../bgp/speaker/contract.js';

export interface SpeakerHost {
  send(command: SpeakerCommand): void;
}

export async function startSpeaker(
  _thread: 'main' | 'worker',
  _onEvent: (event: SpeakerEvent) => void,
): Promise<SpeakerHost> {
  throw new Error('no speaker');
}
