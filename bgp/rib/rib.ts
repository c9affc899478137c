/**
 * The RIB (RFC 4271 section 3.2): Adj-RIBs-In, Loc-RIB and Adj-RIBs-Out of every family behind the contract that sessions and the
 * best-route consumer drive. No sockets, no clock, nothing asynchronous; what comes in marks prefixes dirty, `flush` decides them
 * and packs what peers are to be told. The parts know one another only through `FamilyTable`.
 */
import type { Asn } from '../../core/asn.js';
import {
  addressFamily,
  addressToBytes,
  type IpAddress,
  type Ipv4Address,
  ipv4ToNumber,
} from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { type Family, familyOf } from '../family.js';
import { Afi, Origin, Safi, WellKnownCommunity } from '../iana.js';
import type {
  BestRouteBatch,
  NextHopStatus,
  OriginatedRoute,
  RouteDependence,
  SpeakerLimits,
} from '../speaker/contract.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { type AttributeBlock, AttributeStore } from './attribute-store.js';
import { Audiences } from './audience.js';
import type { PeerIndex, ReceivedUpdates, Rib, RibPeer, RibPolicies, UpdateOutcome } from './contract.js';
import { dependenceOn, type GoingPeers } from './dependence.js';
import { FamilyTable } from './family-table.js';
import { type Overuse, overuseOf } from './memory.js';
import { type NextHop, NextHops } from './next-hops.js';
import { OutBuffer } from './out-buffer.js';
import { type Path, PathStore } from './path-store.js';
import { accepted, asksInterface, compilePolicy, PolicyNames, policyForPath, rulingOn } from './policy.js';
import { visitPrefixes, walkPaths } from './rib-walk.js';
import { receivedDetail, undecided } from './route-detail.js';
import { queryRoutes, type RoutePage } from './route-query.js';
import { newSession, OWN_SOURCE, type Session, type Source, Sources, sessionsOf } from './sources.js';
import { UpdateReceiver } from './update-receiver.js';

export interface RibOptions {
  readonly asn: Asn;
  readonly routerId: Ipv4Address;
  /** RFC 4456 section 7; by default the router id. */
  readonly clusterId?: Ipv4Address | undefined;
  /** How much packed output an update group keeps for its slowest peer before that peer is put aside, octets. */
  readonly logLimitBytes?: number;
}

const DEFAULT_LOG_LIMIT_BYTES = 16 * 1024 * 1024;
const families: readonly Family[] = ['ipv4-unicast', 'ipv6-unicast'];
const ok: UpdateOutcome = { kind: 'ok' };
const one = new Int32Array(1);

export function createRib(options: RibOptions): Rib {
  return new RoutingInformationBase(options);
}

class RoutingInformationBase implements Rib {
  readonly #nextHops = new NextHops();
  readonly #blocks = new AttributeStore();
  readonly #paths: PathStore;
  readonly #sources = new Sources();
  readonly #watchers = new Set<Parameters<Rib['watch']>[0]>();
  readonly #own: Session;
  readonly #tables: Readonly<Record<Family, FamilyTable>>;
  readonly #receiver: UpdateReceiver;

  constructor({ asn, routerId, clusterId, logLimitBytes = DEFAULT_LOG_LIMIT_BYTES }: RibOptions) {
    this.#paths = new PathStore(this.#blocks, this.#nextHops, asn, routerId, clusterId);
    const audiences = new Audiences();
    const buffer = new OutBuffer();
    const policyNames = new PolicyNames();
    const table = (family: Family) =>
      new FamilyTable(family, this.#paths, audiences, buffer, policyNames, logLimitBytes);
    this.#tables = { 'ipv4-unicast': table('ipv4-unicast'), 'ipv6-unicast': table('ipv6-unicast') };
    this.#receiver = new UpdateReceiver(this.#tables, this.#blocks, this.#paths);
    this.#own = newSession(this.#sources.own, undefined);
    this.#sources.own.session = this.#own;
  }

  // -------------------------------------------------------------- peers

  peerUp(peer: RibPeer): PeerIndex {
    const known = this.#sources.byKey(peer.key);
    if (known?.session !== undefined) this.peerDown(known.index, 'flush');
    const source = this.#sources.enter(peer.key);
    const session = newSession(source, peer);
    source.session = session;
    for (const stale of source.former) this.#setClient(stale, peer.routeReflectorClient);
    for (const family of families) this.#dropOtherStale(source, session, family);
    for (const family of families) if (session.carries[family]) this.#tables[family].join(session);
    return source.index;
  }

  /** Stale paths with path identifiers are not replaced by paths without, nor the other way round. */
  #dropOtherStale(source: Source, session: Session, family: Family): void {
    for (const stale of source.former) {
      if (stale.pathIds[family] !== session.pathIds[family]) this.#removeSession(stale, family);
    }
    source.former = source.former.filter(hasRoutes);
  }

