/** SHELL: a netlink socket on Node's event loop without a compiler: a read is a datagram. */
import { openDescriptorStream } from '../descriptor-stream.js';
import {
  bind,
  close,
  type FilterInstruction,
  SocketDomain,
  SocketType,
  send,
  setIntOption,
  setSocketFilter,
  socket,
  socketName,
} from '../libc.js';
import { insideNamespace } from '../namespace.js';
import { SOL_NETLINK, SocketOption } from './constants.js';
import { readU32 } from './message.js';
import type { NetlinkTransport, NetlinkTransportOptions } from './transport.js';

/** linux/netlink.h */
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
/** asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const KERNEL_BUFFER = 8 * 1024 * 1024;
/** The kernel fills dump datagrams up to 32 KiB, more only if the receiver shows that it takes more. */
const READ_BUFFER = 256 * 1024;

/** NETLINK_ROUTE. */
export function openKoffiTransport(options: NetlinkTransportOptions): NetlinkTransport {
  return openTransport(NETLINK_ROUTE, options);
}

/** NETLINK_NETFILTER; the groups are those of enum nfnetlink_groups. */
export function openNetfilterTransport(options: NetlinkTransportOptions): NetlinkTransport {
  return openTransport(NETLINK_NETFILTER, options);
}

function openTransport(protocol: number, options: NetlinkTransportOptions): NetlinkTransport {
  const netlink =
    options.networkNamespace === undefined
      ? openNetlinkSocket(protocol, options.groups)
      : insideNamespace(options.networkNamespace, () => openNetlinkSocket(protocol, options.groups));
  const stream = openDescriptorStream(netlink, {
    readBuffer: READ_BUFFER,
    received: options.received,
    failed: options.failed,
  });
  return {
    port: netlinkPort(stream.fd),
    ignoreSender: port => {
      if (!stream.closed) setSocketFilter(stream.fd, ignoring(port));
    },
    // Straight to the kernel, which works through the whole datagram before it returns: nothing is ever left to be sent later.
    send: bytes => {
      send(stream.fd, bytes);
    },
    close: () => stream.close(),
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

function openNetlinkSocket(protocol: number, groups: readonly number[]): number {
  const fd = socket(SocketDomain.netlink, SocketType.raw | SocketType.nonblock, protocol);
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
