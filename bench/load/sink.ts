/**
 * What a receiving peer knows: which prefixes it holds, by a tight loop over the NLRI (RFC 4271 section 4.3).
 *
 * Counts messages and prefixes, remembers per prefix whether it is held, and says when all or none are. It skips path
 * attributes: what they say is the interoperability tests' business.
 */
import { HEADER_LENGTH, prefixIndex } from './encode.js';

/** Told of every prefix on the wire, `held` true for an announcement. */
export type PrefixObserver = (index: number, held: boolean, atMs: number) => void;

export class Sink {
  updates = 0;
  prefixes = 0;
  /** How many of the plan's prefixes are held now. */
  heldCount = 0;
  lastChangeMs = 0;
  observer: PrefixObserver | undefined;
  readonly #held: Uint8Array;

  constructor(prefixes: number) {
    this.#held = new Uint8Array(prefixes);
  }

  /** One whole UPDATE in `buffer[start, end)`. Hot path. */
  receiveUpdate(buffer: Buffer, start: number, end: number, nowMs: number): void {
    this.updates++;
    const withdrawn = start + HEADER_LENGTH + 2;
    const withdrawnEnd = withdrawn + buffer.readUInt16BE(withdrawn - 2);
    const nlri = withdrawnEnd + 2 + buffer.readUInt16BE(withdrawnEnd);
    this.#take(buffer, withdrawn, withdrawnEnd, 0, nowMs);
    this.#take(buffer, nlri, end, 1, nowMs);
  }

  #take(buffer: Buffer, from: number, end: number, state: 0 | 1, nowMs: number): void {
    const held = this.#held;
    const before = this.heldCount;
    let at = from;
    while (at < end) {
      const length = buffer[at]!;
      const index = prefixIndex(length, (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!);
      at += 1 + ((length + 7) >> 3);
      this.prefixes++;
      if (index < 0 || index >= held.length) continue;
      this.heldCount += state - held[index]!;
      held[index] = state;
      this.observer?.(index, state === 1, nowMs);
    }
    if (this.heldCount !== before) this.lastChangeMs = nowMs;
  }
}