  peerDown(peer: PeerIndex, routes: 'flush' | { readonly keepStale: readonly Family[] }): void {
    const source = this.#sources.at(peer);
    const session = source?.session;
    if (source === undefined || session === undefined || peer === OWN_SOURCE) return;
    const sessions = sessionsOf(source);
    source.session = undefined;
    for (const family of families) {
      this.#tables[family].leave(source.index);
      const flushes = routes === 'flush' || !routes.keepStale.includes(family);
      for (const each of sessions) {
        // RFC 4724 section 4.2: what was stale already when the peer is lost again, goes.
        if (flushes || each.stale) this.#removeSession(each, family);
      }
    }
    source.former = sessions.filter(hasRoutes);
    for (const each of source.former) this.#becomeStale(each);
    this.#sources.leave(source);
  }

  #becomeStale(session: Session): void {
    session.stale = true;
    for (const { prefixes, locRib, feed } of Object.values(this.#tables)) {
      for (let id = 1; id < prefixes.end; id++) {
        const selected = locRib.selected[id]!;
        if (selected === 0 || this.#paths.at(selected).session !== session) continue;
        one[0] = id;
        feed.note(one, 1);
      }
    }
  }

  #removeSession(session: Session, family: Family): number {
    const { adjRibIn, prefixes } = this.#tables[family];
    return adjRibIn.removeSession(session, prefixes.end);
  }

  flushStale(key: string, family: Family): number {
    const source = this.#sources.byKey(key);
    return source === undefined ? 0 : this.#removeFormer(source, family, ({ stale }) => stale);
  }

