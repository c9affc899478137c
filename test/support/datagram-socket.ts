/** Datagram and raw IP sockets in a network namespace, read without waiting: for tests that count packets. */
import type { ExecutionContext } from 'ava';
import type { Ipv4Address } from '../../core/ip-address.js';
import { bind, close, receive, SocketDomain, SocketType, sendto, socket } from '../../linux/libc.js';
import { insideNamespace } from '../../linux/namespace.js';
import { internetAddress } from '../../linux/socket-address.js';
import type { NetworkNamespace } from './network-namespace.js';

export interface DatagramSocket {
  /** One packet with a number in it. */
  send(to: Ipv4Address, number: number): void;
  /** The numbers of what has arrived since, in order. */
  received(): readonly number[];
}

export interface DatagramSocketOptions {
  /** An IP protocol, whose packets the kernel hands over whole; or a UDP port. */
  readonly traffic: { readonly protocol: number } | { readonly port: number };
  /** Where it listens. */
  readonly address?: Ipv4Address;
}

const LONGEST = 2048;

/** Closed by the test's teardown. */
export function openDatagramSocket(
  t: ExecutionContext,
  namespace: NetworkNamespace,
  { traffic, address }: DatagramSocketOptions,
): DatagramSocket {
  const raw = 'protocol' in traffic;
  const port = raw ? 0 : traffic.port;
  const type = (raw ? SocketType.raw : SocketType.datagram) | SocketType.nonblock;
  const fd = insideNamespace(namespace.path, () =>
    socket(SocketDomain.inet, type, raw ? traffic.protocol : 0),
  );
  t.teardown(() => close(fd));
  if (address !== undefined) bind(fd, internetAddress(address, port));
  const buffer = new Uint8Array(LONGEST);
  const view = new DataView(buffer.buffer);
  return {
    send(to, number) {
      const payload = new Uint8Array(64);
      new DataView(payload.buffer).setUint32(0, number);
      sendto(fd, payload, internetAddress(to, port));
    },
    received() {
      const numbers: number[] = [];
      while (receive(fd, buffer) !== undefined) {
        // A raw socket gets the outer header too.
        const header = raw ? 4 * (buffer[0]! & 15) : 0;
        numbers.push(view.getUint32(header));
      }
      return numbers;
    },
  };
}
