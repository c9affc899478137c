/**
 * Where packed UPDATEs live: chunks that are written once from front to back and never again, so that views of them can be
 * handed to any number of sockets. A flush takes a piece of the current chunk instead of a buffer of its own, which keeps small
 * flushes from feeding the garbage collector.
 */
import { PACK_SLACK } from './prefix-table.js';

const FIRST_CHUNK = 1 << 14;
const LAST_CHUNK = 1 << 18;

export class OutBuffer {
  chunk = new Uint8Array(0);
  view = new DataView(this.chunk.buffer);
  at = 0;

  /** Room for one whole message of up to `maxLength` octets in one piece, in a fresh chunk if need be. */
  reserveMessage(maxLength: number): void {
    const needed = maxLength + PACK_SLACK;
    if (this.at + needed <= this.chunk.length) return;
    const length = Math.min(LAST_CHUNK, Math.max(FIRST_CHUNK, 2 * this.chunk.length, needed));
    this.chunk = new Uint8Array(length);
    this.view = new DataView(this.chunk.buffer);
    this.at = 0;
  }
}
