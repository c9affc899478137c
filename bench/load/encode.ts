/**
 * BGP messages as the generator sends them (RFC 4271 section 4), encoded before any clock starts.
 *
 * Deliberately not `bgp/wire`: what measures a speaker must not share its code, or both could be wrong alike.
 */
import type { LoadPeer, LoadPlan } from './plan.js';

export const HEADER_LENGTH = 19;
export const MessageType = { open: 1, update: 2, notification: 3, keepalive: 4 } as const;
const FIRST_PREFIX = 0x10000000; // 16.0.0.0
const PREFIX_BITS = 24;
const PREFIX_BYTES = 4; // length byte and three octets
const MAX_PREFIXES_PER_WITHDRAWAL = 1000;

/** Room for one UPDATE: RFC 4271 section 4.1 caps it at 4096. */
const MAX_MESSAGE = 4096;

function message(type: number, body: Buffer): Buffer {
  const whole = Buffer.alloc(HEADER_LENGTH + body.length, 0xff);
  whole.writeUInt16BE(whole.length, 16);
  whole[18] = type;
  body.copy(whole, HEADER_LENGTH);
  return whole;
}

function ipv4ToNumber(address: string): number {
  return address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
}

function uint32(value: number): readonly number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** OPEN with IPv4 unicast, route refresh and 4-octet AS numbers (RFC 5492, 4760, 2918, 6793). */
export function encodeOpen(peer: LoadPeer, holdTimeSeconds: number): Buffer {
  const twoOctetAsn = peer.asn > 0xffff ? 23456 : peer.asn;
  const capabilities = [1, 4, 0, 1, 0, 1, 2, 0, 65, 4, ...uint32(peer.asn)];
  const parameters = [2, capabilities.length, ...capabilities];
  const fixed = [4, twoOctetAsn >> 8, twoOctetAsn & 0xff, holdTimeSeconds >> 8, holdTimeSeconds & 0xff];
  const identifier = uint32(ipv4ToNumber(peer.localAddress));
  return message(MessageType.open, Buffer.from([...fixed, ...identifier, parameters.length, ...parameters]));
}

export function encodeKeepalive(): Buffer {
  return message(MessageType.keepalive, Buffer.alloc(0));
}

/** Cease, Administrative Shutdown (RFC 4486). */
export function encodeCease(): Buffer {
  return message(MessageType.notification, Buffer.from([6, 2]));
}

/** RFC 4724 section 2: an UPDATE that holds nothing. */
function encodeEndOfRib(): Buffer {
  return message(MessageType.update, Buffer.alloc(4));
}

/** `set` colours MED and community, so that every set is a distinct block. */
function attributes(plan: LoadPlan, source: LoadPeer, set: number): Buffer {
  const external = source.asn !== plan.remoteAsn;
  const asPath = external ? [2, 1, ...uint32(source.asn)] : [];
  const localPref = external ? [] : [0x40, 5, 4, ...uint32(100)];
  return Buffer.from([
    ...[0x40, 1, 1, 0],
    ...[0x40, 2, asPath.length, ...asPath],
    ...[0x40, 3, 4, ...uint32(ipv4ToNumber(source.nextHop ?? source.localAddress))],
    ...[0x80, 4, 4, ...uint32(set)],
    ...localPref,
    ...[0xc0, 8, 4, ...uint32(64999 * 65536 + (set & 0xffff))],
  ]);
}

function putPrefixes(target: Buffer, offset: number, from: number, to: number): number {
  let at = offset;
  for (let index = from; index < to; index++) {
    target.writeUInt32BE((PREFIX_BITS * 0x1000000 + (FIRST_PREFIX >>> 8) + index) >>> 0, at);
    at += PREFIX_BYTES;
  }
  return at;
}

function putHeader(target: Buffer, start: number, end: number): void {
  target.fill(0xff, start, start + 16);
  target.writeUInt16BE(end - start, start + 16);
  target[start + 18] = MessageType.update;
}

/** Writes one announcement of prefixes [from, to) at `start`; returns its end. */
function putAnnouncement(target: Buffer, start: number, block: Buffer, from: number, to: number): number {
  let at = start + HEADER_LENGTH;
  target.writeUInt16BE(0, at);
  target.writeUInt16BE(block.length, at + 2);
  at += 4 + block.copy(target, at + 4);
  at = putPrefixes(target, at, from, to);
  putHeader(target, start, at);
  return at;
}

function putWithdrawal(target: Buffer, start: number, from: number, to: number): number {
  const fields = start + HEADER_LENGTH;
  target.writeUInt16BE((to - from) * PREFIX_BYTES, fields);
  const at = putPrefixes(target, fields + 2, from, to);
  target.writeUInt16BE(0, at);
  putHeader(target, start, at + 2);
  return at + 2;
}

/** The whole table as UPDATEs, End-of-RIB last. */
export function encodeAnnouncements(plan: LoadPlan, source: LoadPeer): Buffer {
  const share = Math.ceil(plan.prefixes / plan.attributeSets);
  const blocks = Array.from({ length: plan.attributeSets }, (_, set) => attributes(plan, source, set));
  const overhead = HEADER_LENGTH + 4 + Math.max(...blocks.map(block => block.length));
  const updates = Math.ceil(plan.prefixes / plan.prefixesPerUpdate) + plan.attributeSets;
  const target = Buffer.allocUnsafe(updates * overhead + plan.prefixes * PREFIX_BYTES + 64);
  let at = 0;
  for (let from = 0; from < plan.prefixes; ) {
    const set = Math.floor(from / share);
    const to = Math.min(from + plan.prefixesPerUpdate, (set + 1) * share, plan.prefixes);
    at = putAnnouncement(target, at, blocks[set]!, from, to);
    from = to;
  }
  at += encodeEndOfRib().copy(target, at);
  return target.subarray(0, at);
}

/** All prefixes withdrawn, packed. */
export function encodeWithdrawals(plan: LoadPlan): Buffer {
  const updates = Math.ceil(plan.prefixes / MAX_PREFIXES_PER_WITHDRAWAL);
  const target = Buffer.allocUnsafe(updates * (HEADER_LENGTH + 4) + plan.prefixes * PREFIX_BYTES);
  let at = 0;
  for (let from = 0; from < plan.prefixes; from += MAX_PREFIXES_PER_WITHDRAWAL) {
    at = putWithdrawal(target, at, from, Math.min(from + MAX_PREFIXES_PER_WITHDRAWAL, plan.prefixes));
  }
  return target.subarray(0, at);
}

/** One-prefix messages for churn; the announcement carries a set of its own. */
export function encodeSingle(
  plan: LoadPlan,
  source: LoadPeer,
  kind: 'announce' | 'withdraw',
  index: number,
): Buffer {
  const target = Buffer.allocUnsafe(MAX_MESSAGE >> 4);
  const end =
    kind === 'announce'
      ? putAnnouncement(target, 0, attributes(plan, source, plan.attributeSets + 3), index, index + 1)
      : putWithdrawal(target, 0, index, index + 1);
  return target.subarray(0, end);
}

/** The number of a prefix on the wire; anything outside the plan comes out negative or too large. */
export function prefixIndex(lengthByte: number, network24: number): number {
  return lengthByte === PREFIX_BITS ? network24 - (FIRST_PREFIX >>> 8) : -1;
}
