/** MRT files read back, slowly and obviously: the twin of `bgp/mrt/record.ts`. */

export interface MrtRecord {
  readonly seconds: number;
  readonly type: number;
  readonly subtype: number;
  readonly body: Uint8Array;
}

/** @throws if the last one is cut off */
export function readRecords(bytes: Uint8Array): MrtRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: MrtRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + view.getUint32(at + 8);
    if (end > bytes.length) throw new Error(`a record of ${end - at} octets at ${at} is cut off`);
    records.push({
      seconds: view.getUint32(at),
      type: view.getUint16(at + 4),
      subtype: view.getUint16(at + 6),
      body: bytes.slice(at + 12, end),
    });
    at = end;
  }
  return records;
}

export function concat(parts: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array([...parts].flatMap(part => [...part]));
}
