/**
 * SHELL: TCP sockets with options that Node's own do not take: TTL and signatures before the first packet, a deep listen queue, IPv6
 * only. They begin here as plain descriptors and are handed to `net.Socket` and `net.Server`.
 */
import { addressFamily, type IpAddress } from '../core/ip-address.js';
import { hostPrefix } from '../core/prefix.js';
import { bind, close, connect, listen, SocketDomain, SocketType, setIntOption, socket } from './libc.js';
import { internetAddress } from './socket-address.js';
import { setPassword } from './tcp-md5.js';

/** linux/in.h, linux/in6.h, asm-generic/socket.h, linux/tcp.h */
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_TTL = 2;
const IP_MINTTL = 21;
const SOL_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_MINHOPCOUNT = 73;

export interface DialOptions {
  readonly address: IpAddress;
  readonly port: number;
  /** Undefined: the kernel chooses. */
  readonly localAddress: IpAddress | undefined;
  /** 1 to 255. */
  readonly ttl: number;
  /** What comes with a lower one is not heard (RFC 5082). */
  readonly minimumTtl?: number | undefined;
  /** Signs every segment (RFC 2385). */
  readonly password?: string | undefined;
}

/**
 * The descriptor of a non-blocking socket whose connect is under way. Whether it comes to anything, whoever wraps it learns.
 *
 * @throws SystemError, e.g. EADDRNOTAVAIL where the local address is not this host's, ENETUNREACH
 */
export function openDial({ address, port, localAddress, ttl, minimumTtl, password }: DialOptions): number {
  return opened(address, fd => {
    setTtlFor(fd, address, ttl);
    if (minimumTtl !== undefined) setMinimumTtlFor(fd, address, minimumTtl);
    if (password !== undefined) setPassword(fd, hostPrefix(address), password);
    if (localAddress !== undefined) bind(fd, internetAddress(localAddress, 0));
    connect(fd, internetAddress(address, port));
  });
}

/**
 * A bound, listening descriptor. @throws SystemError, e.g. EADDRINUSE, EADDRNOTAVAIL, EACCES
 *
 * @param prepare before anybody can connect to it
 */
export function openListener(
  { address, port }: { readonly address: IpAddress; readonly port: number },
  backlog: number,
  prepare: (fd: number) => void = () => {},
): number {
  return opened(address, fd => {
    setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (addressFamily(address) === 'ipv6') setIntOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    // Of its answers to SYNs: a peer that asks for 255 (RFC 5082) hears nothing else.
    setTtlFor(fd, address, 255);
    bind(fd, internetAddress(address, port));
    prepare(fd);
    listen(fd, backlog);
  });
}

/** TTL of outgoing packets of a connected socket, 1 to 255. @throws SystemError */
export function setTtlFor(fd: number, address: IpAddress, ttl: number): void {
  if (addressFamily(address) === 'ipv4') setIntOption(fd, SOL_IP, IP_TTL, ttl);
  else setIntOption(fd, SOL_IPV6, IPV6_UNICAST_HOPS, ttl);
}

/** What comes with a lower TTL is dropped (RFC 5082); 0: nothing is. @throws SystemError */
export function setMinimumTtlFor(fd: number, address: IpAddress, ttl: number): void {
  if (addressFamily(address) === 'ipv4') setIntOption(fd, SOL_IP, IP_MINTTL, ttl);
  else setIntOption(fd, SOL_IPV6, IPV6_MINHOPCOUNT, ttl);
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
