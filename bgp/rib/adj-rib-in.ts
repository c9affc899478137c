/**
 * Adj-RIBs-In (RFC 4271 section 3.2) of all sources in one structure: by prefix the list of its paths. The first stands in a
 * column, further ones in a pool, because most prefixes have one path. A source has at most one path per prefix, or with ADD-PATH
 * one per path identifier (RFC 7911 section 3); those refused by policy or loop checks are kept, unusable, so that they can be shown
 * and judged again.
 *
 * Path identifiers stand in columns of their own, made when the first one comes: no other session pays for them. All paths of a source
 * in a family have one, or none has; a path number may stand twice in a prefix, under two identifiers.
 *
 * Whatever changes marks its prefix dirty: the decision is `LocRib`'s and comes later. Hot path.
 */
import type { Family } from '../family.js';
import type { DirtyPrefixes } from './dirty-prefixes.js';
import type { Path, PathStore } from './path-store.js';
import { grownInt32, initialCapacity } from './prefix-table.js';
import type { Session } from './sources.js';

/** Of one source: the list is gone through for each of them. */
export const MAX_PATHS_PER_PREFIX = 256;

export class AdjRibIn {
  readonly #family: Family;
  readonly #paths: PathStore;
  readonly #dirty: DirtyPrefixes;
  /** First path of a prefix, 0 for none, and where the further ones begin in the pool. */
  first = new Int32Array(initialCapacity);
  next = new Int32Array(initialCapacity);
  #poolPath = new Int32Array(1024);
  #poolNext = new Int32Array(1024);
  #poolEnd = 1;
  #poolFree = 0;
  /** Of the first paths and of those in the pool; 0 for paths without one. */
  #firstPathId: Int32Array | undefined;
  #poolPathId = new Int32Array(0);

  constructor(family: Family, paths: PathStore, dirty: DirtyPrefixes) {
    this.#family = family;
    this.#paths = paths;
    this.#dirty = dirty;
  }

  /** Paths that are not the first of their prefix, at most. */
  get furtherPaths(): number {
    return this.#poolEnd - 1;
  }

