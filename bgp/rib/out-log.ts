/**
 * Packed UPDATEs in order, each stretch of them with who may read it. One log serves all peers of an update group: each has a
 * cursor, and what the last of them has read is dropped.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { Audiences } from './audience.js';

export interface Segment {
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Those whom this audience leaves out are not given the segment. */
  readonly except: number;
  /** If not -1: only those whom this audience leaves out are given the segment. */
  readonly only: number;
}

/** Who reads. */
export interface Reader {
  readonly source: number;
  readonly address: IpAddress;
}

export class OutLog {
  #segments: Segment[] = [];
  /** Number of the first retained segment. */
  base = 0;
  bytes = 0;
  /** The last view made, for the next reader of the same stretch. */
  #sharedStart = -1;
  #sharedEnd = -1;
  #shared: Uint8Array | undefined;

  /** Number of the next segment. */
  get end(): number {
    return this.base + this.#segments.length;
  }

  append(segment: Segment): void {
    this.#segments.push(segment);
    this.bytes += segment.end - segment.start;
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
  read(cursor: number, reader: Reader, audiences: Audiences): Uint8Array | undefined {
    const { end } = this;
    let from = cursor;
    while (from < end && !isFor(this.segment(from), reader, audiences)) from++;
    if (from === end) {
      this.reached = end;
      return undefined;
    }
    const first = this.segment(from);
    let to = from + 1;
    let bytesEnd = first.end;
    for (; to < end; to++) {
      const next = this.segment(to);
      if (next.chunk !== first.chunk || next.start !== bytesEnd || !isFor(next, reader, audiences)) break;
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

export function isFor(segment: Segment, reader: Reader, audiences: Audiences): boolean {
  if (segment.except === 0 && segment.only < 0) return true;
  if (audiences.excludes(segment.except, reader.source, reader.address)) return false;
  return segment.only < 0 || audiences.excludes(segment.only, reader.source, reader.address);
}
