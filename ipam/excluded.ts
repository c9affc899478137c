/** Which addresses of a block are never given out by themselves (pure). */
import { type Prefix, prefixesOverlap } from '../core/prefix.js';
import { type AddressRange, gaps, joined, rangeOf } from './address-numbers.js';
import type { IpamDocuments } from './documents.js';

/** Reserved ones, and those of another block that lies in this one or around it. */
export function excludedFrom(documents: IpamDocuments, block: Prefix): readonly AddressRange[] {
  const reserved = documents.reservations.filter(cidr => prefixesOverlap(cidr, block));
  return joined([...reserved, ...documents.blocksOverlapping(block)].map(rangeOf));
}

/** Whether it has no address that is given out by itself. */
export function isReserved(documents: IpamDocuments, block: Prefix): boolean {
  return gaps(rangeOf(block), excludedFrom(documents, block)).next().done === true;
}
