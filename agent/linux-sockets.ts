/** The speaker's {@link SocketOptions} port, filled by the kernel's door. */
import type { SocketOptions } from '../bgp/speaker/net-transport.js';
import { openDial, openListener, setTtlFor } from '../linux/tcp-options.js';

export const linuxSockets: SocketOptions = {
  openDial,
  openListener,
  setTtl: setTtlFor,
};
