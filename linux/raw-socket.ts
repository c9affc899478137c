/** SHELL: IPv4 packets of our own making (raw(7), IP_HDRINCL), routed by the kernel like everything that this host sends. */

import type { Ipv4Address } from '../core/ip-address.js';
import { close, SocketDomain, SocketType, sendPacket, socket } from './libc.js';
import { internetAddress } from './socket-address.js';

/** linux/in.h: implies IP_HDRINCL, and nothing is ever received. */
const IPPROTO_RAW = 255;

export interface RawSocket {
  /** The whole packet, header included: its length, or a negative errno. */
  send(packet: Uint8Array, destination: Ipv4Address): number;
  close(): void;
}

/** @throws SystemError: EPERM without CAP_NET_RAW */
export function openRawSocket(): RawSocket {
  const fd = socket(SocketDomain.inet, SocketType.raw | SocketType.nonblock, IPPROTO_RAW);
  return {
    send: (packet, destination) => sendPacket(fd, packet, packet.length, internetAddress(destination, 0)),
    close: () => close(fd),
  };
}
