/** SHELL: what carries packets: the device and the socket that are open now. Turns the kernel's refusals into the forwarder's words. */
import { constants } from 'node:os';
import { type Ipv4Address, ipv4FromNumber } from '../../core/ip-address.js';
import { errnoName } from '../../linux/libc.js';
import type { RawSocket } from '../../linux/raw-socket.js';
import { internetAddress } from '../../linux/socket-address.js';
import type { TunDevice } from '../../linux/tun.js';
import type { UdpSocket } from '../../linux/udp-socket.js';
import { tunnelOverhead } from '../tunnel-intent.js';
import type { Carrier, Outcome } from './forwarder.js';
import { destinationOf } from './inner-packet.js';

/** Where datagrams go. */
export interface UdpHost {
  readonly address: Ipv4Address;
  readonly socketAddress: Uint8Array;
}

export function udpHost(address: Ipv4Address, port: number): UdpHost {
  return { address, socketAddress: internetAddress(address, port) };
}

export interface Carriers {
  /** Undefined while it is not open. */
  device(): TunDevice | undefined;
  socket(): UdpSocket | undefined;
  answers(): RawSocket | undefined;
  /** Bytes of the longest outer packet on the way there; undefined if nobody knows. */
  pathMtu(host: Ipv4Address): number | undefined;
  /** The device is down. */
  deviceIsDown(): void;
  /** A packet could not be handed on, and why. */
  note(message: string): void;
}

const { EAGAIN, EIO, EMSGSIZE, ENETDOWN, ENETUNREACH, ENOBUFS, EHOSTUNREACH } = constants.errno;

export function linuxCarrier(carriers: Carriers): Carrier<UdpHost> {
  const hostOutcome = (result: number, { address }: UdpHost): Outcome => {
    switch (-result) {
      case EAGAIN:
      case ENOBUFS:
        return 'no-room';
      case EMSGSIZE:
        return 'too-long';
      default:
        carriers.note(`to ${address}: ${errnoName(-result)}`);
        return [ENETDOWN, ENETUNREACH, EHOSTUNREACH].includes(-result) ? 'unreachable' : 'failed';
    }
  };
  const noSocket = (): Outcome => {
    carriers.note('a packet for another host came while no UDP socket was open');
    return 'failed';
  };
  return {
    toHost: (packet, length, host) => {
      const socket = carriers.socket();
      if (socket === undefined) return noSocket();
      const result = socket.send(packet, length, host.socketAddress);
      return result >= 0 ? 'sent' : hostOutcome(result, host);
    },
    toHostInFragments: (packet, length, host) => {
      const socket = carriers.socket();
      if (socket === undefined) return noSocket();
      const result = socket.sendInFragments(packet, length, host.socketAddress);
      return result >= 0 ? 'sent' : hostOutcome(result, host);
    },
    toDevice: (packet, length) => {
      const device = carriers.device();
      const result = device === undefined ? -EIO : device.write(packet, length);
      if (result >= 0) return 'sent';
      if (result === -EAGAIN || result === -ENOBUFS) return 'no-room';
      if (result === -EIO) carriers.deviceIsDown();
      carriers.note(`to the device: ${errnoName(-result)}`);
      return 'failed';
    },
    innerMtu: ({ address }) => {
      const outer = carriers.pathMtu(address);
      return outer === undefined ? undefined : outer - tunnelOverhead.udp;
    },
    answer: packet => {
      const sender = ipv4FromNumber(destinationOf(packet));
      const result = carriers.answers()?.send(packet, sender) ?? 0;
      if (result < 0) carriers.note(`an ICMP error to ${sender}: ${errnoName(-result)}`);
    },
  };
}
