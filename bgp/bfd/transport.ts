/** What BFD wants of UDP: a way to each peer, and packets with word of how far they came. */
import type { IpAddress } from '../../core/ip-address.js';
import type { BfdSessionConfig } from './contract.js';

export type BfdPath = Pick<BfdSessionConfig, 'address' | 'localAddress' | 'interface' | 'multihop'>;

export interface BfdChannel {
  /** The path's, or the one that the kernel would send from. */
  readonly localAddress: IpAddress;
  /** From a source port of its own, with a TTL of 255. What cannot be sent now is lost, as on the wire: undefined if it was sent. */
  send(packet: Uint8Array): SendProblem | undefined;
  close(): void;
}

export interface SendProblem {
  /** e.g. "ENETUNREACH". */
  readonly code: string;
  /** The channel will never send again: its interface is gone. */
  readonly final: boolean;
}

/** A datagram for one of the open paths' local addresses; the bytes are valid during the call. */
export interface BfdArrival {
  readonly bytes: Uint8Array;
  readonly source: IpAddress;
  readonly localAddress: IpAddress;
  /** The one that the receiving socket is bound to. */
  readonly interface: string | undefined;
  readonly multihop: boolean;
  /** False: it came over a single hop's port from further away (RFC 5881 section 5). */
  readonly ttlRight: boolean;
}

export interface BfdTransport {
  /** Everything that arrives on any path goes there. */
  receiver: ((arrival: BfdArrival) => void) | undefined;
  /** @throws with a message for people, e.g. where the local address is not this host's */
  open(path: BfdPath): BfdChannel;
  /** Takes what has arrived and was not handed over yet. */
  catchUp(): void;
  /** While on, nothing is handed over but what has the right TTL and comes from the address of an open path. */
  shield(on: boolean): void;
  /** Datagrams that were dropped unseen so far: by the shield, or because there was no room. */
  readonly dropped: number;
  close(): void;
}
