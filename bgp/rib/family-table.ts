/**
 * All of one family: its prefixes and, by their ids, Adj-RIBs-In, Loc-RIB, update groups and the best-route feed; and the order
 * in which a change goes through them. Families know nothing of each other.
 *
 * An id is free again when nothing is left that may speak of its prefix: no path, no decision to be made, no peer and no consumer
 * that has still to be told (`offerFree`).
 */
import type { Family } from '../family.js';
import { AddPathGroup } from './add-path-group.js';
import { AdjRibIn } from './adj-rib-in.js';
import type { Audiences } from './audience.js';
import { BestRouteFeed } from './best-route-feed.js';
import type { RibPeer } from './contract.js';
import { DirtyPrefixes } from './dirty-prefixes.js';
import type { ExportGroup } from './export-group.js';
import { exportViewOf } from './export-view.js';
import type { Member } from './group-output.js';
import { Ipv4Prefixes } from './ipv4-prefixes.js';
import { Ipv6Prefixes } from './ipv6-prefixes.js';
import { LocRib } from './loc-rib.js';
import type { OutBuffer } from './out-buffer.js';
import { OutRuns } from './out-runs.js';
import type { PathStore } from './path-store.js';
import type { PendingPrefixes } from './pending-prefixes.js';
import { compilePolicy, type PolicyNames } from './policy.js';
import type { PrefixTable } from './prefix-table.js';
import { detailOf } from './route-detail.js';
import { OWN_SOURCE, type Session } from './sources.js';
import { type GroupContext, UpdateGroup } from './update-group.js';
import { UpdatePacker } from './update-packer.js';

export interface Membership {
  readonly group: ExportGroup;
  readonly member: Member;
}

export class FamilyTable {
  readonly family: Family;
  readonly prefixes: PrefixTable;
  readonly dirty = new DirtyPrefixes();
  /** While selection is held: what peers told, to be decided on release. */
  readonly #deferred = new DirtyPrefixes();
  readonly adjRibIn: AdjRibIn;
  readonly locRib: LocRib;
  readonly feed: BestRouteFeed;
  readonly groups = new Map<string, ExportGroup>();
  /** By source. */
  readonly memberships: (Membership | undefined)[] = [];
  /** RFC 4724 section 4.1: learned routes are stored, none is selected. */
  held = false;
  flushes = 0;
  /** Hears of `ids[0, count)` when they have been decided. Undefined: nobody listens. */
  decided: ((ids: Int32Array, count: number) => void) | undefined;
  /** A peer waits for a flush though nothing may be dirty. */
  #flushWanted = false;
  /** By group, as of a flush: see {@link lacksNextHops}. */
  readonly #lacks = new WeakMap<
    ExportGroup,
    { readonly flushes: number; readonly sources: readonly number[] }
  >();
  readonly #context: GroupContext;
  readonly #policyNames: PolicyNames;

