/**
 * The RIB's slow and obvious twin: maps of decoded routes, everything computed anew whenever it is asked for. Written from the
 * RFCs and the contract, not from the code it judges.
 */

import type { Family } from '../../../bgp/family.js';
import type { RibPeer } from '../../../bgp/rib/contract.js';
import type {
  NextHopStatus,
  OriginatedRoute,
  RouteOperation,
  RoutePolicy,
} from '../../../bgp/speaker/contract.js';
import { decodeAttributes, encodeAttributes, type PathAttributes } from '../../../bgp/wire/index.js';
import {
  addressFamily,
  compareAddresses,
  type IpAddress,
  type Ipv4Address,
  ipv4FromNumber,
  ipv4ToNumber,
} from '../../../core/ip-address.js';
import { type Prefix, prefixContains, prefixContainsAddress, prefixLength } from '../../../core/prefix.js';
import { describeAttributes, joined } from './wire-peer.js';

export interface TwinPath {
  /** `undefined`: our own. */
  readonly peer: RibPeer | undefined;
  readonly attributes: PathAttributes;
  readonly nextHop: IpAddress | undefined;
  stale: boolean;
  /** Told before the peer began to tell all of its family again. */
  outdated?: boolean;
  /** Before the import policy. */
  readonly received?: TwinPath;
}

/** Where a path stands among those of its prefix: a source has one, or one for each path identifier. */
const placeOf = (key: string, pathId: number | undefined) =>
  pathId === undefined ? key : `${key} ${pathId}`;

