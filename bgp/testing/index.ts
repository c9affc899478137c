/** `margay/bgp/testing`: a clock that is told the time and a network in memory, to run speakers deterministically. */
export type { Clock, Timer } from '../../core/clock.js';
export type { Connection, Transport } from '../speaker/transport.js';
export { FakeClock } from './fake-clock.js';
export { MemoryNetwork } from './memory-network.js';
