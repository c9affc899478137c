/**
 * How far each peer of an update group has been told: a shared log with a cursor per peer.
 *
 * A peer that joins first reads a snapshot of the whole table, made when it first takes output and shared by all who join before
 * the next change; then the log from where the snapshot was made. (An older snapshot plus the log since would tell it of routes
 * that are gone.) A peer that falls behind by more than the limit leaves the log: the prefixes it has not read are noted instead
 * of the bytes, those that change meanwhile are added, and when its socket takes more it is told the state they have then,
 * withdrawals included. Once it has caught up it is back on the log.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { Audiences } from './audience.js';
import { isFor, OutLog, type Segment } from './out-log.js';
import { PendingPrefixes } from './pending-prefixes.js';

export interface Member {
  readonly source: number;
  readonly address: IpAddress;
  state: 'waiting' | 'snapshot' | 'log' | 'pending';
  /** The flush that has to come before the first table: it decides what was known when the peer came. */
  readonly startsAfter: number;
  /** In the log; while a snapshot is read, where it goes on. */
  cursor: number;
  snapshot: Snapshot | undefined;
  snapshotCursor: number;
  pending: PendingPrefixes | undefined;
  /** What has been packed for this peer alone. */
  readonly own: OutLog;
  ownCursor: number;
  initialTableSent: boolean;
  /** Everything is being told again ({@link GroupOutput.refresh}). */
  refreshing: boolean;
  /** With ADD-PATH: the highest path identifier that it may have been told by another group; 0 without. */
  highestPathId: number;
}

interface Snapshot {
  readonly log: OutLog;
  readonly position: number;
}

/** What the output needs of its group. */
export interface OutputSource {
  packTable(into: OutLog): void;
  /** The present state of up to some hundred pending prefixes of a member. */
  packPending(member: Member, into: OutLog): void;
  /** Every prefix that the group has told. */
  collectTable(into: PendingPrefixes): void;
  /** The prefixes that a segment speaks of. */
  collectPrefixes(segment: Segment, into: PendingPrefixes): void;
}

/** How many different snapshots slow peers may keep alive. */
const MAX_SNAPSHOTS = 3;

export class GroupOutput {
  readonly log: OutLog;
  readonly members = new Set<Member>();
  /** Those that left the log. */
  readonly behind = new Set<Member>();
  readonly #group: OutputSource;
  readonly #audiences: Audiences;
  readonly #limit: number;
  #snapshot: Snapshot | undefined;

  constructor(group: OutputSource, audiences: Audiences, limitBytes: number) {
    this.#group = group;
    this.#audiences = audiences;
    this.log = new OutLog(audiences);
    this.#limit = limitBytes;
  }

  join(source: number, address: IpAddress, startsAfter: number): Member {
    const member: Member = {
      source,
      address,
      state: 'waiting',
      startsAfter,
      cursor: 0,
      snapshot: undefined,
      snapshotCursor: 0,
      pending: undefined,
      own: new OutLog(this.#audiences),
      ownCursor: 0,
      initialTableSent: false,
      refreshing: false,
      highestPathId: 0,
    };
    this.members.add(member);
    return member;
  }

  /** A peer that was told other things before: `pending` is where its knowledge may differ from this group's. */
  joinBehind(
    source: number,
    address: IpAddress,
    pending: PendingPrefixes,
    initialTableSent: boolean,
  ): Member {
    const member = this.join(source, address, 0);
    member.state = 'pending';
    member.pending = pending;
    member.initialTableSent = initialTableSent;
    this.behind.add(member);
    return member;
  }

  leave(member: Member): void {
    this.members.delete(member);
    this.behind.delete(member);
    this.#trim();
  }

  /** The next bytes for a member, after flush number `flushes`. */
  take(member: Member, flushes: number): Uint8Array | undefined {
    if (member.state === 'waiting') {
      if (flushes < member.startsAfter) return undefined;
      this.#startSnapshot(member);
    }
    if (member.state === 'snapshot') {
      const { log } = member.snapshot!;
      const bytes = log.read(member.snapshotCursor, member);
      member.snapshotCursor = log.reached;
      if (bytes !== undefined) return bytes;
      this.#toLog(member, member.cursor);
    }
    if (member.state === 'pending') return this.#takePending(member);
    const bytes = this.log.read(member.cursor, member);
    member.cursor = this.log.reached;
    return bytes;
  }

  /** False for one that has read the log to its end. */
  mayTake(member: Member): boolean {
    return member.state !== 'log' || member.cursor !== this.log.end;
  }

  /** Tells a member everything again; it knows the table up to its cursor. */
  refresh(member: Member): void {
    member.refreshing = true;
    if (member.state === 'log' && member.cursor === this.log.end) {
      this.#startSnapshot(member);
    } else if (member.state !== 'waiting') {
      if (member.state !== 'pending') this.#leaveLog(member);
      this.#group.collectTable(member.pending!);
    }
  }

  #startSnapshot(member: Member): void {
    member.snapshot = this.#currentSnapshot();
    member.snapshotCursor = member.snapshot.log.base;
    member.cursor = member.snapshot.position;
    member.state = 'snapshot';
  }

