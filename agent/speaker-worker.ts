/** SHELL: what the speaker's thread runs. */
import { parentPort } from 'node:worker_threads';
import { NetTransport } from '../bgp/speaker/net-transport.js';
import { warmUp } from '../bgp/speaker/warm-up.js';
import { serveSpeaker } from '../bgp/speaker/worker-port.js';
import { linuxSockets } from './linux-sockets.js';
import { raiseThreadPriority } from './thread-priority.js';

if (parentPort === null) throw new Error('this module runs in a worker thread');
raiseThreadPriority();
const transport = new NetTransport(linuxSockets);
await warmUp(transport);
serveSpeaker(parentPort, transport);
