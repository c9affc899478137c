/** SHELL: what the speaker's thread runs. */
import { parentPort } from 'node:worker_threads';
import { NetTransport } from '../bgp/speaker/net-transport.js';
import { serveSpeaker } from '../bgp/speaker/worker-port.js';
import { linuxSockets } from './linux-sockets.js';

if (parentPort === null) throw new Error('this module runs in a worker thread');
serveSpeaker(parentPort, new NetTransport(linuxSockets));
