/** The other end of a session in RIB tests: builds UPDATEs, and replays what it is given into a map, as a peer would. */

import type { PeerIndex, Rib, RibPeer } from '../../../bgp/rib/contract.js';
import { ribPolicyDefaults } from '../../../bgp/rib/defaults.js';
import { plainForms } from '../../../bgp/speaker/defaults.js';
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
    role: undefined,
    ...plainForms,
    ...ribPolicyDefaults,
    takesLongLived: false,
    ...over,
  };
}

export interface Announcement {
  readonly announced?: readonly string[];
  readonly withdrawn?: readonly string[];
  readonly attributes?: PathAttributes;
  /** For IPv6 prefixes. */
  readonly nextHop6?: string;
  /** For IPv4 prefixes in MP_REACH_NLRI: one or two IPv6 addresses (RFC 8950). */
  readonly nextHop4?: string;
  /** RFC 7911: of the announced and the withdrawn prefixes, where their family carries them. */
  readonly pathIds?: { readonly announced?: readonly number[]; readonly withdrawn?: readonly number[] };
}

/** One UPDATE; IPv6 prefixes, and IPv4 ones with an IPv6 next hop, go into the multiprotocol attributes. */
export function updateFor(
  peer: RibPeer,
  { announced = [], withdrawn = [], attributes = {}, nextHop6, nextHop4, pathIds = {} }: Announcement,
) {
  const carries = (family: 'ipv4' | 'ipv6') => peer.addPath.receive.includes(`${family}-unicast`);
  const of = (family: 'ipv4' | 'ipv6', texts: readonly string[], ids: readonly number[] = []) => {
    const found = [...texts.entries()].filter(([, text]) => addressFamily(text) === family);
    const prefixes = found.map(([, text]) => prefix(text));
    return { prefixes, ids: carries(family) ? found.map(([i]) => ids[i]) : undefined };
  };
  const nlri = ({ prefixes, ids }: ReturnType<typeof of>) => {
    const writer = new Writer();
    encodeNlri(writer, prefixes, ids);
    return writer.finish();
  };
  const octets = (text: string) => text.split(' ').flatMap(address => [...addressToBytes(ip(address))]);
  const announced4 = of('ipv4', announced, pathIds.announced);
  const announced6 = of('ipv6', announced, pathIds.announced);
  const withdrawn4 = of('ipv4', withdrawn, pathIds.withdrawn);
  const withdrawn6 = of('ipv6', withdrawn, pathIds.withdrawn);
  const { nextHop: _, ...withoutNextHop } = attributes;
  const plain = announced4.prefixes.length > 0 && nextHop4 === undefined;
  const reach = announced6.prefixes.length > 0 ? announced6 : nextHop4 === undefined ? undefined : announced4;
  const mpReach = reach && {
    afi: reach === announced6 ? 2 : 1,
    safi: 1,
    nextHop: Uint8Array.from(octets((reach === announced6 ? nextHop6 : nextHop4) ?? 'fd00::9')),
    nlri: nlri(reach),
  };
  return encodeUpdate(
    {
      withdrawn: withdrawn4.prefixes,
      announced: plain ? announced4.prefixes : [],
      attributes: {
        ...(plain ? attributes : mpReach === undefined ? {} : withoutNextHop),
        ...(mpReach && { mpReach }),
        ...(withdrawn6.prefixes.length > 0
          ? { mpUnreach: { afi: 2, safi: 1, withdrawn: nlri(withdrawn6) } }
          : {}),
      },
      ...(carries('ipv4') && {
        pathIds: { withdrawn: withdrawn4.ids ?? [], announced: plain ? (announced4.ids ?? []) : [] },
      }),
    },
    contextOf(peer),
  );
}

export function contextOf(peer: RibPeer) {
  const { fourOctetAs, extendedNextHop } = peer;
  return { fourOctetAs, ibgp: peer.asn === peer.localAsn, extendedNextHop };
}

/** What a peer was told of a prefix, as text that compares. */
export function describeAttributes(attributes: PathAttributes, nextHop: string): string {
  const { asPath, multiExitDisc, localPref, origin, communities, originatorId, clusterList } = attributes;
  const { largeCommunities, onlyToCustomer } = attributes;
  return JSON.stringify({
    nextHop,
    asPath: formatAsPath(asPath ?? []),
    origin,
    localPref,
    multiExitDisc,
    communities,
    largeCommunities,
    onlyToCustomer,
    originatorId,
    clusterList,
  });
}

export class WirePeer {
  readonly peer: RibPeer;
  index: PeerIndex;
  readonly routes = new Map<Prefix, string>();
  /** With ADD-PATH: what it was told of a prefix, by path identifier. */
  readonly paths = new Map<Prefix, Map<number, string>>();
  messages = 0;
  bytes = 0;
  /** Octets of the longest message it was sent. */
  longest = 0;
  readonly #rib: Rib;

  constructor(rib: Rib, peer: RibPeer) {
    this.#rib = rib;
    this.peer = peer;
    this.index = rib.peerUp(peer);
  }

  send(announcement: Announcement) {
    const message = updateFor(this.peer, announcement);
    return this.#rib.receiveUpdates(this.index, message, 0, message.length).outcome;
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
      const length = frameLength(bytes, at, bytes.length, this.peer.maxMessageLength);
      if (length === 0) throw new Error('a chunk ends within a message');
      const context = { ...contextOf(this.peer), addPath: this.peer.addPath.send };
      const update = decodeUpdate(bytes, at, at + length, context);
      if (update.problems.length > 0) throw new Error(`bad UPDATE: ${update.problems[0]!.detail}`);
      for (const [i, gone] of update.withdrawn.entries()) {
        this.#forget(gone, update.pathIds?.withdrawn[i]);
      }
      for (const [i, each] of update.announced.entries()) {
        this.#learn(each, update.pathIds?.announced[i], describeUpdate(update, each));
      }
      this.longest = Math.max(this.longest, length);
      this.messages++;
      at += length;
    }
  }

  #learn(of: Prefix, pathId: number | undefined, text: string): void {
    if (pathId === undefined) {
      this.routes.set(of, text);
      return;
    }
    const paths = this.paths.get(of) ?? new Map<number, string>();
    this.paths.set(of, paths.set(pathId, text));
    this.routes.set(of, joined(paths.values()));
  }

  #forget(of: Prefix, pathId: number | undefined): void {
    const paths = this.paths.get(of);
    if (pathId !== undefined) paths?.delete(pathId);
    if (paths === undefined || paths.size === 0) this.routes.delete(of);
    else this.routes.set(of, joined(paths.values()));
  }
}

/** Several paths of a prefix as text that compares, whatever their identifiers. */
export function joined(texts: Iterable<string>): string {
  return [...texts].sort().join(' and ');
}

function describeUpdate({ attributes }: Update, of: Prefix): string {
  const { mpReach } = attributes;
  const nextHop =
    addressFamily(of) === 'ipv4' && attributes.nextHop !== undefined
      ? ipv4FromNumber(attributes.nextHop)
      : addressFromBytes('ipv6', mpReach!.nextHop);
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
