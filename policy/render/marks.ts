/** Bits of packet marks, and the rules' texts that read and write them. */

export interface Marks {
  /** Every bit that is ours. */
  readonly mask: number;
  /** A policy, a profile, a failsafe or a known connection has let the packet through. */
  readonly accept: number;
  /** A policy has passed the packet on: the rest of its tier is skipped. */
  readonly pass: number;
  /** While one rule is looked at that takes several: so far everything holds. */
  readonly allBlocks: number;
  /** The same, of one of the things that must hold. */
  readonly thisBlock: number;
  /** Forwarded, and our rules have not seen it yet: `failClosedForwarding`. */
  readonly unjudged: number;
}

/** The lowest five bits of the mask. @throws RangeError if it has fewer */
export function allocateMarks(mask: number): Marks {
  const bits: number[] = [];
  for (let bit = 0; bit < 32; bit++) if (((mask >>> bit) & 1) === 1) bits.push((1 << bit) >>> 0);
  const [accept, pass, allBlocks, thisBlock, unjudged] = bits;
  if (unjudged === undefined)
    throw new RangeError(`mark mask ${hex(mask)} has ${bits.length} bits, where at least 5 are needed`);
  return {
    mask: mask >>> 0,
    accept: accept!,
    pass: pass!,
    allBlocks: allBlocks!,
    thisBlock: thisBlock!,
    unjudged,
  };
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** Matches packets that have all of the bits. */
export function isMarked(bits: number): string {
  return `-m mark --mark ${hex(bits)}/${hex(bits)}`;
}

/** Matches packets that have none of the bits. */
export function isUnmarked(bits: number): string {
  return `-m mark --mark 0x0/${hex(bits)}`;
}

/** Sets `bits`, and clears the others of `among`. */
export function mark(bits: number, among = bits): string {
  return `-j MARK --set-xmark ${hex(bits)}/${hex(among)}`;
}

export function unmark(bits: number): string {
  return mark(0, bits);
}
