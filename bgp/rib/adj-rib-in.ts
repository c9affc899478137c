/**
 * Adj-RIBs-In (RFC 4271 section 3.2) of all sources in one structure: by prefix the list of its paths. The first stands in a
 * column, further ones in a pool, because most prefixes have one path. A source has at most one path per prefix; those refused
 * by policy or loop checks are kept, unusable, so that they can be shown and judged again.
 *
 * Whatever changes marks its prefix dirty: the decision is `LocRib`'s and comes later. Hot path.
 */
import type { Family } from '../family.js';
import type { DirtyPrefixes } from './dirty-prefixes.js';
import type { Path, PathStore } from './path-store.js';
import { grownInt32, initialCapacity } from './prefix-table.js';
import type { Session } from './sources.js';

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
  }

  /** The session announces `ids[0, count)` with `path`. */
  announce(ids: Int32Array, count: number, path: Path): void {
    this.#dirty.reserve(count);
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
    const further = this.next[id]!;
    if (sources[head] === source) {
      this.#drop(head);
      if (further === 0) {
        this.first[id] = 0;
      } else {
        this.first[id] = this.#poolPath[further]!;
        this.next[id] = this.#poolNext[further]!;
        this.#release(further);
      }
      this.#dirty.add(id);
      return true;
    }
    for (let at = further, before = 0; at !== 0; before = at, at = this.#poolNext[at]!) {
      if (sources[this.#poolPath[at]!] !== source) continue;
      this.#drop(this.#poolPath[at]!);
      if (before === 0) this.next[id] = this.#poolNext[at]!;
      else this.#poolNext[before] = this.#poolNext[at]!;
      this.#release(at);
      this.#dirty.add(id);
      return true;
    }
    return false;
  }

  /** Removes the paths of one session among the ids below `end`. Returns how many. */
  removeSession(session: Session, end: number): number {
    const { received } = session.counts[this.#family];
    const source = session.source.index;
    let removed = 0;
    for (let id = 1; id < end && removed < received; id++) {
      const number = this.find(id, source);
      if (number === 0 || this.#paths.at(number).session !== session) continue;
      this.remove(id, source);
      removed++;
    }
    return removed;
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

  /** All paths of a prefix into `into`. */
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

  collect(id: number, into: Path[]): void {
    if (this.first[id] === 0) return;
    into.push(this.#paths.at(this.first[id]!));
    for (let at = this.next[id]!; at !== 0; at = this.#poolNext[at]!) {
      into.push(this.#paths.at(this.#poolPath[at]!));
    }
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
    }
    return this.#poolEnd++;
  }

  #release(at: number): void {
    this.#poolNext[at] = this.#poolFree;
    this.#poolFree = at;
  }
}
