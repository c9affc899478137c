/** Where a speaker lives: in this thread, or in a worker of its own as in the agent. */

import { linuxSockets } from '../agent/linux-sockets.js';
import { SpeakerThread } from '../agent/speaker-host.js';
import { raiseThreadPriority } from '../agent/thread-priority.js';
import type { SpeakerCommand, SpeakerEvent } from '../bgp/speaker/contract.js';
import { NetTransport } from '../bgp/speaker/net-transport.js';
import { Speaker } from '../bgp/speaker/speaker.js';
import { systemClock } from '../bgp/speaker/system-clock.js';
import { warmUp } from '../bgp/speaker/warm-up.js';

export interface SpeakerHost {
  send(command: SpeakerCommand): void;
}

export async function startSpeaker(
  thread: 'main' | 'worker',
  onEvent: (event: SpeakerEvent) => void,
): Promise<SpeakerHost> {
  if (thread === 'worker') {
    return new SpeakerThread(new URL('../agent/speaker-worker.js', import.meta.url), {
      event: onEvent,
      restarted: error => {
        throw new Error(error);
      },
    });
  }
  raiseThreadPriority();
  const transport = new NetTransport(linuxSockets);
  await warmUp(transport);
  const speaker = new Speaker({
    transport,
    clock: systemClock,
    random: Math.random,
    unixMs: Date.now,
    onEvent,
  });
  return { send: command => speaker.command(command) };
}
