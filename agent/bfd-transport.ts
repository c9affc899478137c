/**
 * SHELL: BFD's ways to its peers as UDP sockets: one that receives for each local address and interface (RFC 5881 section 4, RFC 5883
 * section 5), and one that sends for each path, from a source port of its own.
 */
import { BFD_TTL, BfdPort } from '../bgp/bfd/registry.js';
import type { BfdArrival, BfdChannel, BfdPath, BfdTransport, SendProblem } from '../bgp/bfd/transport.js';
import type { IpAddress } from '../core/ip-address.js';
import {
  type DatagramSender,
  type HopLimitReceiver,
  localAddressTowards,
  openDatagramSender,
  openHopLimitReceiver,
} from '../linux/hop-limit-socket.js';
import { errnoName, SystemError } from '../linux/libc.js';

/** RFC 5881 section 4: "the range 49152 through 65535". */
const SOURCE_PORTS = { first: 49152, count: 16384 } as const;
/** After these a socket that is bound to an interface is of no use: EBADF, ENXIO, ENODEV. */
const finalErrors = [9, 6, 19];

interface Receiver {
  readonly socket: HopLimitReceiver;
  /** Whose packets it is open for, each as often as there are paths. */
  readonly senders: IpAddress[];
  /** Why it receives no more. */
  failure: string | undefined;
}

export class UdpBfdTransport implements BfdTransport {
  receiver: ((arrival: BfdArrival) => void) | undefined;
  readonly #receivers = new Map<string, Receiver>();
  readonly #senders = new Set<DatagramSender>();
  #nextPort = Math.floor(Math.random() * SOURCE_PORTS.count);
  #shielded = false;
  #droppedByClosed = 0;

  open(path: BfdPath): BfdChannel {
    const { address, interface: name, multihop } = path;
    const localAddress = path.localAddress ?? localAddressTowards(address, name);
    const port = multihop ? BfdPort.multihop : BfdPort.singleHop;
    const sender = this.#openSender({ address, port }, localAddress, name);
    try {
      const receiver = this.#receiverFor(path, localAddress);
      this.#senders.add(sender);
      return {
        localAddress,
        send: packet =>
          receiver.failure === undefined
            ? problemOf(sender.send(packet))
            : { code: receiver.failure, final: true },
        close: () => {
          this.#senders.delete(sender);
          sender.close();
          this.#release(receiver, address);
        },
      };
    } catch (error) {
      sender.close();
      throw error;
    }
  }

  catchUp(): void {
    for (const { socket } of this.#receivers.values()) socket.catchUp();
  }

  shield(on: boolean): void {
    this.#shielded = on;
    for (const receiver of this.#receivers.values()) this.#restrict(receiver);
  }

  get dropped(): number {
    let dropped = this.#droppedByClosed;
    for (const { socket } of this.#receivers.values()) dropped += socket.dropped;
    return dropped;
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
    for (const { socket } of this.#receivers.values()) socket.close();
    this.#receivers.clear();
  }

  /** From the next free port. */
  #openSender(
    remote: { readonly address: IpAddress; readonly port: number },
    address: IpAddress,
    interfaceName: string | undefined,
  ): DatagramSender {
    for (let attempt = 1; ; attempt++) {
      const port = SOURCE_PORTS.first + (this.#nextPort++ % SOURCE_PORTS.count);
      const local = { address, port };
      try {
        return openDatagramSender({ local, remote, interface: interfaceName, hopLimit: BFD_TTL });
      } catch (error) {
        const taken = error instanceof SystemError && error.code === 'EADDRINUSE';
        if (!taken || attempt === SOURCE_PORTS.count) throw error;
      }
    }
  }

  #receiverFor({ address, interface: name, multihop }: BfdPath, localAddress: IpAddress): Receiver {
    const key = `${localAddress} ${name ?? ''} ${multihop}`;
    const receiver = this.#receivers.get(key) ?? this.#openReceiver(key, localAddress, name, multihop);
    receiver.senders.push(address);
    if (this.#shielded) this.#restrict(receiver);
    return receiver;
  }

  #openReceiver(
    key: string,
    localAddress: IpAddress,
    interfaceName: string | undefined,
    multihop: boolean,
  ): Receiver {
    const socket = openHopLimitReceiver({
      address: localAddress,
      port: multihop ? BfdPort.multihop : BfdPort.singleHop,
      interface: interfaceName,
      hopLimit: multihop ? undefined : BFD_TTL,
      received: (bytes, source, ttlRight) =>
        this.receiver?.({ bytes, source, localAddress, interface: interfaceName, multihop, ttlRight }),
      failed: ({ code }) => {
        receiver.failure = code;
        this.#receivers.delete(key);
      },
    });
    const receiver: Receiver = { socket, senders: [], failure: undefined };
    this.#receivers.set(key, receiver);
    return receiver;
  }

  #release(receiver: Receiver, address: IpAddress): void {
    receiver.senders.splice(receiver.senders.indexOf(address), 1);
    if (receiver.senders.length > 0) return;
    for (const [key, other] of this.#receivers) if (other === receiver) this.#receivers.delete(key);
    this.#droppedByClosed += receiver.socket.dropped;
    receiver.socket.close();
  }

  #restrict({ socket, senders }: Receiver): void {
    socket.restrict(this.#shielded ? [...new Set(senders)] : undefined);
  }
}

function problemOf(result: number): SendProblem | undefined {
  return result >= 0 ? undefined : { code: errnoName(-result), final: finalErrors.includes(-result) };
}
