/** The speaker's {@link SocketOptions} port, filled by the kernel's door. */
import type { SocketOptions } from '../bgp/speaker/net-transport.js';
import { droppedSegments } from '../linux/dropped-segments.js';
import { clearSocketFilter, setSocketFilter } from '../linux/libc.js';
import { descriptorLimit } from '../linux/process-files.js';
import { setPassword } from '../linux/tcp-md5.js';
import { openDial, openListener, setMinimumTtlFor, setTtlFor } from '../linux/tcp-options.js';
import { ttlFilter } from '../linux/ttl-filter.js';

export const linuxSockets: SocketOptions = {
  openDial,
  openListener,
  setTtl: setTtlFor,
  setMinimumTtl: setMinimumTtlFor,
  setPassword,
  setTtlRules: (descriptor, rules) => {
    if (rules.length > 0) setSocketFilter(descriptor, ttlFilter(rules));
    else clearSocketFilter(descriptor);
  },
  droppedSegments,
  descriptorLimit,
};
