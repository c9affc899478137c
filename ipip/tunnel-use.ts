/**
 * What the desired routes leave by (pure): how many by each tunnel, so that a tunnel that nobody sends by can go, and the destinations
 * by UDP, whose data path is a process with a table of its own.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { type TunnelKind, tunnelKinds } from './desired.js';

/** By what a route leaves. */
export interface TunnelsTaken {
  /** In order, each once. */
  readonly tunnels: readonly TunnelKind[];
  /** The other end where one of them is UDP. */
  readonly udpHost: IpAddress | undefined;
}

export const NO_TUNNELS: TunnelsTaken = { tunnels: [], udpHost: undefined };

export class TunnelUse {
  readonly #routes: Record<TunnelKind, number> = {
    ipip: 0,
    vxlan: 0,
    'vxlan-v6': 0,
    udp: 0,
  };
  readonly #udp = new Map<Prefix, IpAddress>();
  #udpRevision = 0;

  /** Routes that leave by it, wholly or by a leg. */
  routes(tunnel: TunnelKind): number {
    return this.#routes[tunnel];
  }

  get inUse(): readonly TunnelKind[] {
    return tunnelKinds.filter(kind => this.#routes[kind] > 0);
  }

  /** Destinations by UDP, with the host at the other end. */
  get udpDestinations(): ReadonlyMap<Prefix, IpAddress> {
    return this.#udp;
  }

  /** Another number whenever {@link udpDestinations} is another table. */
  get udpRevision(): number {
    return this.#udpRevision;
  }

  /** Hot path: most routes stay with what they have. */
  move(prefix: Prefix, before: TunnelsTaken, after: TunnelsTaken): void {
    if (before === after) return;
    for (const tunnel of before.tunnels) this.#routes[tunnel]--;
    for (const tunnel of after.tunnels) this.#routes[tunnel]++;
    if (before.udpHost === after.udpHost) return;
    if (after.udpHost === undefined) this.#udp.delete(prefix);
    else this.#udp.set(prefix, after.udpHost);
    this.#udpRevision++;
  }
}