/** RFC 9494. */
const LLGR_STALE = 0xffff0006;
const NO_LLGR = 0xffff0007;

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
    const before = this.peers.get(peer.key)?.peer.addPath.receive ?? [];
    for (const prefix of this.paths.keys()) {
      const family = `${addressFamily(prefix)}-unicast` as const;
      if (before.includes(family) !== peer.addPath.receive.includes(family))
        this.#removeAll(peer.key, prefix);
    }
    this.peers.set(peer.key, { peer, up: true });
  }

  down(key: string, kept: readonly Family[]): void {
    this.peers.get(key)!.up = false;
    for (const prefix of this.paths.keys()) {
      const keeps = kept.includes(`${addressFamily(prefix)}-unicast`);
      this.#removeAll(key, prefix, path => !keeps || path.stale);
      for (const path of this.#of(key, prefix).values()) path.stale = true;
    }
  }

  flushStale(key: string, family: 'ipv4' | 'ipv6'): number {
    let count = 0;
    for (const prefix of this.paths.keys()) {
      if (addressFamily(prefix) === family) count += this.#removeAll(key, prefix, path => path.stale);
    }
    return count;
  }

  beginRefresh(key: string, family: 'ipv4' | 'ipv6'): void {
    for (const prefix of this.paths.keys()) {
      if (addressFamily(prefix) !== family) continue;
      for (const path of this.#of(key, prefix).values()) path.outdated = !path.stale;
    }
  }

  endRefresh(key: string, family: 'ipv4' | 'ipv6'): number {
    let count = 0;
    for (const prefix of this.paths.keys()) {
      if (addressFamily(prefix) !== family) continue;
      count += this.#removeAll(key, prefix, path => path.outdated === true && !path.stale);
    }
    return count;
  }

  beginLongLived(key: string, family: 'ipv4' | 'ipv6'): number {
    let count = 0;
    for (const prefix of this.paths.keys()) {
      if (addressFamily(prefix) !== family) continue;
      count += this.#removeAll(
        key,
        prefix,
        path => path.stale && path.attributes.communities?.includes(NO_LLGR) === true,
      );
      for (const [place, path] of this.#of(key, prefix)) {
        const { communities = [] } = path.attributes;
        if (!path.stale || communities.includes(LLGR_STALE)) continue;
        const attributes = { ...path.attributes, communities: [...communities, LLGR_STALE] };
        this.#at(prefix).set(place, { ...path, attributes });
      }
    }
    return count;
  }

  /** The paths of a peer, by their places. */
  #of(key: string, prefix: Prefix): Map<string, TwinPath> {
    const all = [...(this.paths.get(prefix) ?? [])];
    return new Map(all.filter(([, path]) => (path.peer?.key ?? 'own') === key));
  }

  #removeAll(key: string, prefix: Prefix, which: (path: TwinPath) => boolean = () => true): number {
    const gone = [...this.#of(key, prefix)].filter(([, path]) => which(path));
    const paths = this.paths.get(prefix);
    for (const [place] of gone) paths?.delete(place);
    if (paths?.size === 0) this.paths.delete(prefix);
    return gone.length;
  }

  announce(
    key: string,
    prefix: Prefix,
    attributes: PathAttributes,
    nextHop: IpAddress,
    pathId: number | undefined,
  ): void {
    const path = { peer: this.peers.get(key)!.peer, attributes, nextHop, stale: false };
    this.#at(prefix).set(placeOf(key, pathId), path);
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

  remove(key: string, prefix: Prefix, pathId?: number | undefined): void {
    const paths = this.paths.get(prefix);
    paths?.delete(placeOf(key, pathId));
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
    for (const prefix of this.paths.keys()) {
      for (const path of this.#of(key, prefix).values()) {
        received++;
        if (path.stale) stale++;
        if (this.#accepted(prefix, path)) accepted++;
      }
    }
    let advertised = 0;
    if (this.peers.get(key)?.up) for (const told of this.#told(key).values()) advertised += told.length;
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

  /** The best of those that are not among `others`. */
  best(prefix: Prefix, others: readonly (TwinPath | undefined)[] = []): TwinPath | undefined {
    let left: TwinPath[] = [...(this.paths.get(prefix)?.values() ?? [])]
      .filter(path => !others.includes(path) && this.#usable(prefix, path))
      .map(path => ({ ...this.imported(prefix, path)!, received: path }));
    const own = left.find(path => path.peer === undefined);
    if (own !== undefined) return own;
    const isLongLived = ({ attributes }: TwinPath) => attributes.communities?.includes(LLGR_STALE) === true;
    const keepLowest = (value: (path: TwinPath) => number) => {
      const lowest = Math.min(...left.map(value));
      left = left.filter(path => value(path) === lowest);
    };
    keepLowest(path => (isLongLived(path) ? 1 : 0));
    keepLowest(({ attributes }) => -(attributes.localPref ?? 100));
    keepLowest(({ attributes }) => lengthOf(attributes));
    keepLowest(({ attributes }) => attributes.origin!);
    left = left.filter(path => !left.some(other => sameAs(path, other) && medOf(other) < medOf(path)));
    keepLowest(({ peer }) => (isInternal(peer!) ? 1 : 0));
    keepLowest(({ nextHop }) => this.status.get(nextHop!)?.metric ?? 0);
    keepLowest(({ attributes, peer }) => attributes.originatorId ?? ipv4ToNumber(peer!.remoteRouterId));
    keepLowest(({ attributes }) => attributes.clusterList?.length ?? 0);
    left.sort(
      (a, b) =>
        compareAddresses(a.peer!.address, b.peer!.address) ||
        compareAddresses(a.nextHop!, b.nextHop!) ||
        compareTexts(attributesText(a), attributesText(b)) ||
        Number(a.stale) - Number(b.stale),
    );
    return left[0];
  }

  /** What a peer is to know. */
  expected(key: string): Map<Prefix, string> {
    return new Map([...this.#told(key)].map(([prefix, texts]) => [prefix, joined(texts)]));
  }

  #told(key: string): Map<Prefix, readonly string[]> {
    const { peer } = this.peers.get(key)!;
    const told = new Map<Prefix, readonly string[]>();
    for (const prefix of this.paths.keys()) {
      const family = `${addressFamily(prefix)}-unicast` as const;
      if (!peer.families.includes(family)) continue;
      const texts = peer.addPath.send.includes(family)
        ? this.#several(prefix, peer)
        : this.#one(prefix, peer);
      if (texts.length > 0) told.set(prefix, texts);
    }
    return told;
  }

  #one(prefix: Prefix, to: RibPeer): readonly string[] {
    const best = this.best(prefix);
    const told = best && this.#exported(prefix, best, to);
    return told !== undefined && isFor(told, best!, to) ? [told.text] : [];
  }

  /** With ADD-PATH: of the best that may go to peers like this one, the same of one source once, those that are not its own. */
  #several(prefix: Prefix, to: RibPeer): readonly string[] {
    const seen: TwinPath[] = [];
    const counted = new Set<string>();
    const texts: string[] = [];
    for (;;) {
      const path = this.best(prefix, seen);
      if (path === undefined || counted.size === to.pathsPerPrefix) return texts;
      seen.push(path.received!);
      const told = this.#exported(prefix, path, to);
      const name = told && `${path.peer?.key} ${told.text}`;
      if (told === undefined || counted.has(name!)) continue;
      counted.add(name!);
      if (isFor(told, path, to)) texts.push(told.text);
    }
  }

  #exported(prefix: Prefix, path: TwinPath, to: RibPeer): Exported | undefined {
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

interface Exported {
  readonly text: string;
  readonly nextHop: IpAddress;
}

/** Not back to where it came from, nor to whom it leads. */
function isFor({ nextHop }: Exported, { peer }: TwinPath, to: RibPeer): boolean {
  return peer?.key !== to.key && (nextHop !== to.address || nextHop === to.localAddress);
}

/** As they are after having been on the wire. */
function attributesText({ attributes }: TwinPath): string {
  const context = { fourOctetAs: true, ibgp: true };
  const bytes = encodeAttributes(attributes, context);
  return JSON.stringify(decodeAttributes(bytes, 0, bytes.length, context).attributes);
}

function exported(
  prefix: Prefix,
  path: TwinPath,
  to: RibPeer,
  status: ReadonlyMap<IpAddress, NextHopStatus>,
): Exported | undefined {
  const { attributes, peer: from } = path;
  const internal = isInternal(to);
  const wanted = judge(to.exportPolicy as RoutePolicy, prefix, path, status);
  if (wanted === undefined) return undefined;
  const communities = attributes.communities ?? [];
  if (from !== undefined && communities.includes(0xffffff02)) return undefined;
  if (from !== undefined && !internal && communities.some(c => c === 0xffffff01 || c === 0xffffff03))
    return undefined;
  if (from !== undefined && !to.takesLongLived && communities.includes(LLGR_STALE)) return undefined;
  let nextHop = path.nextHop;
  if (nextHop === undefined || to.nextHopMode === 'self') nextHop = to.localAddress;
  else if (to.nextHopMode === 'auto' && from !== undefined && !internal) {
    const hop = nextHop;
    if (!to.sharedSubnets.some(subnet => prefixContainsAddress(subnet, hop))) nextHop = to.localAddress;
  }
  if (addressFamily(nextHop) !== addressFamily(prefix)) return undefined;
  if (
    !internal &&
    attributes.onlyToCustomer !== undefined &&
    ['customer', 'rs-client', 'peer'].includes(to.role!)
  )
    return undefined;
  const operations = [...wanted, ...(to.gracefulShutdown ? leaving : [])];
  const changed = operate(attributes, operations);
  if (internal) {
    return {
      text: describeAttributes({ ...changed, localPref: changed.localPref ?? 100 }, nextHop),
      nextHop,
    };
  }
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
  const text = describeAttributes(
    {
      ...rest,
      asPath: [{ type: 'sequence', asns: [to.localAsn, ...path2] }],
      ...(keepsMed && multiExitDisc !== undefined ? { multiExitDisc } : {}),
      ...(otc === undefined ? {} : { onlyToCustomer: otc }),
    },
    nextHop,
  );
  return { text, nextHop };
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

const compareTexts = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
const isInternal = (peer: RibPeer) => peer.asn === peer.localAsn;
const medOf = (path: TwinPath) => path.attributes.multiExitDisc ?? 0;
const lengthOf = ({ asPath }: PathAttributes) =>
  (asPath ?? []).reduce((sum, { type, asns }) => sum + (type === 'set' ? 1 : asns.length), 0);
const sameAs = (a: TwinPath, b: TwinPath) =>
  a.attributes.asPath?.[0]?.asns[0] === b.attributes.asPath?.[0]?.asns[0];
