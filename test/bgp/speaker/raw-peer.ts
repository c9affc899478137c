/** A peer that says what a test hands it, octet for octet, and remembers what it is told: sessions with a speaker in memory. */
import type { Connection, Transport } from '../../../bgp/speaker/transport.js';
import {
  decodeNotification,
  decodeUpdate,
  encodeKeepalive,
  encodeOpen,
  frameLength,
  type Notification,
  type Open,
  type PathAttributes,
} from '../../../bgp/wire/index.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';

export interface RawPeerOptions {
  readonly transport: Transport;
  readonly address: string;
  readonly asn: number;
  /** The speaker. */
  readonly remote: string;
  /** Its AS. */
  readonly remoteAsn: number;
  /** By default IPv4 and IPv6 unicast and 4-octet AS numbers. */
  readonly capabilities?: Open['capabilities'];
  /** What it says first, in place of a well-formed OPEN. */
  readonly first?: Uint8Array;
  /** Says no KEEPALIVE by itself. */
  readonly unconfirmed?: true;
}

export class RawPeer {
  /** What it knows by the UPDATEs it was sent. */
  readonly routes = new Map<Prefix, PathAttributes>();
  readonly notifications: Notification[] = [];
  /** Whole messages, without UPDATEs. */
  readonly types: number[] = [];
  established = false;
  closed = false;
  readonly #options: RawPeerOptions;
  #connection: Connection | undefined;

  /** Dials at once and says OPEN. */
  constructor(options: RawPeerOptions) {
    this.#options = options;
    options.transport.dial(
      {
        address: options.remote as IpAddress,
        port: 179,
        localAddress: options.address as IpAddress,
        ttl: 64,
      } as Parameters<Transport['dial']>[0],
      {
        connected: connection => this.#connected(connection),
        failed: () => {
          this.closed = true;
        },
      },
    );
  }

  send(bytes: Uint8Array): void {
    this.#connection?.write(bytes);
  }

  #connected(connection: Connection): void {
    this.#connection = connection;
    connection.start({
      received: (buffer, start, end) => this.#received(buffer, start, end),
      drained: () => {},
      closed: () => {
        this.closed = true;
      },
    });
    const { asn, address, first } = this.#options;
    if (first !== undefined) {
      this.send(first);
      return;
    }
    const capabilities = this.#options.capabilities ?? [
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'multiprotocol', afi: 2, safi: 1 },
      { kind: 'four-octet-as', asn },
    ];
    const shown = asn > 65535 ? 23456 : asn;
    const routerId = address as Ipv4Address;
    this.send(encodeOpen({ version: 4, asn: shown, holdTimeSeconds: 0, routerId, capabilities }));
  }

  #received(buffer: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const length = frameLength(buffer, at, end, 65535);
      if (length === 0) throw new Error('a write holds whole messages');
      this.#message(buffer, at, at + length);
      at += length;
    }
  }

  #message(buffer: Uint8Array, start: number, end: number): void {
    const type = buffer[start + 18]!;
    if (type !== 2) this.types.push(type);
    if (type === 1 && this.#options.unconfirmed !== true) this.send(encodeKeepalive());
    if (type === 4) this.established = true;
    else if (type === 3) this.notifications.push(decodeNotification(buffer, start, end));
    else if (type === 2) {
      const ibgp = this.#options.asn === this.#options.remoteAsn;
      const update = decodeUpdate(buffer, start, end, { fourOctetAs: true, ibgp });
      for (const prefix of update.withdrawn) this.routes.delete(prefix);
      for (const prefix of update.announced) this.routes.set(prefix, update.attributes);
    }
  }
}
