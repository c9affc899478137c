/**
 * Path-attribute blocks, interned by their bytes: each distinct block is decoded, judged (RFC 7606) and kept once, however many
 * prefixes and messages carry it. The same bytes mean different things from an internal or a 2-octet AS peer, so the context is
 * part of the key. A block that no path uses is forgotten.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { WellKnownCommunity } from '../iana.js';
import { asPathLength, firstAsn } from '../wire/attributes/as-path.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { decodeAttributes, encodeAttributes } from '../wire/attributes/codec.js';
import type { AttributeContext } from '../wire/attributes/entry.js';
import { type AttributeProblem, missingAttributes } from '../wire/attributes/problems.js';
import { nextHopsOf } from './multiprotocol.js';

export interface AttributeBlock {
  readonly hash: number;
  readonly context: AttributeContext;
  /** Octets; `words` holds them big-endian, the last one padded with zeros. */
  readonly length: number;
  readonly words: Int32Array;
  readonly attributes: PathAttributes;
  readonly problems: readonly AttributeProblem[];
  /** What the decision process asks, with the defaults of absent attributes. */
  readonly localPref: number;
  readonly asPathLength: number;
  readonly origin: number;
  /** 0 for a path without a leading AS_SEQUENCE, as from inside the AS. */
  readonly peerAs: number;
  readonly med: number;
  readonly clusterListLength: number;
  /** LLGR_STALE (RFC 9494): the least preferred there is, whoever marked it. */
  readonly longLivedStale: boolean;
  /** What may be handed on: the global address where there is one. */
  readonly nextHop: IpAddress | undefined;
  /** RFC 2545 section 3: the link-local address, beside the global one or alone; good on the link it came over. */
  readonly linkLocal: IpAddress | undefined;
  /** Paths that use it. */
  references: number;
  /** Another block of the same hash. */
  nextInBucket: AttributeBlock | undefined;
}

/** RFC 4271 section 9.1.1: for routes without LOCAL_PREF. */
export const DEFAULT_LOCAL_PREF = 100;

export class AttributeStore {
  readonly #buckets = new Map<number, AttributeBlock>();

  /** The block in `buffer[start, end)`. */
  intern(buffer: Uint8Array, start: number, end: number, context: AttributeContext): AttributeBlock {
    const words = wordsOf(buffer, start, end);
    let hash = (end - start) ^ (context.ibgp ? 0x5bd1e995 : 0) ^ (context.fourOctetAs ? 0x1b873593 : 0);
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193) ^ (hash >>> 15);
    const first = this.#buckets.get(hash);
    for (let block = first; block !== undefined; block = block.nextInBucket) {
      if (
        block.length === end - start &&
        sameContext(block.context, context) &&
        sameWords(block.words, words)
      )
        return block;
    }
    const decoded = decodeAttributes(buffer, start, end, context);
    const block = newBlock(hash, context, end - start, words, decoded.attributes, decoded.problems);
    block.nextInBucket = first;
    this.#buckets.set(hash, block);
    return block;
  }

  /** The block of attributes that no peer sent: of a route of our own, or of one that was changed on import. */
  make(attributes: PathAttributes): AttributeBlock {
    const bytes = encodeAttributes(attributes, ownContext);
    return this.intern(bytes, 0, bytes.length, ownContext);
  }

  /** `block` with LLGR_STALE (RFC 9494 section 4.2), or itself if it has it. */
  longLived(block: AttributeBlock): AttributeBlock {
    if (block.longLivedStale) return block;
    const communities = [...(block.attributes.communities ?? []), WellKnownCommunity.llgrStale];
    const bytes = encodeAttributes({ ...block.attributes, communities }, block.context);
    return this.intern(bytes, 0, bytes.length, block.context);
  }

  /** Forgets a block that nothing uses. */
  release(block: AttributeBlock): void {
    let at = this.#buckets.get(block.hash);
    if (at === block) {
      if (block.nextInBucket === undefined) this.#buckets.delete(block.hash);
      else this.#buckets.set(block.hash, block.nextInBucket);
      return;
    }
    while (at !== undefined && at.nextInBucket !== block) at = at.nextInBucket;
    if (at !== undefined) at.nextInBucket = block.nextInBucket;
  }
}

const ownContext: AttributeContext = { fourOctetAs: true, ibgp: true, extendedNextHop: true };

/**
 * Whether the octets at `at` are those of `block`: whole words without early exit, which is several times as fast as comparing
 * octets or stopping at the first difference. Hot path.
 */
export function isBlock(block: AttributeBlock, view: DataView, at: number, length: number): boolean {
  if (block.length !== length) return false;
  const words = block.words;
  const whole = length >>> 2;
  let difference = 0;
  for (let i = 0; i < whole; i++) difference |= view.getInt32(at + 4 * i) ^ words[i]!;
  let shift = 24;
  for (let i = 4 * whole; i < length; i++, shift -= 8) {
    difference |= view.getUint8(at + i) ^ ((words[whole]! >>> shift) & 255);
  }
  return difference === 0;
}

/** RFC 7606 section 3 d, once it is known which routes the message carries. */
export function missingFrom(block: AttributeBlock, nlri: boolean): readonly AttributeProblem[] {
  return missingAttributes(block, block.context, nlri);
}

function newBlock(
  hash: number,
  context: AttributeContext,
  length: number,
  words: Int32Array,
  attributes: PathAttributes,
  problems: readonly AttributeProblem[],
): AttributeBlock {
  const asPath = attributes.asPath ?? [];
  return {
    hash,
    context,
    length,
    words,
    attributes,
    problems,
    localPref: attributes.localPref ?? DEFAULT_LOCAL_PREF,
    asPathLength: asPathLength(asPath),
    origin: attributes.origin ?? 0,
    peerAs: firstAsn(asPath) ?? 0,
    med: attributes.multiExitDisc ?? 0,
    clusterListLength: attributes.clusterList?.length ?? 0,
    ...nextHopsOf(attributes),
    longLivedStale: attributes.communities?.includes(WellKnownCommunity.llgrStale) === true,
    references: 0,
    nextInBucket: undefined,
  };
}

function wordsOf(buffer: Uint8Array, start: number, end: number): Int32Array {
  const words = new Int32Array((end - start + 3) >>> 2);
  for (let at = start; at < end; at++) {
    words[(at - start) >>> 2]! |= buffer[at]! << (24 - 8 * ((at - start) & 3));
  }
  return words;
}

function sameContext(a: AttributeContext, b: AttributeContext): boolean {
  return (
    a.fourOctetAs === b.fourOctetAs &&
    a.ibgp === b.ibgp &&
    (a.extendedNextHop === true) === (b.extendedNextHop === true)
  );
}

function sameWords(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