  fit(capacity: number): void {
    this.first = grownInt32(this.first, capacity);
    this.next = grownInt32(this.next, capacity);
    if (this.#firstPathId !== undefined) this.#firstPathId = grownInt32(this.#firstPathId, capacity);
  }

  /** Whether a prefix may have the same path under two identifiers. */
  get hasPathIds(): boolean {
    return this.#firstPathId !== undefined;
  }

  /** The session announces `ids[0, count)` with `path`. */
  announce(ids: Int32Array, count: number, path: Path): void {
    const { first, next } = this;
    const { sources } = this.#paths;
    const { marks, list } = this.#dirty;
    const source = path.session.source.index;
    const number = path.number;
    let dirtyCount = this.#dirty.count;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const head = first[id]!;
      if (head === number) continue;
      if (head === 0) {
        first[id] = number;
      } else if (sources[head] === source) {
        first[id] = number;
        this.#drop(head);
      } else if (!this.#announceFurther(id, next[id]!, number, source)) {
        continue;
      }
      taken++;
      if (marks[id] === 0) {
        marks[id] = 1;
        list[dirtyCount++] = id;
      }
    }
    this.#dirty.count = dirtyCount;
    path.references += taken;
    const counts = path.session.counts[this.#family];
    counts.received += taken;
    if (path.refusal === undefined) counts.accepted += taken;
  }

  #announceFurther(id: number, from: number, number: number, source: number): boolean {
    for (let at = from; at !== 0; at = this.#poolNext[at]!) {
      const known = this.#poolPath[at]!;
      if (known === number) return false;
      if (this.#paths.sources[known] !== source) continue;
      this.#poolPath[at] = number;
      this.#drop(known);
      return true;
    }
    const at = this.#allocate();
    this.#poolPath[at] = number;
    this.#poolNext[at] = from;
    this.next[id] = at;
    return true;
  }

  /** The source has no path for `ids[0, count)` any more. */
  withdraw(ids: Int32Array, count: number, source: number): void {
    for (let i = 0; i < count; i++) this.remove(ids[i]!, source);
  }

  /** True if the source had a path for this prefix. */
  remove(id: number, source: number): boolean {
    const { sources } = this.#paths;
    const head = this.first[id]!;
    if (head === 0) return false;
    if (sources[head] === source) {
      this.#removeFirst(id, head);
      return true;
    }
    for (let at = this.next[id]!, before = 0; at !== 0; before = at, at = this.#poolNext[at]!) {
      if (sources[this.#poolPath[at]!] !== source) continue;
      this.#removeFurther(id, at, before);
      return true;
    }
    return false;
  }

  #removeFirst(id: number, head: number): void {
    const further = this.next[id]!;
    this.#drop(head);
    if (further === 0) {
      this.first[id] = 0;
      if (this.#firstPathId !== undefined) this.#firstPathId[id] = 0;
    } else {
      this.first[id] = this.#poolPath[further]!;
      this.next[id] = this.#poolNext[further]!;
      if (this.#firstPathId !== undefined) this.#firstPathId[id] = this.#poolPathId[further]!;
      this.#release(further);
    }
    this.#dirty.add(id);
  }

  #removeFurther(id: number, at: number, before: number): void {
    this.#drop(this.#poolPath[at]!);
    if (before === 0) this.next[id] = this.#poolNext[at]!;
    else this.#poolNext[before] = this.#poolNext[at]!;
    this.#release(at);
    this.#dirty.add(id);
  }

  /** A path under a path identifier (RFC 7911 section 3). False, and nothing done, if the source has too many of the prefix. */
  announcePath(id: number, pathId: number, path: Path): boolean {
    const firstPathId = this.#makePathIds();
    const source = path.session.source.index;
    const { number } = path;
    const { sources } = this.#paths;
    const head = this.first[id]!;
    let known = 0;
    if (head !== 0 && sources[head] === source) {
      if (firstPathId[id] === pathId) {
        if (head === number) return true;
        this.first[id] = number;
        this.#drop(head);
        this.#take(id, path);
        return true;
      }
      known++;
    }
    for (let at = this.next[id]!; head !== 0 && at !== 0; at = this.#poolNext[at]!) {
      const other = this.#poolPath[at]!;
      if (sources[other] !== source) continue;
      if (this.#poolPathId[at] === pathId) {
        if (other === number) return true;
        this.#poolPath[at] = number;
        this.#drop(other);
        this.#take(id, path);
        return true;
      }
      known++;
    }
    if (known >= MAX_PATHS_PER_PREFIX) return false;
    if (head === 0) {
      this.first[id] = number;
      firstPathId[id] = pathId;
    } else {
      const at = this.#allocate();
      this.#poolPath[at] = number;
      this.#poolPathId[at] = pathId;
      this.#poolNext[at] = this.next[id]!;
      this.next[id] = at;
    }
    this.#take(id, path);
    return true;
  }

  #makePathIds(): Int32Array {
    if (this.#firstPathId === undefined) {
      this.#firstPathId = new Int32Array(this.first.length);
      this.#poolPathId = new Int32Array(this.#poolPath.length);
    }
    return this.#firstPathId;
  }

  #take(id: number, path: Path): void {
    path.references++;
    const counts = path.session.counts[this.#family];
    counts.received++;
    if (path.refusal === undefined) counts.accepted++;
    this.#dirty.add(id);
  }

  /** The source has no path under this identifier any more. */
  withdrawPath(id: number, pathId: number, source: number): void {
    const { sources } = this.#paths;
    const head = this.first[id]!;
    if (head === 0 || this.#firstPathId === undefined) return;
    if (sources[head] === source && this.#firstPathId[id] === pathId) {
      this.#removeFirst(id, head);
      return;
    }
    for (let at = this.next[id]!, before = 0; at !== 0; before = at, at = this.#poolNext[at]!) {
      if (sources[this.#poolPath[at]!] !== source || this.#poolPathId[at] !== pathId) continue;
      this.#removeFurther(id, at, before);
      return;
    }
  }

  /** `path` stands in the place of path number `before`, under whatever identifiers. */
  exchange(id: number, before: number, path: Path): void {
    if (before === path.number) return;
    if (this.first[id] === before) {
      this.first[id] = path.number;
      this.#drop(before);
      this.#take(id, path);
    }
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      if (this.#poolPath[at] !== before) continue;
      this.#poolPath[at] = path.number;
      this.#drop(before);
      this.#take(id, path);
    }
  }

  /** Removes the paths of one session among the ids below `end`. Returns how many. */
  removeSession(session: Session, end: number): number {
    const { received } = session.counts[this.#family];
    const source = session.source.index;
    const isOfSession = (number: number) => this.#paths.at(number).session === session;
    let removed = 0;
    for (let id = 1; id < end && removed < received; id++) {
      if (this.#firstPathId !== undefined) {
        removed += this.#removeAll(id, isOfSession);
        continue;
      }
      const number = this.find(id, source);
      if (number === 0 || this.#paths.at(number).session !== session) continue;
      this.remove(id, source);
      removed++;
    }
    return removed;
  }

  /** Removes a path number from a prefix, under whatever identifiers. Returns how many times it stood there. */
  removePath(id: number, number: number): number {
    return this.#removeAll(id, each => each === number);
  }

  #removeAll(id: number, which: (number: number) => boolean): number {
    const head = this.first[id]!;
    if (head === 0) return 0;
    let removed = 0;
    for (let at = this.next[id]!, before = 0; at !== 0; ) {
      const following = this.#poolNext[at]!;
      if (which(this.#poolPath[at]!)) {
        this.#removeFurther(id, at, before);
        removed++;
      } else {
        before = at;
      }
      at = following;
    }
    if (!which(head)) return removed;
    this.#removeFirst(id, head);
    return removed + 1;
  }

  /** The path of a source, or 0. */
  find(id: number, source: number): number {
    const { sources } = this.#paths;
    const head = this.first[id]!;
    if (head === 0 || sources[head] === source) return head;
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      if (sources[this.#poolPath[at]!] === source) return this.#poolPath[at]!;
    }
    return 0;
  }

  /** True if the source has a path to the prefix. */
  has(id: number, source: number): boolean {
    const { sources } = this.#paths;
    const head = this.first[id]!;
    if (head === 0) return false;
    if (sources[head] === source) return true;
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      if (sources[this.#poolPath[at]!] === source) return true;
    }
    return false;
  }

  /** All paths of a prefix into `into`; one that stands under two identifiers twice. */
  collect(id: number, into: Path[]): void {
    if (this.first[id] === 0) return;
    into.push(this.#paths.at(this.first[id]!));
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      into.push(this.#paths.at(this.#poolPath[at]!));
    }
  }

  /** The path identifiers of what `collect` gives, in the same order; `undefined` for paths without. Unsigned. */
  collectPathIds(id: number, into: (number | undefined)[]): void {
    const push = (number: number, pathId: number | undefined) => {
      const has = this.#paths.at(number).session.pathIds[this.#family];
      into.push(has && pathId !== undefined ? pathId >>> 0 : undefined);
    };
    if (this.first[id] === 0) return;
    push(this.first[id]!, this.#firstPathId?.[id]);
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      push(this.#poolPath[at]!, this.#poolPathId[at]);
    }
  }

  /** The numbers of a source's paths of a prefix, each once. */
  numbersOf(id: number, source: number): readonly number[] {
    const { sources } = this.#paths;
    const found: number[] = [];
    const note = (number: number) => {
      if (number !== 0 && sources[number] === source && !found.includes(number)) found.push(number);
    };
    if (this.first[id] === 0) return found;
    note(this.first[id]!);
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) note(this.#poolPath[at]!);
    return found;
  }

  /** Marks every prefix below `end` that has a path with a true entry in `affected`, by path number. */
  markAffected(affected: Uint8Array, end: number): void {
    for (let id = 1; id < end; id++) {
      let hit = affected[this.first[id]!]!;
      for (let at = this.next[id]!; at !== 0 && hit === 0; at = this.#poolNext[at]!) {
        hit = affected[this.#poolPath[at]!]!;
      }
      if (hit !== 0) this.#dirty.add(id);
    }
  }

  #drop(number: number): void {
    const path = this.#paths.at(number);
    const counts = path.session.counts[this.#family];
    counts.received--;
    if (path.refusal === undefined) counts.accepted--;
    this.#paths.drop(path);
  }

  #allocate(): number {
    const free = this.#poolFree;
    if (free !== 0) {
      this.#poolFree = this.#poolNext[free]!;
      return free;
    }
    if (this.#poolEnd === this.#poolPath.length) {
      this.#poolPath = grownInt32(this.#poolPath, 2 * this.#poolEnd);
      this.#poolNext = grownInt32(this.#poolNext, 2 * this.#poolEnd);
      if (this.#firstPathId !== undefined) this.#poolPathId = grownInt32(this.#poolPathId, 2 * this.#poolEnd);
    }
    return this.#poolEnd++;
  }

  #release(at: number): void {
    this.#poolNext[at] = this.#poolFree;
    this.#poolFree = at;
    if (this.#firstPathId !== undefined) this.#poolPathId[at] = 0;
  }
}
