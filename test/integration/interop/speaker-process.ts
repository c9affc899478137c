/**
 * A process that is a speaker of ours and nothing else, so that it can be killed: commands of the contract come over Node's IPC channel,
 * events go there. The only argument is its {@link SpeakerProcessOptions} as JSON.
 */
import { linuxSockets } from '../../../agent/linux-sockets.js';
import type { SpeakerCommand } from '../../../bgp/speaker/contract.js';
import { NetTransport } from '../../../bgp/speaker/net-transport.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { CollidingTransport } from './colliding-transport.js';

export interface SpeakerProcessOptions {
  /** How many of its seconds go by in one of the world's. */
  readonly clockRate: number;
  /** Its first connection and the peer's first one come to it at the same moment. */
  readonly collides: boolean;
}

const { clockRate, collides } = JSON.parse(process.argv[2] ?? '') as SpeakerProcessOptions;
const transport = new NetTransport(linuxSockets);
const speaker = new Speaker({
  transport: collides ? new CollidingTransport(transport) : transport,
  clock: {
    now: () => systemClock.now() * clockRate,
    schedule: (milliseconds, callback) => systemClock.schedule(milliseconds / clockRate, callback),
  },
  random: Math.random,
  unixMs: Date.now,
  onEvent: event => process.send?.(event),
});
process.on('message', (command: SpeakerCommand) => {
  speaker.command(command);
  if (command.kind === 'close') process.disconnect();
});
process.on('disconnect', () => process.exit(0));
