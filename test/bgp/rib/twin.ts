/**
 * The RIB's slow and obvious twin: maps of decoded routes, everything computed anew whenever it is asked for. Written from the
 * RFCs and the contract, not from the code it judges.
 */

import type { RibPeer } from '../../../bgp/rib/contract.js';
import type {
  NextHopStatus,
  OriginatedRoute,
  RouteOperation,
  RoutePolicy,
} from '../../../bgp/speaker/contract.js';
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

  #accepted(prefix: Prefix, path: TwinPath): boolean {
    return this.imported(prefix, path) !== undefined;
  }

  /** As it is decided upon and told, undefined if it may not be used. */
  imported(prefix: Prefix, path: TwinPath): TwinPath | undefined {
    if (path.peer === undefined) return path;
    const { attributes } = path;
    // Live changes count for what was told before as well.
    const peer = this.peers.get(path.peer.key)!.peer;
    const hops = (attributes.asPath ?? []).flatMap(segment => segment.asns);
    const times = (asn: number) => hops.filter(hop => hop === asn).length;
    if (times(this.asn) > peer.ownAsnsAllowed || times(peer.localAsn) > peer.ownAsnsAllowed) return undefined;
    if (attributes.originatorId !== undefined && ipv4FromNumber(attributes.originatorId) === this.routerId)
      return undefined;
    if (attributes.clusterList?.some(id => ipv4FromNumber(id) === this.clusterId)) return undefined;
    const { role } = path.peer;
    let otc = attributes.onlyToCustomer;
    if (otc !== undefined && (role === 'provider' || role === 'rs')) return undefined;
    if (otc !== undefined && role === 'peer' && otc !== peer.asn) return undefined;
    if (role === 'customer' || role === 'rs-client' || role === 'peer') otc ??= peer.asn;
    const operations = judge(peer.importPolicy as RoutePolicy, prefix, path, this.status);
    if (operations === undefined) return undefined;
    const marked = otc === undefined ? attributes : { ...attributes, onlyToCustomer: otc };
    const changed = operate(marked, operations);
    const leaves = peer.honourGracefulShutdown && changed.communities?.includes(0xffff0000);
    return { ...path, attributes: leaves ? { ...changed, localPref: 0 } : changed };
  }

  #usable(prefix: Prefix, path: TwinPath): boolean {
    if (!this.#accepted(prefix, path)) return false;
    if (path.peer === undefined || path.nextHop === undefined) return true;
    return !this.own.has(path.nextHop) && (this.status.get(path.nextHop)?.reachable ?? true);
  }

  best(prefix: Prefix): TwinPath | undefined {
    let left = [...(this.paths.get(prefix)?.values() ?? [])]
      .filter(path => this.#usable(prefix, path))
      .map(path => this.imported(prefix, path)!);
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
    if (from === undefined || !isInternal(from) || !isInternal(to))
      return exported(prefix, path, to, this.status);
    const fromClient = this.peers.get(from.key)!.peer.routeReflectorClient;
    if (!fromClient && !to.routeReflectorClient) return undefined;
    const { originatorId, clusterList } = path.attributes;
    const attributes = {
      ...path.attributes,
      originatorId: originatorId ?? ipv4ToNumber(from.remoteRouterId),
      clusterList: [ipv4ToNumber(this.clusterId as Ipv4Address), ...(clusterList ?? [])],
    };
    return exported(prefix, { ...path, attributes }, { ...to, nextHopMode: 'keep' }, this.status);
  }
}

function exported(
  prefix: Prefix,
  path: TwinPath,
  to: RibPeer,
  status: ReadonlyMap<IpAddress, NextHopStatus>,
): string | undefined {
  const { attributes, peer: from } = path;
  const internal = isInternal(to);
  if (from?.key === to.key) return undefined;
  const wanted = judge(to.exportPolicy as RoutePolicy, prefix, path, status);
  if (wanted === undefined) return undefined;
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
  if (
    !internal &&
    attributes.onlyToCustomer !== undefined &&
    ['customer', 'rs-client', 'peer'].includes(to.role!)
  )
    return undefined;
  const operations = [...wanted, ...(to.gracefulShutdown ? leaving : [])];
  const changed = operate(attributes, operations);
  if (internal) return describeAttributes({ ...changed, localPref: changed.localPref ?? 100 }, nextHop);
  const {
    localPref: _l,
    multiExitDisc,
    originatorId: _o,
    clusterList: _c,
    onlyToCustomer,
    ...rest
  } = changed;
  const keepsMed = from === undefined || operations.some(({ kind }) => kind === 'set-med');
  const marks = ['provider', 'rs', 'peer'].includes(to.role!);
  const otc = onlyToCustomer ?? (marks ? to.localAsn : undefined);
  const isPrivate = (asn: number) =>
    (asn >= 64512 && asn <= 65534) || (asn >= 4200000000 && asn <= 4294967294);
  const asns = (changed.asPath ?? []).flatMap(segment => segment.asns);
  const path2 = to.removePrivateAsns ? asns.filter(asn => !isPrivate(asn)) : asns;
  return describeAttributes(
    {
      ...rest,
      asPath: [{ type: 'sequence', asns: [to.localAsn, ...path2] }],
      ...(keepsMed && multiExitDisc !== undefined ? { multiExitDisc } : {}),
      ...(otc === undefined ? {} : { onlyToCustomer: otc }),
    },
    nextHop,
  );
}

