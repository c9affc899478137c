/**
 * Packed UPDATEs in order, each stretch of them with who may read it. One log serves all peers of an update group: each has a
 * cursor, and what the last of them has read is dropped.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { type Audience, type Audiences, EVERYONE, leavesOut } from './audience.js';

export interface Segment {
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Those whom this audience leaves out are not given the segment. */
  readonly except: Audience;
  /** If there is one: only those whom this audience leaves out are given the segment. */
  readonly only: Audience | undefined;
}

/** Who reads. */
export interface Reader {
  readonly source: number;
  readonly address: IpAddress;
}

/** Octets of a chunk; `except` and `only` by number, -1 for no `only`. */
export interface NewSegment {
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly except: number;
  readonly only: number;
}

export class OutLog {
  readonly #audiences: Audiences;
  #segments: Segment[] = [];
  /** Number of the first retained segment. */
  base = 0;
  bytes = 0;
  /** The last view made, for the next reader of the same stretch. */
  #sharedStart = -1;
  #sharedEnd = -1;
  #shared: Uint8Array | undefined;

  constructor(audiences: Audiences) {
    this.#audiences = audiences;
  }

  /** Number of the next segment. */
  get end(): number {
    return this.base + this.#segments.length;
  }

  append({ chunk, start, end, except, only }: NewSegment): void {
    const audiences = this.#audiences;
    const whom = { except: audiences.at(except), only: only < 0 ? undefined : audiences.at(only) };
    this.#segments.push({ chunk, start, end, ...whom });
    this.bytes += end - start;
  }

  segment(number: number): Segment {
    return this.#segments[number - this.base]!;
  }

  /** Drops the segments before `number`. */
  trim(number: number): void {
    const count = number - this.base;
    if (count <= 0) return;
    for (let i = 0; i < count; i++) this.bytes -= this.#segments[i]!.end - this.#segments[i]!.start;
    if (count === this.#segments.length) this.#segments = [];
    else this.#segments.splice(0, count);
    this.base = number;
    this.#shared = undefined;
    this.#sharedStart = -1;
  }

  /**
   * The next stretch for a reader at `cursor`: as many segments as lie in one piece. `cursor` afterwards is `this.reached`.
   */
  read(cursor: number, reader: Reader): Uint8Array | undefined {
    const { end } = this;
    let from = cursor;
    while (from < end && !isFor(this.segment(from), reader)) from++;
    if (from === end) {
      this.reached = end;
      return undefined;
    }
    const first = this.segment(from);
    let to = from + 1;
    let bytesEnd = first.end;
    for (; to < end; to++) {
      const next = this.segment(to);
      if (next.chunk !== first.chunk || next.start !== bytesEnd || !isFor(next, reader)) break;
      bytesEnd = next.end;
    }
    this.reached = to;
    if (this.#sharedStart !== from || this.#sharedEnd !== to || this.#shared === undefined) {
      this.#shared = first.chunk.subarray(first.start, bytesEnd);
      this.#sharedStart = from;
      this.#sharedEnd = to;
    }
    return this.#shared;
  }

  reached = 0;
}

export function isFor({ except, only }: Segment, { source, address }: Reader): boolean {
  if (except.number === EVERYONE && only === undefined) return true;
  if (leavesOut(except, source, address)) return false;
  return only === undefined || leavesOut(only, source, address);
}
