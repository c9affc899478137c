/** Network-order numbers out of a buffer. No bounds are checked: the caller has judged the length. Hot path. */

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Unsigned. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

let lastView: DataView = new DataView(new ArrayBuffer(0));

/**
 * A view of all the memory behind `bytes`: places in it are further on by `bytes.byteOffset`. The last one is kept, because whatever
 * is read from sockets lies in one buffer.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (lastView.buffer !== bytes.buffer) lastView = new DataView(bytes.buffer);
  return lastView;
}