  #removeFormer(source: Source, family: Family, which: (session: Session) => boolean): number {
    let removed = 0;
    for (const session of source.former) {
      if (which(session)) removed += this.#removeSession(session, family);
    }
    source.former = source.former.filter(hasRoutes);
    this.#sources.leave(source);
    return removed;
  }

  beginLongLived(key: string, family: Family): number {
    const source = this.#sources.byKey(key);
    let removed = 0;
    for (const session of source?.former ?? []) {
      if (session.stale) removed += this.#becomeLongLived(session, this.#tables[family]);
    }
    return removed;
  }

  #becomeLongLived(session: Session, table: FamilyTable): number {
    const { adjRibIn, prefixes } = table;
    let removed = 0;
    forgetPaths(session, false);
    for (let id = 1; id < prefixes.end; id++) {
      for (const number of adjRibIn.numbersOf(id, session.source.index)) {
        const path = this.#paths.at(number);
        if (path.session !== session) continue;
        if (path.received.attributes.communities?.includes(WellKnownCommunity.noLlgr) === true) {
          removed += adjRibIn.removePath(id, number);
        } else {
          this.#exchange(table, id, number, session, this.#blocks.longLived(path.received));
        }
      }
    }
    return removed;
  }

  beginRefresh(peer: PeerIndex, family: Family): void {
    const source = this.#sources.at(peer);
    const session = source?.session;
    if (source === undefined || session?.peer === undefined) return;
    // What it tells from here on is of a new session, of other families as well: their routes are not outdated by that.
    if (session.counts[family].received > 0) {
      source.session = newSession(source, session.peer);
      source.former = [...source.former, session];
    }
    for (const former of source.former) former.outdated[family] = true;
  }

  endRefresh(peer: PeerIndex, family: Family): number {
    const source = this.#sources.at(peer);
    if (source === undefined) return 0;
    return this.#removeFormer(source, family, ({ stale, outdated }) => !stale && outdated[family]);
  }

  setPolicies(peer: PeerIndex, policies: RibPolicies): void {
    const source = this.#sources.at(peer);
    const session = source?.session;
    if (source === undefined || session?.peer === undefined) return;
    this.#applyPolicies(source, policies);
    for (const table of Object.values(this.#tables)) table.move(session);
  }

  setStalePolicies(key: string, policies: RibPolicies): void {
    const source = this.#sources.byKey(key);
    if (source !== undefined && source.session === undefined) this.#applyPolicies(source, policies);
  }

  /** To all that a peer has told, also before a loss. */
  #applyPolicies(source: Source, policies: RibPolicies): void {
    const compiled = compilePolicy(policies.importPolicy, 'peers');
    for (const each of sessionsOf(source)) {
      if (each.peer === undefined) continue;
      each.importPolicy = compiled;
      const becomeOthers = changesPaths(each.peer, policies);
      each.peer = { ...each.peer, ...policies };
      forgetPaths(each, becomeOthers);
    }
    for (const table of Object.values(this.#tables)) this.#judgeImports(table, source.index);
  }

  /** What is left of the session before is reflected as the peer is now. */
  #setClient(stale: Session, routeReflectorClient: boolean): void {
    if (stale.peer === undefined || stale.peer.routeReflectorClient === routeReflectorClient) return;
    stale.peer = { ...stale.peer, routeReflectorClient };
    forgetPaths(stale, true);
    for (const table of Object.values(this.#tables)) this.#judgeImports(table, stale.source.index);
  }

  setClusterId(clusterId: Ipv4Address): void {
    const number = ipv4ToNumber(clusterId);
    if (number === this.#paths.clusterId) return;
    this.#paths.clusterId = number;
    for (const session of this.#sources.sessions()) {
      forgetPaths(session, true);
      for (const table of Object.values(this.#tables)) {
        if (session.counts[table.family].received > 0) this.#judgeImports(table, session.source.index);
        if (session === session.source.session) table.move(session);
      }
    }
  }

  #judgeImports(table: FamilyTable, source: number): void {
    for (let id = 1; id < table.prefixes.end; id++) {
      for (const number of table.adjRibIn.numbersOf(id, source)) {
        const { session, received } = this.#paths.at(number);
        this.#exchange(table, id, number, session, received);
      }
    }
  }

  /** In place of a path what the import policy makes of a block now. */
  #exchange(
    table: FamilyTable,
    id: number,
    number: number,
    session: Session,
    received: AttributeBlock,
  ): void {
    const { adjRibIn, prefixes, family } = table;
    const policy = policyForPath(session.importPolicy, () => this.#paths.factsOf(session, received));
    const detail = () => receivedDetail(session, received, prefixes.prefix(id), family, undecided);
    adjRibIn.exchange(id, number, this.#paths.of(session, received, rulingOn(policy, prefixes, id, detail)));
  }

  receivedCount(peer: PeerIndex, family: Family): number {
    const source = this.#sources.at(peer);
    if (source?.session === undefined) return 0;
    let count = 0;
    for (const { stale, counts } of sessionsOf(source)) if (!stale) count += counts[family].received;
    return count;
  }

  overuse(limits: SpeakerLimits): Overuse | undefined {
    const { attributeSets, attributeBytes } = this.#paths;
    let routes = 0;
    for (const { prefixes, adjRibIn } of Object.values(this.#tables)) {
      routes += prefixes.size + adjRibIn.furtherPaths;
    }
    const atMost = { routes, attributeSets, attributeBytes };
    return overuseOf(atMost, limits, () => this.#sources.sessions());
  }

  // -------------------------------------------------------------- routes

  receiveUpdates(peer: PeerIndex, buffer: Uint8Array, start: number, end: number): ReceivedUpdates {
    const session = this.#sources.at(peer)?.session;
    if (session === undefined || session === this.#own) return { outcome: ok, next: end };
    return this.#receiver.receive(session, buffer, start, end);
  }

  refresh(peer: PeerIndex, family: Family): void {
    const membership = this.#tables[family].memberships[peer];
    membership?.group.output.refresh(membership.member);
  }

  originate(routes: readonly OriginatedRoute[]): void {
    for (const route of routes) {
      const table = this.#tables[familyOf(route.prefix)];
      table.reserve(1);
      const path = this.#paths.of(this.#own, this.#blocks.make(ownAttributes(route)), accepted);
      one[0] = table.prefixes.add(route.prefix);
      table.adjRibIn.announce(one, 1, path);
    }
  }

  withdrawOriginated(prefixes: readonly Prefix[]): void {
    for (const prefix of prefixes) {
      const table = this.#tables[familyOf(prefix)];
      const id = table.prefixes.find(prefix);
      if (id !== 0) table.adjRibIn.remove(id, OWN_SOURCE);
    }
  }

  setNextHopStatus(nextHops: readonly NextHopStatus[]): void {
    const { changed, moved } = this.#nextHops.setStatus(nextHops);
    this.#judgePaths(changed);
    if (moved.size > 0 && this.#policiesAskInterfaces()) this.#renewPaths(moved);
  }

  #policiesAskInterfaces(): boolean {
    for (const { importPolicy } of this.#sources.sessions()) if (asksInterface(importPolicy)) return true;
    return Object.values(this.#tables).some(({ groups }) =>
      [...groups.values()].some(group => group.exports.asksInterface),
    );
  }

  /** Paths over these next hops are judged anew by every policy: other paths take their place. */
  #renewPaths(moved: ReadonlySet<NextHop>): void {
    for (const session of this.#sources.sessions()) {
      let any = false;
      for (const [received, path] of session.paths) {
        if (path.nextHop === undefined || !moved.has(path.nextHop)) continue;
        session.paths.delete(received);
        if (session.lastBlock === received) session.lastBlock = undefined;
        any = true;
      }
      if (!any) continue;
      for (const table of Object.values(this.#tables)) this.#judgeImports(table, session.source.index);
    }
  }

  setOwnAddresses(addresses: readonly IpAddress[]): void {
    this.#judgePaths(this.#nextHops.setOwn(addresses));
  }

  #judgePaths(changed: ReadonlySet<NextHop>): void {
    if (changed.size === 0) return;
    const affected = new Uint8Array(this.#paths.usable.length);
    let any = false;
    for (const path of this.#paths.all()) {
      if (path.nextHop === undefined || !changed.has(path.nextHop)) continue;
      this.#paths.judge(path);
      affected[path.number] = 1;
      any = true;
    }
    if (!any) return;
    for (const { adjRibIn, prefixes } of Object.values(this.#tables)) {
      adjRibIn.markAffected(affected, prefixes.end);
    }
  }

  takeWatchedNextHops(): readonly IpAddress[] | undefined {
    return this.#nextHops.takeWatched();
  }

  // -------------------------------------------------------------- decision and output

  holdSelection(family: Family, held: boolean): void {
    this.#tables[family].hold(held);
  }

  get dirty(): boolean {
    return this.#tables['ipv4-unicast'].needsFlush || this.#tables['ipv6-unicast'].needsFlush;
  }

  flush(): void {
    const ipv4 = this.#tables['ipv4-unicast'];
    const ipv6 = this.#tables['ipv6-unicast'];
    ipv4.flush();
    ipv6.flush();
    // The quiet point: what no Adj-RIB-In holds now is not selected, not exported and not a source of anything.
    if (!ipv4.quiet || !ipv6.quiet) return;
    this.#paths.release(this.#forgetPath);
    this.#sources.release();
  }

  readonly #forgetPath = (path: Path): void => {
    for (const family of families) {
      for (const group of this.#tables[family].groups.values()) group.blocks.forget(path);
    }
  };

  takeOutput(peer: PeerIndex): Uint8Array | undefined {
    return this.#takeFrom('ipv4-unicast', peer) ?? this.#takeFrom('ipv6-unicast', peer);
  }

  #takeFrom(family: Family, peer: PeerIndex): Uint8Array | undefined {
    const table = this.#tables[family];
    const membership = table.memberships[peer];
    return membership?.group.output.take(membership.member, table.flushes);
  }

  refreshSent(peer: PeerIndex, family: Family): boolean {
    return this.#tables[family].memberships[peer]?.member.refreshing !== true;
  }

  hasOutput(peer: PeerIndex): boolean {
    return this.#mayTakeFrom('ipv4-unicast', peer) || this.#mayTakeFrom('ipv6-unicast', peer);
  }

  #mayTakeFrom(family: Family, peer: PeerIndex): boolean {
    const membership = this.#tables[family].memberships[peer];
    return membership?.group.output.mayTake(membership.member) ?? false;
  }

  initialTableSent(peer: PeerIndex, family: Family): boolean {
    return this.#tables[family].memberships[peer]?.member.initialTableSent ?? true;
  }

  lacksNextHops(peer: PeerIndex, family: Family): boolean {
    return this.#tables[family].lacksNextHops(peer);
  }

  takeBestRoutes(family: Family, restart: boolean): BestRouteBatch | undefined {
    const table = this.#tables[family];
    return table.feed.take(table.locRib.selected, restart, id => table.offerFree(id));
  }

  // -------------------------------------------------------------- queries

  counts(key: string): ReturnType<Rib['counts']> {
    const source = this.#sources.byKey(key);
    const sum = { received: 0, accepted: 0, advertised: 0, stale: 0 };
    if (source === undefined) return sum;
    for (const family of families) {
      const membership = this.#tables[family].memberships[source.index];
      for (const { stale, counts } of sessionsOf(source)) {
        sum.received += counts[family].received;
        sum.accepted += counts[family].accepted;
        if (stale) sum.stale += counts[family].received;
      }
      sum.advertised += membership?.group.toldCount(membership.member) ?? 0;
    }
    return sum;
  }

  dependence(going: GoingPeers): readonly RouteDependence[] {
    // A prefix whose best path has just been replaced has none until it is decided.
    this.flush();
    return dependenceOn(going, Object.values(this.#tables), this.#paths);
  }

  bestCount(family: Family): number {
    const { locRib, prefixes } = this.#tables[family];
    let count = 0;
    for (let id = 1; id < prefixes.end; id++) if (locRib.selected[id] !== 0) count++;
    return count;
  }

  sources(): readonly RibPeer[] {
    return this.#sources.peers();
  }

  walk(family: Family, from: number, limit: number, visit: Parameters<Rib['walk']>[3]): number | undefined {
    return walkPaths(this.#tables[family], from, limit, visit);
  }

  watch(watcher: Parameters<Rib['watch']>[0]): () => void {
    this.#watchers.add(watcher);
    this.#heedWatchers();
    return () => {
      this.#watchers.delete(watcher);
      this.#heedWatchers();
    };
  }

  /** Nothing is paid while there is none. */
  #heedWatchers(): void {
    for (const table of Object.values(this.#tables)) {
      const tell = (ids: Int32Array, count: number) => {
        for (const watcher of this.#watchers)
          watcher(table.family, visit => visitPrefixes(table, ids, count, visit));
      };
      table.decided = this.#watchers.size === 0 ? undefined : tell;
    }
  }

  routes(query: Parameters<Rib['routes']>[0]): RoutePage {
    // A prefix whose best path has just been replaced has none until it is decided.
    this.flush();
    return queryRoutes(this.#tables[query.family], this.#paths, this.#sources, query);
  }
}

/** Whether paths become others by more than what the import policy says of them. */
function changesPaths(before: RibPolicies, after: RibPolicies): boolean {
  return (['routeReflectorClient', 'ownAsnsAllowed', 'honourGracefulShutdown'] as const).some(
    key => before[key] !== after[key],
  );
}

/** The next path of the session is looked up, or made anew where it would be another one now. */
function forgetPaths(session: Session, all: boolean): void {
  session.lastBlock = undefined;
  session.lastPath = undefined;
  if (all) session.paths.clear();
}

function hasRoutes({ counts }: Session): boolean {
  return families.some(family => counts[family].received > 0);
}

/** RFC 4271 section 5.1: what a route of ours carries before it is exported. */
function ownAttributes(route: OriginatedRoute): PathAttributes {
  const { nextHop, communities, largeCommunities, localPref, med } = route;
  return {
    origin: Origin.igp,
    asPath: [],
    ...(nextHop === undefined ? {} : carriedNextHop(nextHop)),
    ...(med === undefined ? {} : { multiExitDisc: med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities.length === 0 ? {} : { communities }),
    ...(largeCommunities.length === 0 ? {} : { largeCommunities }),
  };
}

function carriedNextHop(nextHop: IpAddress): PathAttributes {
  if (addressFamily(nextHop) === 'ipv4') return { nextHop: ipv4ToNumber(nextHop as Ipv4Address) };
  const nlri = new Uint8Array(0);
  return { mpReach: { afi: Afi.ipv6, safi: Safi.unicast, nextHop: addressToBytes(nextHop), nlri } };
}
