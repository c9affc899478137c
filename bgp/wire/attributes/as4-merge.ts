/**
 * What an old speaker could only carry beside AS_PATH and AGGREGATOR is folded into them (RFC 6793 section 4.2.3), so that nobody
 * above the codec knows that 2-octet AS numbers exist.
 */
import { AS_TRANS } from '../../../core/asn.js';
import { type AsPath, type AsPathSegment, asPathLength } from './as-path.js';
import type { AttributesUnderConstruction } from './entry.js';

/** Folds AS4_PATH and AS4_AGGREGATOR of a route from an old speaker, which are gone then. */
export function mergeAs4(attributes: AttributesUnderConstruction): void {
  const { asPath, as4Path, aggregator, as4Aggregator } = attributes;
  if (as4Path === undefined && as4Aggregator === undefined) return;
  delete attributes.as4Path;
  delete attributes.as4Aggregator;
  // Somebody with a real 2-octet number aggregated anew and did not know of either: both are outdated.
  if (aggregator !== undefined && as4Aggregator !== undefined && aggregator.asn !== AS_TRANS) return;
  if (aggregator !== undefined && as4Aggregator !== undefined) attributes.aggregator = as4Aggregator;
  if (asPath !== undefined && as4Path !== undefined) attributes.asPath = mergeAs4Path(asPath, as4Path);
}

/**
 * AS4_PATH, with as much of the beginning of AS_PATH before it as it lacks in length. If AS_PATH is the shorter of the two, AS4_PATH
 * is ignored. An AS_SET counts as one, and goes over whole or not at all.
 */
export function mergeAs4Path(asPath: AsPath, as4Path: AsPath): AsPath {
  let missing = asPathLength(asPath) - asPathLength(as4Path);
  if (missing < 0) return asPath;
  const head: AsPathSegment[] = [];
  for (const segment of asPath) {
    if (missing <= 0) break;
    if (segment.type === 'set') {
      head.push(segment);
      missing--;
    } else {
      head.push({ type: 'sequence', asns: segment.asns.slice(0, missing) });
      missing -= segment.asns.length;
    }
  }
  return joined(head, as4Path);
}

/** A sequence that was cut in two at the seam is one again, as far as a segment can hold it. */
function joined(head: AsPath, tail: AsPath): AsPath {
  const last = head.at(-1);
  const first = tail[0];
  const sequences = last?.type === 'sequence' && first?.type === 'sequence';
  if (!sequences || last.asns.length + first.asns.length > 255) return [...head, ...tail];
  const seam: AsPathSegment = { type: 'sequence', asns: [...last.asns, ...first.asns] };
  return [...head.slice(0, -1), seam, ...tail.slice(1)];
}
