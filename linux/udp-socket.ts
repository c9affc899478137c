/**
 * SHELL: a UDP socket for packets in their thousands, and what a tunnel wants of it: no fragments unless asked for, errors instead of
 * silence where a datagram does not fit the path. `dgram` waits on the event loop and reads the first datagram of a burst; whoever
 * takes it reads the rest, and sends, straight from and to the kernel.
 */
import { createSocket } from 'node:dgram';
import { type Ipv4Address, ipv4ToNumber, parseIpv4 } from '../core/ip-address.js';
import {
  bind,
  close,
  connect,
  getIntOption,
  receivePacket,
  SocketDomain,
  SocketType,
  sendPacket,
  setIntOption,
  socket,
} from './libc.js';
import { internetAddress } from './socket-address.js';

/** asm-generic/socket.h, linux/in.h */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_MTU = 14;
const IP_PMTUDISC_DONT = 0;
const IP_PMTUDISC_DO = 2;

/** About 40 ms of full-size packets at a gigabit: as long as another process may keep us from running. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

export interface UdpSocketOptions {
  readonly address: Ipv4Address;
  readonly port: number;
  /** A datagram, with its sender's address in host order; valid during the call. More may be waiting: see `receive`. */
  readonly received: (datagram: Uint8Array, sender: number, senderPort: number) => void;
  /** The socket is of no use any more. */
  readonly failed: (error: { readonly code: string; readonly message: string }) => void;
}

export interface UdpSocket {
  /** The next datagram that is waiting: its length, or a negative errno (EAGAIN: none). `sender` then says whose it is. */
  receive(into: Uint8Array): number;
  /** Of the last `receive`, in host order. */
  readonly sender: number;
  readonly senderPort: number;
  /** The length, or a negative errno: EMSGSIZE where it does not fit the path, EAGAIN where the kernel has no room. */
  send(datagram: Uint8Array, length: number, address: Uint8Array): number;
  /** As `send`, in as many fragments as it takes. */
  sendInFragments(datagram: Uint8Array, length: number, address: Uint8Array): number;
  close(): void;
}

const EBADF = 9;

/** @throws SystemError, e.g. EADDRINUSE, EADDRNOTAVAIL */
export function openUdpSocket({ address, port, received, failed }: UdpSocketOptions): UdpSocket {
  const fd = openBound(address, port);
  const waiter = createSocket('udp4');
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    waiter.close();
  };
  waiter.on('message', (datagram, { address, port }) => {
    const sender = parseIpv4(address);
    if (sender !== undefined) received(datagram, ipv4ToNumber(sender), port);
  });
  waiter.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
    if (over) return;
    end();
    failed({ code, message });
  });
  waiter.bind({ fd });
  const sender = new Uint8Array(16);
  const senderView = new DataView(sender.buffer);
  return {
    // A descriptor that has been closed may be another file's by now.
    receive: into => (over ? -EBADF : receivePacket(fd, into, sender)),
    get sender() {
      return senderView.getUint32(4);
    },
    get senderPort() {
      return senderView.getUint16(2);
    },
    send: (datagram, length, to) => (over ? -EBADF : sendPacket(fd, datagram, length, to)),
    sendInFragments: (datagram, length, to) => {
      if (over) return -EBADF;
      setIntOption(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
      const sent = sendPacket(fd, datagram, length, to);
      setIntOption(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
      return sent;
    },
    close: end,
  };
}

function openBound(address: Ipv4Address, port: number): number {
  const fd = socket(SocketDomain.inet, SocketType.datagram | SocketType.nonblock);
  try {
    setIntOption(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    enlargeReceiveBuffer(fd);
    bind(fd, internetAddress(address, port));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function enlargeReceiveBuffer(fd: number): void {
  try {
    setIntOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
  } catch {
    // Without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
    setIntOption(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  }
}

/** What the kernel knows of the path from `local`: bytes of the longest IP packet. Undefined if there is no route. */
export function pathMtu(local: Ipv4Address, destination: Ipv4Address): number | undefined {
  const fd = socket(SocketDomain.inet, SocketType.datagram);
  try {
    setIntOption(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    bind(fd, internetAddress(local, 0));
    const ANY_PORT = 9;
    connect(fd, internetAddress(destination, ANY_PORT));
    return getIntOption(fd, SOL_IP, IP_MTU);
  } catch {
    return undefined;
  } finally {
    close(fd);
  }
}
