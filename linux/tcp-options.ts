/**
 * SHELL: TCP sockets with options that Node's own do not take: TTL before the first packet, a deep listen queue, IPv6 only.
 * They begin here as plain descriptors and are handed to `net.Socket` and `net.Server`.
 */
import { addressFamily, type IpAddress } from '../core/ip-address.js';
import { bind, close, connect, listen, SocketDomain, SocketType, setIntOption, socket } from './libc.js';
import { internetAddress } from './socket-address.js';

/** linux/in.h, linux/in6.h, asm-generic/socket.h, linux/tcp.h */
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_TTL = 2;
const SOL_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;

export interface DialOptions {
  readonly address: IpAddress;
  readonly port: number;
  /** Undefined: the kernel chooses. */
  readonly localAddress: IpAddress | undefined;
  /** 1 to 255. */
  readonly ttl: number;
}

/**
 * The descriptor of a non-blocking socket whose connect is under way. Whether it comes to anything, whoever wraps it learns.
 *
 * @throws SystemError, e.g. EADDRNOTAVAIL where the local address is not this host's, ENETUNREACH
 */
export function openDial({ address, port, localAddress, ttl }: DialOptions): number {
  return opened(address, fd => {
    setTtlFor(fd, address, ttl);
    if (localAddress !== undefined) bind(fd, internetAddress(localAddress, 0));
    connect(fd, internetAddress(address, port));
  });
}

/** A bound, listening descriptor. @throws SystemError, e.g. EADDRINUSE, EADDRNOTAVAIL, EACCES */
export function openListener(
  { address, port }: { readonly address: IpAddress; readonly port: number },
  backlog: number,
): number {
  return opened(address, fd => {
    setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (addressFamily(address) === 'ipv6') setIntOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    bind(fd, internetAddress(address, port));
    listen(fd, backlog);
  });
}

/** TTL of outgoing packets of a connected socket, 1 to 255. @throws SystemError */
export function setTtlFor(fd: number, address: IpAddress, ttl: number): void {
  if (addressFamily(address) === 'ipv4') setIntOption(fd, SOL_IP, IP_TTL, ttl);
  else setIntOption(fd, SOL_IPV6, IPV6_UNICAST_HOPS, ttl);
}

function opened(address: IpAddress, prepare: (fd: number) => void): number {
  const domain = addressFamily(address) === 'ipv4' ? SocketDomain.inet : SocketDomain.inet6;
  const fd = socket(domain, SocketType.stream | SocketType.nonblock);
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}
