/** The agent itself, with a speaker's thread that ends at SIGUSR2 as a crash would end it. */
import { main } from '../../../agent/main.js';
import { SpeakerThread } from '../../../agent/speaker-host.js';

let thread: SpeakerThread | undefined;
const { send } = SpeakerThread.prototype;
SpeakerThread.prototype.send = function (this: SpeakerThread, command) {
  thread = this;
  send.call(this, command);
};
process.on('SIGUSR2', () => void thread?.kill());

process.exitCode = await main(process.argv.slice(2));