const leaving: readonly RouteOperation[] = [
  { kind: 'add-communities', communities: ['65535:0'] },
  { kind: 'set-local-pref', value: 0 },
];

/** What is to be done to a route that passes; the sequences' AS paths have one segment at most. */
function judge(
  policy: RoutePolicy,
  prefix: Prefix,
  { peer, attributes, nextHop }: TwinPath,
  status: ReadonlyMap<IpAddress, NextHopStatus>,
): readonly RouteOperation[] | undefined {
  for (const rule of policy.rules) {
    if (rule.source !== 'any' && (rule.source === 'local') !== (peer === undefined)) continue;
    if (
      rule.peerType !== undefined &&
      (peer === undefined || isInternal(peer) !== (rule.peerType === 'ibgp'))
    )
      continue;
    if (rule.localPref !== undefined && rule.localPref !== (attributes.localPref ?? 100)) continue;
    if (rule.interface !== undefined && rule.interface !== status.get(nextHop!)?.interface) continue;
    const hops = (attributes.asPath ?? []).flatMap(segment => segment.asns);
    if (rule.asPathPrefix?.some((asn, i) => hops[i] !== asn)) continue;
    if (rule.communities?.some(text => !communityTexts(attributes).includes(text))) continue;
    if (rule.within !== undefined) {
      const { prefix: net, minLength, maxLength, negated } = rule.within;
      if (addressFamily(net) !== addressFamily(prefix)) continue;
      const length = prefixLength(prefix);
      const inside = prefixContains(net, prefix) && length >= minLength && length <= maxLength;
      if (inside === (negated === true)) continue;
    }
    return rule.action === 'accept' ? (rule.operations ?? []) : undefined;
  }
  return policy.otherwise === 'accept' ? [] : undefined;
}

function communityTexts({ communities = [], largeCommunities = [] }: PathAttributes): string[] {
  return [...communities.map(c => `${c >>> 16}:${c & 65535}`), ...largeCommunities.map(c => c.join(':'))];
}

function operate(attributes: PathAttributes, operations: readonly RouteOperation[]): PathAttributes {
  let { communities, largeCommunities, localPref, multiExitDisc, asPath } = attributes;
  for (const operation of operations) {
    if (operation.kind === 'set-local-pref') localPref = operation.value;
    else if (operation.kind === 'set-med') multiExitDisc = operation.value;
    else if (operation.kind === 'prepend-as-path') {
      const asns = (asPath ?? []).flatMap(segment => segment.asns);
      asPath = [{ type: 'sequence', asns: [...operation.asns, ...asns] }];
    } else {
      for (const text of operation.communities) {
        if (communityTexts({ communities, largeCommunities } as PathAttributes).includes(text)) continue;
        const [a, b, c] = text.split(':').map(Number);
        if (c === undefined) communities = [...(communities ?? []), a! * 65536 + b!];
        else largeCommunities = [...(largeCommunities ?? []), [a!, b!, c]];
      }
    }
  }
  return Object.fromEntries(
    Object.entries({ ...attributes, communities, largeCommunities, localPref, multiExitDisc, asPath }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

const isInternal = (peer: RibPeer) => peer.asn === peer.localAsn;
const medOf = (path: TwinPath) => path.attributes.multiExitDisc ?? 0;
const lengthOf = ({ asPath }: PathAttributes) =>
  (asPath ?? []).reduce((sum, { type, asns }) => sum + (type === 'set' ? 1 : asns.length), 0);
const sameAs = (a: TwinPath, b: TwinPath) =>
  a.attributes.asPath?.[0]?.asns[0] === b.attributes.asPath?.[0]?.asns[0];
