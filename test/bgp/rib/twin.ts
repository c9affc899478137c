/**
 * The RIB's slow and obvious twin: maps of decoded routes, everything computed anew whenever it is asked for. Written from the
 * RFCs and the contract, not from the code it judges.
 */

import type { RibPeer } from '../../../bgp/rib/contract.js';
import type { NextHopStatus, OriginatedRoute, RoutePolicy } from '../../../bgp/speaker/contract.js';
import type { PathAttributes } from '../../../bgp/wire/index.js';
import {
  addressFamily,
  compareAddresses,
  type IpAddress,
  type Ipv4Address,
  ipv4FromNumber,
  ipv4ToNumber,
} from '../../../core/ip-address.js';
import { type Prefix, prefixContains, prefixContainsAddress, prefixLength } from '../../../core/prefix.js';
import { describeAttributes } from './wire-peer.js';

export interface TwinPath {
  /** `undefined`: our own. */
  readonly peer: RibPeer | undefined;
  readonly attributes: PathAttributes;
  readonly nextHop: IpAddress | undefined;
  stale: boolean;
}

interface TwinPeer {
  peer: RibPeer;
  up: boolean;
}

export class Twin {
  readonly peers = new Map<string, TwinPeer>();
  readonly paths = new Map<Prefix, Map<string, TwinPath>>();
  readonly status = new Map<IpAddress, NextHopStatus>();
  own = new Set<IpAddress>();
  readonly asn: number;
  readonly routerId: string;
  clusterId: string;

  constructor(asn: number, routerId: string) {
    this.asn = asn;
    this.routerId = routerId;
    this.clusterId = routerId;
  }

  up(peer: RibPeer): void {
    this.peers.set(peer.key, { peer, up: true });
  }

  down(key: string, keepStale: boolean): void {
    this.peers.get(key)!.up = false;
    for (const [prefix, paths] of this.paths) {
      const path = paths.get(key);
      if (path === undefined) continue;
      if (!keepStale || path.stale) this.remove(key, prefix);
      else path.stale = true;
    }
  }

  flushStale(key: string, family: 'ipv4' | 'ipv6'): number {
    let count = 0;
    for (const [prefix, paths] of this.paths) {
      if (addressFamily(prefix) !== family || paths.get(key)?.stale !== true) continue;
      this.remove(key, prefix);
      count++;
    }
    return count;
  }

  announce(key: string, prefix: Prefix, attributes: PathAttributes, nextHop: IpAddress): void {
    this.#at(prefix).set(key, { peer: this.peers.get(key)!.peer, attributes, nextHop, stale: false });
  }

  originate(route: OriginatedRoute): void {
    const { communities, localPref, med } = route;
    const attributes = {
      origin: 0,
      asPath: [],
      ...(communities.length > 0 ? { communities } : {}),
      ...(localPref === undefined ? {} : { localPref }),
      ...(med === undefined ? {} : { multiExitDisc: med }),
    };
    this.#at(route.prefix).set('own', { peer: undefined, attributes, nextHop: route.nextHop, stale: false });
  }

  remove(key: string, prefix: Prefix): void {
    const paths = this.paths.get(prefix);
    paths?.delete(key);
    if (paths?.size === 0) this.paths.delete(prefix);
  }