  #takePending(member: Member): Uint8Array | undefined {
    for (;;) {
      const bytes = member.own.read(member.ownCursor, member);
      member.ownCursor = member.own.reached;
      member.own.trim(member.ownCursor);
      if (bytes !== undefined) return bytes;
      if (member.pending!.size === 0) break;
      this.#group.packPending(member, member.own);
    }
    // Every change since it left the log is told or was pending: the end of the log is where it stands.
    this.#toLog(member, this.log.end);
    return undefined;
  }

  #toLog(member: Member, cursor: number): void {
    member.state = 'log';
    member.cursor = cursor;
    member.snapshot = undefined;
    member.pending = undefined;
    member.initialTableSent = true;
    member.refreshing = false;
    this.behind.delete(member);
  }

  #currentSnapshot(): Snapshot {
    if (this.#snapshot?.position === this.log.end) return this.#snapshot;
    const snapshot = { log: new OutLog(this.#audiences), position: this.log.end };
    this.#group.packTable(snapshot.log);
    this.#snapshot = snapshot;
    this.#limitSnapshots();
    return snapshot;
  }

  #limitSnapshots(): void {
    const alive = new Set<Snapshot>();
    for (const { snapshot } of this.members) if (snapshot !== undefined) alive.add(snapshot);
    if (alive.size < MAX_SNAPSHOTS) return;
    const oldest = Math.min(...[...alive].map(({ position }) => position));
    for (const member of this.members) if (member.snapshot?.position === oldest) this.#leaveLog(member);
  }

  /**
   * After a flush that added `latestBytes`: drops what all have read, and lets go of those that read too slowly. The latest flush
   * does not count against anyone: nobody could have read it.
   */
  settle(latestBytes: number): void {
    if (this.#snapshot !== undefined && this.#snapshot.position !== this.log.end) this.#snapshot = undefined;
    this.#trim();
    while (this.log.bytes - latestBytes > this.#limit) {
      for (const member of this.members) {
        if (this.#reads(member) && member.cursor === this.log.base) this.#leaveLog(member);
      }
      this.#trim();
    }
  }

  #reads(member: Member): boolean {
    return member.state === 'snapshot' || member.state === 'log';
  }

  #trim(): void {
    let lowest = this.log.end;
    for (const member of this.members) {
      if (this.#reads(member) && member.cursor < lowest) lowest = member.cursor;
    }
    this.log.trim(lowest);
  }

  #leaveLog(member: Member): void {
    member.pending = this.unread(member);
    member.snapshot = undefined;
    member.state = 'pending';
    this.behind.add(member);
  }

  /** The prefixes whose state this member may not know. */
  unread(member: Member): PendingPrefixes {
    if (member.pending !== undefined) {
      this.#collect(member.own, member.ownCursor, member, member.pending);
      return member.pending;
    }
    const pending = new PendingPrefixes();
    if (member.snapshot !== undefined) {
      this.#collect(member.snapshot.log, member.snapshotCursor, member, pending);
    }
    if (this.#reads(member)) this.#collect(this.log, member.cursor, member, pending);
    return pending;
  }

  #collect(log: OutLog, from: number, member: Member, into: PendingPrefixes): void {
    for (let number = from; number < log.end; number++) {
      const segment = log.segment(number);
      if (isFor(segment, member)) this.#group.collectPrefixes(segment, into);
    }
  }

  /** What was told of the prefix has changed: those behind are to hear of it. */
  note(id: number): void {
    for (const { pending } of this.behind) pending!.add(id);
  }

  /** Whether the id must not be given to another prefix yet. */
  holds(id: number): boolean {
    for (const { pending } of this.behind) if (pending!.has(id)) return true;
    return false;
  }
}
