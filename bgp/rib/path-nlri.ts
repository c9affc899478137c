/**
 * NLRI with path identifiers (RFC 7911 section 3) on top of a {@link PrefixTable}, which knows none: read one prefix at a time, and
 * packed likewise. Slower than without; sessions with ADD-PATH alone come here.
 */
import { PATH_ID_LENGTH } from '../wire/nlri.js';
import { readU32 } from '../wire/reader.js';
import type { PrefixTable } from './prefix-table.js';

const one = new Int32Array(1);

/**
 * As `PrefixTable.readNlri`, with the identifier of each prefix in `pathIds` (signed). Unknown prefixes are added if `add`, else left
 * out of both. Returns how many, `~n` if they are malformed after `n`.
 */
export function readPathNlri(
  prefixes: PrefixTable,
  buffer: Uint8Array,
  start: number,
  end: number,
  ids: Int32Array,
  pathIds: Int32Array,
  add: boolean,
): number {
  let count = 0;
  for (let at = start; at < end; ) {
    const from = at + PATH_ID_LENGTH;
    if (from >= end) return ~count;
    const next = from + 1 + ((buffer[from]! + 7) >>> 3);
    if (next > end) return ~count;
    const known = prefixes.readNlri(buffer, from, next, one, 0, 0, add);
    if (known < 0) return ~count;
    if (known > 0) {
      ids[count] = one[0]!;
      pathIds[count++] = readU32(buffer, at);
    }
    at = next;
  }
  return count;
}

/** A prefix and one of the paths told of it, as one number: path identifiers up to 32, ids below 2^25. */
const PATH_ID_BITS = 6;

export function routeOf(id: number, pathId: number): number {
  return (id << PATH_ID_BITS) | pathId;
}

/** What packs routes as `PrefixTable.packNlri` packs prefixes. */
export class PathNlri {
  packedEnd = 0;
  readonly #prefixes: PrefixTable;

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  packNlri(
    routes: Int32Array,
    from: number,
    to: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    limit: number,
  ): number {
    let position = from;
    let offset = at;
    for (; position < to; position++) {
      if (offset + PATH_ID_LENGTH >= limit) break;
      one[0] = routes[position]! >>> PATH_ID_BITS;
      const packed = this.#prefixes.packNlri(one, 0, 1, bytes, view, offset + PATH_ID_LENGTH, limit);
      if (packed === 0) break;
      view.setUint32(offset, routes[position]! & ((1 << PATH_ID_BITS) - 1));
      offset = this.#prefixes.packedEnd;
    }
    this.packedEnd = offset;
    return position;
  }
}
