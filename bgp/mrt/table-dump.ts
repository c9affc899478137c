/**
 * The RIB as a TABLE_DUMP_V2 file (RFC 6396 section 4.3): who the peers are, then all their paths and our own, a stretch at a time, so
 * that a session is never kept waiting for a dump. Our own routes come from peer 0, which is 0.0.0.0 in our AS, as FRR has it.
 *
 * A peer that comes up after the list was made is not in the dump.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { FAMILIES, type Family } from '../family.js';
import type { Rib, RibPeer } from '../rib/contract.js';
import type { SpeakerConfig } from '../speaker/contract.js';
import { type MrtRoute, peerIndexTable, ribRecord } from './record.js';

/** The beginning of a dump: peers by their place in its index. */
export interface TableDumpPeers {
  readonly keys: readonly string[];
  readonly bytes: Uint8Array;
}

/** Some of its records. */
export interface TableDumpRecords {
  readonly bytes: Uint8Array;
  /** Number of the next record of the dump. */
  readonly sequence: number;
  /** Where the family goes on; undefined: it is told. */
  readonly next: number | undefined;
}

const OWN_KEY = 'own';
const VIEW = 'margay';
/** RFC 6396 section 4.3.1: the count has 16 bits. */
const MAX_PEERS = 65535;

export function dumpPeers(rib: Rib, { asn, routerId }: SpeakerConfig, unixMs: number): TableDumpPeers {
  const peers: readonly RibPeer[] = rib.sources().slice(0, MAX_PEERS - 1);
  const own = { routerId, address: '0.0.0.0' as IpAddress, asn };
  const bytes = peerIndexTable(unixMs, routerId, VIEW, [
    own,
    ...peers.map(({ remoteRouterId, address, asn: peerAsn }) => ({
      routerId: remoteRouterId,
      address,
      asn: peerAsn,
    })),
  ]);
  return { keys: [OWN_KEY, ...peers.map(({ key }) => key)], bytes };
}

/**
 * @param keys as {@link dumpPeers} gave them
 * @param from 0 to begin a family, then `next` of the records before
 * @param limit prefixes
 */
export function dumpRecords(
  rib: Rib,
  family: Family,
  unixMs: number,
  keys: readonly string[],
  { sequence, from, limit }: { readonly sequence: number; readonly from: number; readonly limit: number },
): TableDumpRecords {
  const places = new Map(keys.map((key, place) => [key, place]));
  const records: Uint8Array[] = [];
  const next = rib.walk(family, from, limit, (prefix, paths) => {
    const plain: MrtRoute[] = [];
    const identified: MrtRoute[] = [];
    for (const { source, pathId, attributes } of paths) {
      const peer = places.get(source);
      if (peer === undefined) continue;
      const route = { peer, originatedUnixMs: unixMs, pathId, attributes };
      (pathId === undefined ? plain : identified).push(route);
    }
    for (const routes of [plain, identified]) {
      if (routes.length === 0) continue;
      records.push(ribRecord(unixMs, sequence + records.length, family, prefix, routes));
    }
  });
  return { bytes: joined(records), sequence: sequence + records.length, next };
}

/** The whole of it in pieces; each is made when it is asked for. @param limit prefixes a piece */
export function* dumpTable(
  rib: Rib,
  speaker: SpeakerConfig,
  unixMs: number,
  limit: number,
): Generator<Uint8Array> {
  const { keys, bytes } = dumpPeers(rib, speaker, unixMs);
  yield bytes;
  let sequence = 0;
  for (const family of FAMILIES) {
    for (let from: number | undefined = 0; from !== undefined; ) {
      const records: TableDumpRecords = dumpRecords(rib, family, unixMs, keys, { sequence, from, limit });
      ({ sequence, next: from } = records);
      if (records.bytes.length > 0) yield records.bytes;
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