  constructor(
    family: Family,
    paths: PathStore,
    audiences: Audiences,
    buffer: OutBuffer,
    policyNames: PolicyNames,
    logLimitBytes: number,
  ) {
    this.family = family;
    this.prefixes = family === 'ipv4-unicast' ? new Ipv4Prefixes() : new Ipv6Prefixes();
    this.adjRibIn = new AdjRibIn(family, paths, this.dirty);
    this.locRib = new LocRib(paths, this.adjRibIn);
    this.feed = new BestRouteFeed(this.prefixes, paths);
    this.#policyNames = policyNames;
    this.#context = {
      prefixes: this.prefixes,
      paths,
      audiences,
      packer: new UpdatePacker(this.prefixes, buffer),
      buffer,
      adjRibIn: this.adjRibIn,
      announces: new OutRuns(),
      withdraws: new OutRuns(),
      logLimitBytes,
      detail: (path, id) => {
        const verdict = { best: true, usable: true, reason: '' };
        return detailOf(path, this.prefixes.prefix(id), family, verdict);
      },
      reserve: count => this.reserve(count),
      offerFree: id => this.offerFree(id),
    };
  }

  /** Room for `count` more prefixes in every column. Columns held in local variables are outdated afterwards. */
  reserve(count: number): void {
    if (!this.prefixes.reserve(count)) return;
    const { capacity } = this.prefixes;
    this.dirty.fit(capacity);
    this.#deferred.fit(capacity);
    this.adjRibIn.fit(capacity);
    this.locRib.fit(capacity);
    for (const group of this.groups.values()) group.fit(capacity);
  }

  get needsFlush(): boolean {
    return this.dirty.count > 0 || this.#flushWanted;
  }

  /** Nothing waits for a decision. */
  get quiet(): boolean {
    return this.dirty.count === 0 && this.#deferred.count === 0;
  }

  /**
   * While held, only our own routes are selected: they depend on no peer, and the sooner they are announced again the less a peer has
   * to keep as stale.
   */
  hold(held: boolean): void {
    this.held = held;
    this.#flushWanted = true;
    if (held) return;
    const { list, count, marks } = this.#deferred;
    for (let i = 0; i < count; i++) {
      const id = list[i]!;
      marks[id] = 0;
      if (this.prefixes.has(id)) this.dirty.add(id);
    }
    this.#deferred.count = 0;
  }

  /** Sets aside what was learned, until selection is released. */
  #deferLearned(): void {
    const { list, marks, count } = this.dirty;
    let own = 0;
    for (let i = 0; i < count; i++) {
      const id = list[i]!;
      if (this.adjRibIn.has(id, OWN_SOURCE) || this.locRib.selected[id] !== 0) {
        list[own++] = id;
      } else {
        marks[id] = 0;
        this.#deferred.add(id);
      }
    }
    this.dirty.count = own;
  }

  /** Decides and tells. */
  flush(): void {
    if (!this.needsFlush) return;
    this.#flushWanted = false;
    this.flushes++;
    if (this.held) this.#deferLearned();
    const { locRib } = this;
    const { list, count } = this.dirty;
    locRib.decide(this.dirty);
    const { changed, changedCount, selected } = locRib;
    if (changedCount > 0) this.feed.note(changed, changedCount);
    for (const group of this.groups.values()) {
      // Who is told several paths hears of changes among those that were not selected, too.
      if (group.view.paths > 0) group.update(list, count, selected);
      else if (changedCount > 0) group.update(changed, changedCount, selected);
    }
    if (count > 0) this.decided?.(list, count);
    this.#freeEmpty();
  }

  /** Prefixes that the decision found without any path. */
  #freeEmpty(): void {
    const { empty, emptyCount } = this.locRib;
    let free = !this.feed.holdsAny;
    for (const { output } of this.groups.values()) if (output.behind.size > 0) free = false;
    for (let i = 0; i < emptyCount; i++) {
      if (free && this.#deferred.marks[empty[i]!] === 0) this.prefixes.remove(empty[i]!);
      else this.offerFree(empty[i]!);
    }
  }

  offerFree(id: number): void {
    if (!this.prefixes.has(id) || this.adjRibIn.first[id] !== 0 || this.dirty.marks[id] !== 0) return;
    if (this.#deferred.marks[id] !== 0) return;
    if (this.feed.holds(id)) return;
    for (const { output } of this.groups.values()) if (output.behind.size > 0 && output.holds(id)) return;
    this.prefixes.remove(id);
  }

  /** A session that carries this family gets its output from the group with its view. */
  join(session: Session): void {
    const group = this.#groupFor(session.peer!);
    const undecided = this.dirty.count > 0;
    const { source, peer } = session;
    const member = group.output.join(
      source.index,
      peer!.address,
      undecided ? this.flushes + 1 : this.flushes,
    );
    this.memberships[source.index] = { group, member };
  }

  leave(source: number): void {
    const membership = this.memberships[source];
    if (membership === undefined) return;
    this.memberships[source] = undefined;
    this.#part(membership);
  }

  #part({ group, member }: Membership): void {
    group.output.leave(member);
    if (group.output.members.size === 0) {
      this.groups.delete(group.key);
      group.blocks.close();
    }
    this.#releasePending(member.pending);
  }

  #releasePending(pending: PendingPrefixes | undefined): void {
    if (pending === undefined) return;
    const ids = new Int32Array(pending.size);
    pending.take(ids, ids.length);
    for (const id of ids) this.offerFree(id);
  }

  /** Its policies have changed: the peer moves to the group that has them and is told the difference. */
  move(session: Session): void {
    const { index } = session.source;
    const from = this.memberships[index];
    if (from === undefined) return;
    const group = this.#groupFor(session.peer!);
    if (group === from.group) return;
    const { address, state, startsAfter, initialTableSent } = from.member;
    if (state === 'waiting') {
      this.memberships[index] = { group, member: group.output.join(index, address, startsAfter) };
    } else {
      const pending = from.group.output.unread(from.member);
      for (let id = 1; id < this.prefixes.end; id++) {
        if (group.differs(id, from.group, from.member)) pending.add(id);
      }
      from.member.pending = undefined;
      const member = group.output.joinBehind(index, address, pending, initialTableSent);
      member.refreshing = from.member.refreshing;
      if (from.group instanceof AddPathGroup) member.highestPathId = from.group.highestPathId(from.member);
      this.memberships[index] = { group, member };
    }
    this.#part(from);
  }

  /** Whether a peer is not told of routes, others than its own, for want of a next hop. */
  lacksNextHops(source: number): boolean {
    const group = this.memberships[source]?.group;
    if (group === undefined || !group.blocks.mayLackNextHops) return false;
    let lack = this.#lacks.get(group);
    if (lack?.flushes !== this.flushes) {
      lack = { flushes: this.flushes, sources: this.#sourcesWithoutNextHop(group) };
      this.#lacks.set(group, lack);
    }
    return lack.sources.some(each => each !== source);
  }

  /** Of routes that are not told for want of a next hop: one, or two of them if there are more. */
  #sourcesWithoutNextHop({ exports }: ExportGroup): readonly number[] {
    const found = new Set<number>();
    for (let id = 1; id < this.prefixes.end && found.size < 2; id++) {
      const number = this.locRib.selected[id]!;
      if (number !== 0 && exports.lacksNextHop(number, id)) found.add(this.#context.paths.sources[number]!);
    }
    return [...found];
  }

  #groupFor(peer: RibPeer): ExportGroup {
    const { exportPolicy } = peer;
    const view = exportViewOf(peer, this.family, this.#context.paths.clusterId);
    const key = `${JSON.stringify(view)} ${this.#policyNames.nameOf(exportPolicy)}`;
    let group = this.groups.get(key);
    if (group === undefined) {
      const policies = {
        local: compilePolicy(exportPolicy, 'local'),
        peers: compilePolicy(exportPolicy, 'peers'),
      };
      const Group = view.paths > 0 ? AddPathGroup : UpdateGroup;
      group = new Group(key, view, policies, this.#context);
      this.groups.set(key, group);
      group.fill(this.locRib.selected);
    }
    return group;
  }
}
