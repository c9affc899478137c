/** Speakers on a network in memory, under one fake clock. */
import {
  createSpeaker,
  type Peer,
  type PeerOptions,
  type Speaker,
  type SpeakerOptions,
} from '../../../bgp/index.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';
import type { IpAddress } from '../../../core/ip-address.js';

export interface World {
  readonly clock: FakeClock;
  readonly network: MemoryNetwork;
  readonly logs: string[];
  speaker(address: string, asn: number, more?: Partial<SpeakerOptions>): Speaker;
}

export function newWorld(): World {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const logs: string[] = [];
  // A fixed sequence: every run is the same to the byte.
  let seed = 1;
  const random = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  return {
    clock,
    network,
    logs,
    speaker: (address, asn, more = {}) =>
      createSpeaker(
        { asn, routerId: address, listen: { address }, ...more },
        {
          transport: network.host(address as IpAddress),
          clock,
          random,
          unixMs: () => clock.now(),
          log: ({ message, fields }) => logs.push(`${address} ${message} ${JSON.stringify(fields)}`),
        },
      ),
  };
}

export const acceptAll: Pick<PeerOptions, 'import' | 'export'> = {
  import: () => 'accept',
  export: () => 'accept',
};

/** Both ends of a session, each accepting everything. */
export function join(
  a: Speaker,
  b: Speaker,
  options: {
    readonly a: string;
    readonly b: string;
    readonly asA: number;
    readonly asB: number;
    readonly more?: Partial<PeerOptions>;
  },
): readonly [Peer, Peer] {
  const more = options.more ?? {};
  return [
    a.addPeer({ address: options.b, asn: options.asB, localAddress: options.a, ...acceptAll, ...more }),
    b.addPeer({ address: options.a, asn: options.asA, localAddress: options.b, ...acceptAll, ...more }),
  ];
}

export function prefixesOf(speaker: Speaker): string[] {
  return speaker.routes({}).routes.map(({ prefix, nextHop }) => `${prefix} ${nextHop}`);
}
