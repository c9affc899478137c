/** SHELL: what BFD's thread runs. */
import { parentPort } from 'node:worker_threads';
import { serveBfd } from '../bgp/bfd/worker-port.js';
import { UdpBfdTransport } from './bfd-transport.js';
import { raiseThreadPriority } from './thread-priority.js';

if (parentPort === null) throw new Error('this module runs in a worker thread');
raiseThreadPriority();
serveBfd(parentPort, new UdpBfdTransport());
