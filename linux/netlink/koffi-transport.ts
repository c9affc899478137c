/**
 * SHELL: a NETLINK_ROUTE socket on Node's event loop without a compiler. libuv takes a stream descriptor only, so a socket pair is
 * wrapped in a `net.Socket` and the netlink socket is put under it with dup2: a read is a datagram, a write a send.
 */
import net from 'node:net';
import {
  bind,
  close,
  duplicateTo,
  type FilterInstruction,
  SocketDomain,
  SocketType,
  send,
  setIntOption,
  setSocketFilter,
  socket,
  socketName,
  socketPair,
} from '../libc.js';
import { insideNamespace } from '../namespace.js';
import { SOL_NETLINK, SocketOption } from './constants.js';
import { readU32 } from './message.js';
import type { NetlinkTransport, NetlinkTransportOptions } from './transport.js';

const NETLINK_ROUTE = 0;
/** asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const KERNEL_BUFFER = 8 * 1024 * 1024;
/** The kernel fills dump datagrams up to 32 KiB, more only if the receiver shows that it takes more. */
const READ_BUFFER = 256 * 1024;

export function openKoffiTransport(options: NetlinkTransportOptions): NetlinkTransport {
  const netlink =
    options.networkNamespace === undefined
      ? openNetlinkSocket(options.groups)
      : insideNamespace(options.networkNamespace, () => openNetlinkSocket(options.groups));
  const [wrapped, other] = socketPair(SocketDomain.unix, SocketType.stream | SocketType.nonblock);
  const stream = new net.Socket({
    fd: wrapped,
    readable: true,
    writable: true,
    manualStart: true,
    onread: {
      buffer: new Uint8Array(READ_BUFFER),
      callback: (length: number, buffer: Uint8Array) => {
        options.received(buffer.subarray(0, length));
        return true;
      },
    },
  } as net.SocketConstructorOpts);
  duplicateTo(netlink, wrapped);
  close(netlink);
  close(other);
  let over = false;
  let failure = { code: '', message: 'the netlink socket was closed' };
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure = { code: error.code ?? '', message: error.message };
  });
  stream.on('close', () => {
    if (!over) options.failed(failure);
    over = true;
  });
  stream.resume();
  return {
    port: netlinkPort(wrapped),
    ignoreSender: port => {
      if (!over) setSocketFilter(wrapped, ignoring(port));
    },
    // Straight to the kernel, which works through the whole datagram before it returns: nothing is ever left to be sent later.
    send: bytes => {
      send(wrapped, bytes);
    },
    close: () => {
      over = true;
      stream.destroy();
    },
  };
}

/** nl_pid of struct sockaddr_nl: family (16), pad (16), pid (32), groups (32). */
function netlinkPort(fd: number): number {
  return readU32(socketName(fd, 12), 4);
}

/** A whole table written by us would come back as one notification a route; the kernel drops them before they are queued. */
function ignoring(port: number): readonly FilterInstruction[] {
  const [LOAD_WORD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06];
  const NLMSG_PID_AT = 12;
  // The filter loads in network order what the kernel wrote in its own.
  const swapped = new DataView(new ArrayBuffer(4));
  swapped.setUint32(0, port, true);
  return [
    [LOAD_WORD, 0, 0, NLMSG_PID_AT],
    [JUMP_IF_EQUAL, 0, 1, swapped.getUint32(0)],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffffffff],
  ];
}

function openNetlinkSocket(groups: readonly number[]): number {
  const fd = socket(SocketDomain.netlink, SocketType.raw | SocketType.nonblock, NETLINK_ROUTE);
  try {
    setIntOption(fd, SOL_NETLINK, SocketOption.capAck, 1);
    setIntOption(fd, SOL_NETLINK, SocketOption.extendedAck, 1);
    setIntOption(fd, SOL_NETLINK, SocketOption.getStrictCheck, 1);
    enlargeBuffers(fd);
    const address = new Uint8Array(12);
    new DataView(address.buffer).setUint16(0, SocketDomain.netlink, true);
    bind(fd, address);
    for (const group of groups) setIntOption(fd, SOL_NETLINK, SocketOption.addMembership, group);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Beyond the system's limits; without CAP_NET_ADMIN (reading only) the defaults do. */
function enlargeBuffers(fd: number): void {
  try {
    setIntOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, KERNEL_BUFFER);
    setIntOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, KERNEL_BUFFER);
  } catch {
    // Smaller batches and more re-reads, nothing is lost.
  }
}
