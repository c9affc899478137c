/** Reads back the prefixes of UPDATEs that were packed here: for a peer that is to be told their newest state instead. */
import { newUpdateFields, scanUpdate } from '../wire/update.js';
import { cutMultiprotocol, hasMultiprotocol } from './multiprotocol.js';
import type { Segment } from './out-log.js';
import { readPathNlri } from './path-nlri.js';
import type { PendingPrefixes } from './pending-prefixes.js';
import type { PrefixTable } from './prefix-table.js';

const fields = newUpdateFields();
/** As many prefixes as the longest message (RFC 8654) can carry. */
const ids = new Int32Array(65536);
const pathIds = new Int32Array(65536);

/** The table has room for as many prefixes as the segment has octets. */
export function collectPrefixes(
  segment: Segment,
  prefixes: PrefixTable,
  into: PendingPrefixes,
  withPathIds = false,
): void {
  const { chunk } = segment;
  const read = (start: number, end: number) => {
    const count = withPathIds
      ? readPathNlri(prefixes, chunk, start, end, ids, pathIds, true)
      : prefixes.readNlri(chunk, start, end, ids, 0, 0, true);
    for (let i = 0; i < count; i++) into.add(ids[i]!);
  };
  for (let at = segment.start; at < segment.end; ) {
    const end = at + ((chunk[at + 16]! << 8) | chunk[at + 17]!);
    scanUpdate(chunk, at, end, fields);
    if (prefixes.family === 'ipv4-unicast') {
      read(fields.withdrawnStart, fields.withdrawnEnd);
      read(fields.nlriStart, end);
    }
    if (hasMultiprotocol(chunk, fields.attributesStart, fields.attributesEnd)) {
      const { reach, unreach } = cutMultiprotocol(chunk, fields.attributesStart, fields.attributesEnd, false);
      if (reach !== undefined) read(reach.start, reach.end);
      if (unreach !== undefined) read(unreach.start, unreach.end);
    }
    at = end;
  }
}
