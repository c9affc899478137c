/** Paths between BFD ends in memory: each packet arrives after a delay, unless the cable is cut or a witness keeps it. */

import { type ControlPacket, decodeControlPacket } from '../../../bgp/bfd/control-packet.js';
import type { BfdArrival, BfdChannel, BfdPath, BfdTransport } from '../../../bgp/bfd/transport.js';
import type { Clock } from '../../../core/clock.js';
import type { IpAddress } from '../../../core/ip-address.js';

export interface Sighting {
  readonly atMs: number;
  readonly from: IpAddress;
  readonly packet: ControlPacket;
}

export class MemoryWire {
  readonly clock: Clock;
  readonly delayMs: number;
  readonly sightings: Sighting[] = [];
  readonly ends = new Map<IpAddress, MemoryTransport>();
  cut = false;
  /** Packets that it says false to are lost. */
  passes: (sighting: Sighting) => boolean = () => true;

  constructor(clock: Clock, delayMs = 1) {
    this.clock = clock;
    this.delayMs = delayMs;
  }

  carry(from: IpAddress, to: IpAddress, bytes: Uint8Array, multihop: boolean): void {
    const packet = decodeControlPacket(bytes);
    if (typeof packet === 'string') throw new Error(`a malformed packet was sent: ${packet}`);
    const sighting = { atMs: this.clock.now(), from, packet };
    this.sightings.push(sighting);
    if (this.cut || !this.passes(sighting)) return;
    const arrival = {
      bytes: bytes.slice(),
      source: from,
      localAddress: to,
      interface: undefined,
      multihop,
      ttlRight: true,
    };
    this.clock.schedule(this.delayMs, () => this.ends.get(to)?.arrive(arrival));
  }

  sentBy(from: IpAddress): readonly Sighting[] {
    return this.sightings.filter(sighting => sighting.from === from);
  }
}

export class MemoryTransport implements BfdTransport {
  receiver: ((arrival: BfdArrival) => void) | undefined;
  readonly #wire: MemoryWire;
  readonly #address: IpAddress;
  /** While its process does not run, what arrives waits in the kernel. */
  asleep = false;
  readonly unread: BfdArrival[] = [];
  catchUps = 0;
  shielded = false;
  dropped = 0;
  openProblem: string | undefined;

  constructor(wire: MemoryWire, address: IpAddress) {
    this.#wire = wire;
    this.#address = address;
    wire.ends.set(address, this);
  }

  open({ address, multihop }: BfdPath): BfdChannel {
    if (this.openProblem !== undefined) throw new Error(this.openProblem);
    return {
      localAddress: this.#address,
      send: packet => {
        this.#wire.carry(this.#address, address, packet, multihop);
        return undefined;
      },
      close: () => {},
    };
  }

  arrive(arrival: BfdArrival): void {
    if (this.asleep) this.unread.push(arrival);
    else this.receiver?.(arrival);
  }

  catchUp(): void {
    this.catchUps++;
    for (const arrival of this.unread.splice(0)) this.receiver?.(arrival);
  }

  shield(on: boolean): void {
    this.shielded = on;
  }

  close(): void {
    this.receiver = undefined;
  }
}
