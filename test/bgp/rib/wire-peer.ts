/** The other end of a session in RIB tests: builds UPDATEs, and replays what it is given into a map, as a peer would. */

import type { PeerIndex, Rib, RibPeer } from '../../../bgp/rib/contract.js';
import {
  decodeUpdate,
  encodeNlri,
  encodeUpdate,
  formatAsPath,
  frameLength,
  type PathAttributes,
  type Update,
  Writer,
} from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import {
  addressFamily,
  addressFromBytes,
  addressToBytes,
  type IpAddress,
  type Ipv4Address,
  ipv4FromNumber,
} from '../../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../../core/prefix.js';

export const ip = (text: string) => text as IpAddress;
export const prefix = (text: string) => text as Prefix;
export const acceptAll = { rules: [], otherwise: 'accept' } as const;

export function ribPeer(key: string, asn: number, address: string, over: Partial<RibPeer> = {}): RibPeer {
  return {
    key,
    asn: asn as Asn,
    localAsn: 64512 as Asn,
    remoteRouterId: address as Ipv4Address,
    address: ip(address),
    localAddress: ip('10.0.0.254'),
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    nextHopMode: 'auto',
    sharedSubnets: [],
    routeReflectorClient: false,
    importPolicy: acceptAll,
    exportPolicy: acceptAll,
    ...over,
  };
}

export interface Announcement {
  readonly announced?: readonly string[];
  readonly withdrawn?: readonly string[];
  readonly attributes?: PathAttributes;
  /** For IPv6 prefixes. */
  readonly nextHop6?: string;
}

/** One UPDATE; IPv6 prefixes go into the multiprotocol attributes. */
export function updateFor(
  peer: RibPeer,
  { announced = [], withdrawn = [], attributes = {}, nextHop6 }: Announcement,
) {
  const of = (family: string, texts: readonly string[]) =>
    texts.filter(text => addressFamily(text) === family).map(prefix);
  const nlri = (prefixes: readonly Prefix[]) => {
    const writer = new Writer();
    encodeNlri(writer, prefixes);
    return writer.finish();
  };
  const announced6 = of('ipv6', announced);
  const withdrawn6 = of('ipv6', withdrawn);
  const { nextHop: _, ...withoutNextHop } = attributes;
  return encodeUpdate(
    {
      withdrawn: of('ipv4', withdrawn),
      announced: of('ipv4', announced),
      attributes: {
        ...(of('ipv4', announced).length > 0 ? attributes : announced6.length > 0 ? withoutNextHop : {}),
        ...(announced6.length > 0
          ? {
              mpReach: {
                afi: 2,
                safi: 1,
                nextHop: addressToBytes(ip(nextHop6 ?? 'fd00::9')),
                nlri: nlri(announced6),
              },
            }
          : {}),
        ...(withdrawn6.length > 0 ? { mpUnreach: { afi: 2, safi: 1, withdrawn: nlri(withdrawn6) } } : {}),
      },
    },
    contextOf(peer),
  );
}

export function contextOf(peer: RibPeer) {
  return { fourOctetAs: peer.fourOctetAs, ibgp: peer.asn === peer.localAsn };
}

/** What a peer was told of a prefix, as text that compares. */
export function describeAttributes(attributes: PathAttributes, nextHop: string): string {
  const { asPath, multiExitDisc, localPref, origin, communities, originatorId, clusterList } = attributes;
  return JSON.stringify({
    nextHop,
    asPath: formatAsPath(asPath ?? []),
    origin,
    localPref,
    multiExitDisc,
    communities,
    originatorId,
    clusterList,
  });
}

export class WirePeer {
  readonly peer: RibPeer;
  index: PeerIndex;
  readonly routes = new Map<Prefix, string>();
  messages = 0;
  bytes = 0;
  readonly #rib: Rib;

  constructor(rib: Rib, peer: RibPeer) {
    this.#rib = rib;
    this.peer = peer;
    this.index = rib.peerUp(peer);
  }

  send(announcement: Announcement) {
    const message = updateFor(this.peer, announcement);
    return this.#rib.receiveUpdate(this.index, message, 0, message.length);
  }

  /** Takes at most `max` chunks and learns from them; true if there may be more. */
  drain(max = Number.POSITIVE_INFINITY): boolean {
    for (let taken = 0; taken < max; taken++) {
      const bytes = this.#rib.takeOutput(this.index);
      if (bytes === undefined) return false;
      this.learn(bytes);
    }
    return true;
  }

  learn(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const length = frameLength(bytes, at, bytes.length, 4096);
      if (length === 0) throw new Error('a chunk ends within a message');
      const update = decodeUpdate(bytes, at, at + length, contextOf(this.peer));
      if (update.problems.length > 0) throw new Error(`bad UPDATE: ${update.problems[0]!.detail}`);
      for (const gone of update.withdrawn) this.routes.delete(gone);
      for (const each of update.announced) this.routes.set(each, describeUpdate(update, each));
      this.messages++;
      at += length;
    }
  }
}

function describeUpdate({ attributes }: Update, of: Prefix): string {
  const nextHop =
    addressFamily(of) === 'ipv6'
      ? addressFromBytes('ipv6', attributes.mpReach!.nextHop)
      : ipv4FromNumber(attributes.nextHop!);
  return describeAttributes(attributes, nextHop);
}

/** `count` prefixes of one length from a base address on. */
export function prefixRange(base: string, length: number, count: number): Prefix[] {
  const bytes = addressToBytes(ip(base));
  const first = new DataView(bytes.buffer).getUint32(0);
  return Array.from({ length: count }, (_, i) =>
    prefixOf(ipv4FromNumber(first + i * 2 ** (32 - length)), length),
  );
}