  #at(prefix: Prefix): Map<string, TwinPath> {
    const paths = this.paths.get(prefix) ?? new Map<string, TwinPath>();
    this.paths.set(prefix, paths);
    return paths;
  }

  counts(key: string) {
    let received = 0;
    let accepted = 0;
    let stale = 0;
    for (const [prefix, paths] of this.paths) {
      const path = paths.get(key);
      if (path === undefined) continue;
      received++;
      if (path.stale) stale++;
      if (this.#accepted(prefix, path)) accepted++;
    }
    const entry = this.peers.get(key);
    const advertised = entry?.up ? this.expected(key).size : 0;
    return { received, accepted, advertised, stale };
  }

  #accepted(prefix: Prefix, { peer, attributes }: TwinPath): boolean {
    if (peer === undefined) return true;
    const hops = (attributes.asPath ?? []).flatMap(segment => segment.asns);
    if (hops.includes(this.asn) || hops.includes(peer.localAsn)) return false;
    if (attributes.originatorId !== undefined && ipv4FromNumber(attributes.originatorId) === this.routerId)
      return false;
    if (attributes.clusterList?.some(id => ipv4FromNumber(id) === this.clusterId)) return false;
    return allows(this.peers.get(peer.key)!.peer.importPolicy as RoutePolicy, prefix, false);
  }

  #usable(prefix: Prefix, path: TwinPath): boolean {
    if (!this.#accepted(prefix, path)) return false;
    if (path.peer === undefined || path.nextHop === undefined) return true;
    return !this.own.has(path.nextHop) && (this.status.get(path.nextHop)?.reachable ?? true);
  }

  best(prefix: Prefix): TwinPath | undefined {
    let left = [...(this.paths.get(prefix)?.values() ?? [])].filter(path => this.#usable(prefix, path));
    const own = left.find(path => path.peer === undefined);
    if (own !== undefined) return own;
    const keepLowest = (value: (path: TwinPath) => number) => {
      const lowest = Math.min(...left.map(value));
      left = left.filter(path => value(path) === lowest);
    };
    keepLowest(({ attributes }) => -(attributes.localPref ?? 100));
    keepLowest(({ attributes }) => lengthOf(attributes));
    keepLowest(({ attributes }) => attributes.origin!);
    left = left.filter(path => !left.some(other => sameAs(path, other) && medOf(other) < medOf(path)));
    keepLowest(({ peer }) => (isInternal(peer!) ? 1 : 0));
    keepLowest(({ nextHop }) => this.status.get(nextHop!)?.metric ?? 0);
    keepLowest(({ attributes, peer }) => attributes.originatorId ?? ipv4ToNumber(peer!.remoteRouterId));
    keepLowest(({ attributes }) => attributes.clusterList?.length ?? 0);
    left.sort((a, b) => compareAddresses(a.peer!.address, b.peer!.address));
    return left[0];
  }

  /** What a peer is to know. */
  expected(key: string): Map<Prefix, string> {
    const { peer } = this.peers.get(key)!;
    const told = new Map<Prefix, string>();
    for (const prefix of this.paths.keys()) {
      if (!peer.families.includes(addressFamily(prefix) === 'ipv4' ? 'ipv4-unicast' : 'ipv6-unicast'))
        continue;
      const best = this.best(prefix);
      const text = best && this.#exported(prefix, best, peer);
      if (text !== undefined) told.set(prefix, text);
    }
    return told;
  }

  #exported(prefix: Prefix, path: TwinPath, to: RibPeer): string | undefined {
    const from = path.peer;
    if (from === undefined || !isInternal(from) || !isInternal(to)) return exported(prefix, path, to);
    const fromClient = this.peers.get(from.key)!.peer.routeReflectorClient;
    if (!fromClient && !to.routeReflectorClient) return undefined;
    const { originatorId, clusterList } = path.attributes;
    const attributes = {
      ...path.attributes,
      originatorId: originatorId ?? ipv4ToNumber(from.remoteRouterId),
      clusterList: [ipv4ToNumber(this.clusterId as Ipv4Address), ...(clusterList ?? [])],
    };
    return exported(prefix, { ...path, attributes }, { ...to, nextHopMode: 'keep' });
  }
}

function exported(prefix: Prefix, path: TwinPath, to: RibPeer): string | undefined {
  const { attributes, peer: from } = path;
  const internal = isInternal(to);
  if (from?.key === to.key) return undefined;
  if (!allows(to.exportPolicy as RoutePolicy, prefix, from === undefined)) return undefined;
  const communities = attributes.communities ?? [];
  if (from !== undefined && communities.includes(0xffffff02)) return undefined;
  if (from !== undefined && !internal && communities.some(c => c === 0xffffff01 || c === 0xffffff03))
    return undefined;
  let nextHop = path.nextHop;
  if (nextHop === undefined || to.nextHopMode === 'self') nextHop = to.localAddress;
  else if (to.nextHopMode === 'auto' && from !== undefined && !internal) {
    const hop = nextHop;
    if (!to.sharedSubnets.some(subnet => prefixContainsAddress(subnet, hop))) nextHop = to.localAddress;
  }
  if (addressFamily(nextHop) !== addressFamily(prefix)) return undefined;
  if (nextHop === to.address && nextHop !== to.localAddress) return undefined;
  const { localPref, multiExitDisc, originatorId: _o, clusterList: _c, ...rest } = attributes;
  if (internal) {
    return describeAttributes({ ...attributes, localPref: localPref ?? 100 }, nextHop);
  }
  return describeAttributes(
    {
      ...rest,
      asPath: [{ type: 'sequence', asns: [to.localAsn] }, ...(attributes.asPath ?? [])],
      ...(from === undefined && multiExitDisc !== undefined ? { multiExitDisc } : {}),
    },
    nextHop,
  );
}

function allows(policy: RoutePolicy, prefix: Prefix, own: boolean): boolean {
  for (const { within, source, action } of policy.rules) {
    if (source !== 'any' && (source === 'local') !== own) continue;
    const length = prefixLength(prefix);
    if (within !== undefined) {
      if (!prefixContains(within.prefix, prefix)) continue;
      if (length < within.minLength || length > within.maxLength) continue;
    }
    return action === 'accept';
  }
  return policy.otherwise === 'accept';
}

const isInternal = (peer: RibPeer) => peer.asn === peer.localAsn;
const medOf = (path: TwinPath) => path.attributes.multiExitDisc ?? 0;
const lengthOf = ({ asPath }: PathAttributes) =>
  (asPath ?? []).reduce((sum, { type, asns }) => sum + (type === 'set' ? 1 : asns.length), 0);
const sameAs = (a: TwinPath, b: TwinPath) =>
  a.attributes.asPath?.[0]?.asns[0] === b.attributes.asPath?.[0]?.asns[0];
