/**
 * SHELL: UDP sockets for protocols that must know how far a datagram came (RFC 5082) and speak at a priority of their own: one that
 * receives and says of each datagram whether its TTL is the right one, and one that only sends.
 */
import { createSocket } from 'node:dgram';
import {
  type AddressFamily,
  addressFamily,
  addressFromBytes,
  type IpAddress,
  parseIpAddress,
} from '../core/ip-address.js';
import { closedFilter, hopLimitFilter } from './hop-limit-filter.js';
import {
  bind,
  close,
  connect,
  getUint32Options,
  receivePacket,
  SocketDomain,
  SocketType,
  sendPacket,
  setBytesOption,
  setIntOption,
  setSocketFilter,
  socket,
  socketName,
} from './libc.js';
import { internetAddress } from './socket-address.js';

/** asm-generic/socket.h, linux/in.h, linux/in6.h, linux/sock_diag.h */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
const SK_MEMINFO_DROPS = 8;
const SOL_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const SOL_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;

/** Class selector 6, "internetwork control" (RFC 4594 section 3.1). */
const NETWORK_CONTROL = 0xc0;
/** Some seconds of hundreds of peers' small datagrams: as long as this process may be kept from running. */
const RECEIVE_BUFFER = 2 * 1024 * 1024;
/** At one go; then the event loop has its turn. */
const MOST_AT_ONCE = 8192;

export interface HopLimitReceiverOptions {
  readonly address: IpAddress;
  readonly port: number;
  /** Undefined: any. */
  readonly interface: string | undefined;
  /** What the right TTL is; undefined: any. */
  readonly hopLimit: number | undefined;
  /** Valid during the call. Where the TTL is wrong there is nothing in the datagram. */
  readonly received: (datagram: Uint8Array, sender: IpAddress, hopLimitRight: boolean) => void;
  /** It is closed. */
  readonly failed: (error: { readonly code: string; readonly message: string }) => void;
}

export interface HopLimitReceiver {
  /** Hands over what the kernel has, without waiting for the event loop. */
  catchUp(): void;
  /** From these senders only, and those with the right TTL only; undefined: from everybody. */
  restrict(senders: readonly IpAddress[] | undefined): void;
  /** How many datagrams the kernel has dropped for want of room or by `restrict`. */
  readonly dropped: number;
  close(): void;
}

/** @throws SystemError, e.g. EADDRINUSE, EADDRNOTAVAIL, ENODEV */
export function openHopLimitReceiver(options: HopLimitReceiverOptions): HopLimitReceiver {
  const { address, port, hopLimit, received, failed } = options;
  const family = addressFamily(address);
  const restrict = (senders: readonly IpAddress[] | undefined) =>
    setSocketFilter(fd, hopLimitFilter({ family, hopLimit, senders }));
  const fd = openBound(family, fd => {
    bindToInterface(fd, options.interface);
    enlargeReceiveBuffer(fd);
    setSocketFilter(fd, hopLimitFilter({ family, hopLimit, senders: undefined }));
    bind(fd, internetAddress(address, port));
  });
  const waiter = createSocket(family === 'ipv4' ? 'udp4' : 'udp6');
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    waiter.close();
  };
  const take = (datagram: Uint8Array, sender: IpAddress | undefined) => {
    if (sender !== undefined) received(datagram, sender, hopLimit === undefined || datagram.length > 1);
  };
  // "fe80::1%eth0"
  waiter.on('message', (datagram, { address }) => take(datagram, parseIpAddress(address.split('%')[0]!)));
  waiter.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
    if (over) return;
    end();
    failed({ code, message });
  });
  waiter.bind({ fd });
  const datagram = new Uint8Array(512);
  const name = new Uint8Array(28);
  return {
    catchUp: () => {
      for (let i = 0; i < MOST_AT_ONCE && !over; i++) {
        const length = receivePacket(fd, datagram, name);
        if (length < 0) return;
        take(datagram.subarray(0, length), addressFromBytes(family, name, family === 'ipv4' ? 4 : 8));
      }
    },
    restrict: senders => {
      if (!over) restrict(senders);
    },
    get dropped() {
      return over ? 0 : (getUint32Options(fd, SOL_SOCKET, SO_MEMINFO, 9)[SK_MEMINFO_DROPS] ?? 0);
    },
    close: end,
  };
}

export interface DatagramSender {
  /** The length, or a negative errno. */
  send(datagram: Uint8Array): number;
  close(): void;
}

/**
 * Sends from `local` to `remote`, and hears nothing. With a TTL of `hopLimit`, at the priority of routing protocols.
 *
 * @throws SystemError, e.g. EADDRINUSE where another has the local port
 */
export function openDatagramSender(options: {
  readonly local: { readonly address: IpAddress; readonly port: number };
  readonly remote: { readonly address: IpAddress; readonly port: number };
  readonly interface: string | undefined;
  readonly hopLimit: number;
}): DatagramSender {
  const { local, remote, hopLimit } = options;
  const family = addressFamily(local.address);
  const fd = openBound(family, fd => {
    bindToInterface(fd, options.interface);
    setSocketFilter(fd, closedFilter);
    if (family === 'ipv4') {
      setIntOption(fd, SOL_IP, IP_TTL, hopLimit);
      setIntOption(fd, SOL_IP, IP_TOS, NETWORK_CONTROL);
    } else {
      setIntOption(fd, SOL_IPV6, IPV6_UNICAST_HOPS, hopLimit);
      setIntOption(fd, SOL_IPV6, IPV6_TCLASS, NETWORK_CONTROL);
    }
    bind(fd, internetAddress(local.address, local.port));
  });
  const to = internetAddress(remote.address, remote.port);
  let over = false;
  return {
    send: datagram => (over ? -EBADF : sendPacket(fd, datagram, datagram.length, to)),
    close: () => {
      if (!over) close(fd);
      over = true;
    },
  };
}

const EBADF = 9;

/** Where the kernel would send from. @throws SystemError where it has no route */
export function localAddressTowards(address: IpAddress, interfaceName: string | undefined): IpAddress {
  const family = addressFamily(address);
  const ANY_PORT = 9;
  const fd = openBound(family, fd => {
    bindToInterface(fd, interfaceName);
    connect(fd, internetAddress(address, ANY_PORT));
  });
  try {
    return addressFromBytes(family, socketName(fd, 28), family === 'ipv4' ? 4 : 8);
  } finally {
    close(fd);
  }
}

function openBound(family: AddressFamily, prepare: (fd: number) => void): number {
  const domain = family === 'ipv4' ? SocketDomain.inet : SocketDomain.inet6;
  const fd = socket(domain, SocketType.datagram | SocketType.nonblock);
  try {
    if (family === 'ipv6') setIntOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    prepare(fd);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function bindToInterface(fd: number, name: string | undefined): void {
  if (name !== undefined)
    setBytesOption(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${name}\0`));
}

function enlargeReceiveBuffer(fd: number): void {
  try {
    setIntOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
  } catch {
    // Without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
    setIntOption(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  }
}
