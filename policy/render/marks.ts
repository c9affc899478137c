/** Bits of marks, of packets and of connections, and the rules' texts that read and write them. */

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
  /**
   * Of a connection's mark, never of a packet's: policy denies the connection, and chains of workloads drop its packets.
   *
   * Somebody's `CONNMARK --restore-mark` may put it on packets, and `--save-mark` what packets have on connections. So it is a bit that no rule
   * of ours sets on a packet or asks a packet for: restored, it opens nothing and closes nothing, and what is saved from a packet of ours never cuts
   * a connection. Above all it is none of `accept` and `pass`. A mask of five bits has none to spare: there it is `unjudged`, which on a
   * packet can only close (it is dropped after routing), and only packets of connections that are cut have it restored.
   * Who saves whole marks without a mask takes it from a connection, until policy is looked at next.
   */
  readonly cut: number;
}

/** The lowest six bits of the mask, or the lowest five if there are no more. @throws RangeError if it has fewer */
export function allocateMarks(mask: number): Marks {
  const bits: number[] = [];
  for (let bit = 0; bit < 32; bit++) if (((mask >>> bit) & 1) === 1) bits.push((1 << bit) >>> 0);
  const [accept, pass, allBlocks, thisBlock, unjudged, cut] = bits;
  if (unjudged === undefined)
    throw new RangeError(`mark mask ${hex(mask)} has ${bits.length} bits, where at least 5 are needed`);
  return {
    mask: mask >>> 0,
    accept: accept!,
    pass: pass!,
    allBlocks: allBlocks!,
    thisBlock: thisBlock!,
    unjudged,
    cut: cut ?? unjudged,
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

/** Matches packets of connections that have all of the bits. */
export function isOfMarkedConnection(bits: number): string {
  return `-m connmark --mark ${hex(bits)}/${hex(bits)}`;
}

/** Sets `bits`, and clears the others of `among`. */
export function mark(bits: number, among = bits): string {
  return `-j MARK --set-xmark ${hex(bits)}/${hex(among)}`;
}

export function unmark(bits: number): string {
  return mark(0, bits);
}
