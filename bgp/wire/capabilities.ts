/**
 * Capabilities (RFC 5492): a table of codes, each with its decoder, its encoder and its words. One that we do not know is kept as
 * it came: announcing something unknown is no error.
 *
 *     +---------------+---------------+------------------
 *     |  Code         |  Length       |  Value ...
 *     +---------------+---------------+------------------
 */

import type { Family } from '../family.js';
import { Afi, CapabilityCode, ErrorCode, OpenError, RoleValue, Safi } from '../iana.js';
import { BgpMessageError, noData } from './message-error.js';
import { readU16, readU32 } from './reader.js';
import type { Writer } from './writer.js';

export type Capability =
  | { readonly kind: 'multiprotocol'; readonly afi: number; readonly safi: number }
  | { readonly kind: 'route-refresh' }
  | {
      readonly kind: 'extended-next-hop';
      readonly families: readonly {
        readonly afi: number;
        readonly safi: number;
        /** Of the next hops that prefixes of the family may have. */
        readonly nextHopAfi: number;
      }[];
    }
  | { readonly kind: 'extended-message' }
  | { readonly kind: 'enhanced-route-refresh' }
  | { readonly kind: 'four-octet-as'; readonly asn: number }
  | {
      readonly kind: 'graceful-restart';
      /** R bit: the sender has restarted and waits for nobody but us (RFC 4724 section 3). */
      readonly restarting: boolean;
      /** N bit: NOTIFICATIONs do not end graceful restart (RFC 8538 section 2). */
      readonly notification: boolean;
      /** 0 to 4095. */
      readonly restartTimeSeconds: number;
      readonly families: readonly {
        readonly afi: number;
        readonly safi: number;
        /** F bit: forwarding state was preserved. */
        readonly forwarding: boolean;
      }[];
    }
  | {
      readonly kind: 'long-lived-graceful-restart';
      readonly families: readonly {
        readonly afi: number;
        readonly safi: number;
        /** F bit: forwarding state was preserved. */
        readonly forwarding: boolean;
        /** Long-lived Stale Time, 0 to 16777215. */
        readonly staleSeconds: number;
      }[];
    }
  | {
      readonly kind: 'add-path';
      readonly families: readonly {
        readonly afi: number;
        readonly safi: number;
        readonly direction: number;
      }[];
    }
  /** RFC 9234 section 4.1; a value of the registry or another. */
  | { readonly kind: 'role'; readonly value: number }
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Uint8Array };

/** AFI and SAFI of a family, and back. */
export function familyNumbers(family: Family): { readonly afi: number; readonly safi: number } {
  return { afi: family === 'ipv4-unicast' ? Afi.ipv4 : Afi.ipv6, safi: Safi.unicast };
}

export function familyOfNumbers(afi: number, safi: number): Family | undefined {
  if (safi !== Safi.unicast) return undefined;
  return afi === Afi.ipv4 ? 'ipv4-unicast' : afi === Afi.ipv6 ? 'ipv6-unicast' : undefined;
}

/** The value of one capability; `undefined` if its length is not that of its code. */
function decodeValue(code: number, value: Uint8Array): Capability | undefined {
  switch (code) {
    case CapabilityCode.multiprotocol:
      return value.length === 4
        ? { kind: 'multiprotocol', afi: readU16(value, 0), safi: value[3]! }
        : undefined;
    case CapabilityCode.routeRefresh:
      return value.length === 0 ? { kind: 'route-refresh' } : undefined;
    case CapabilityCode.extendedNextHop:
      return decodeExtendedNextHop(value);
    case CapabilityCode.extendedMessage:
      return value.length === 0 ? { kind: 'extended-message' } : undefined;
    case CapabilityCode.enhancedRouteRefresh:
      return value.length === 0 ? { kind: 'enhanced-route-refresh' } : undefined;
    case CapabilityCode.fourOctetAs:
      return value.length === 4 ? { kind: 'four-octet-as', asn: readU32(value, 0) } : undefined;
    case CapabilityCode.gracefulRestart:
      return decodeGracefulRestart(value);
    case CapabilityCode.longLivedGracefulRestart:
      return decodeLongLived(value);
    case CapabilityCode.addPath:
      return decodeAddPath(value);
    case CapabilityCode.role:
      return value.length === 1 ? { kind: 'role', value: value[0]! } : undefined;
    default:
      return { kind: 'unknown', code, value };
  }
}

/**
 * RFC 4724 section 3:
 *
 *     +--------------------------------------------------+
 *     | Restart Flags (4 bits) | Restart Time (12 bits)  |
 *     +--------------------------------------------------+
 *     | AFI (16) | SAFI (8) | Flags for the family (8)   |  repeated
 *     +--------------------------------------------------+
 */
function decodeGracefulRestart(value: Uint8Array): Capability | undefined {
  if (value.length < 2 || (value.length - 2) % 4 !== 0) return undefined;
  const families = [];
  for (let at = 2; at < value.length; at += 4) {
    families.push({
      afi: readU16(value, at),
      safi: value[at + 2]!,
      forwarding: (value[at + 3]! & 0x80) !== 0,
    });
  }
  return {
    kind: 'graceful-restart',
    restarting: (value[0]! & 0x80) !== 0,
    notification: (value[0]! & 0x40) !== 0,
    restartTimeSeconds: readU16(value, 0) & 0x0fff,
    families,
  };
}

/** RFC 8950 section 4: NLRI AFI (16), NLRI SAFI (16), next hop AFI (16), repeated. */
function decodeExtendedNextHop(value: Uint8Array): Capability | undefined {
  if (value.length === 0 || value.length % 6 !== 0) return undefined;
  const families = [];
  for (let at = 0; at < value.length; at += 6) {
    families.push({
      afi: readU16(value, at),
      safi: readU16(value, at + 2),
      nextHopAfi: readU16(value, at + 4),
    });
  }
  return { kind: 'extended-next-hop', families };
}

/**
 * RFC 9494 section 3:
 *
 *     +------------------------------------------------------------------+
 *     | AFI (16) | SAFI (8) | Flags (8) | Long-lived Stale Time (24)      |  repeated
 *     +------------------------------------------------------------------+
 */
function decodeLongLived(value: Uint8Array): Capability | undefined {
  if (value.length % 7 !== 0) return undefined;
  const families = [];
  for (let at = 0; at < value.length; at += 7) {
    families.push({
      afi: readU16(value, at),
      safi: value[at + 2]!,
      forwarding: (value[at + 3]! & 0x80) !== 0,
      staleSeconds: (value[at + 4]! << 16) | readU16(value, at + 5),
    });
  }
  return { kind: 'long-lived-graceful-restart', families };
}

/** RFC 7911 section 4. */
function decodeAddPath(value: Uint8Array): Capability | undefined {
  if (value.length === 0 || value.length % 4 !== 0) return undefined;
  const families = [];
  for (let at = 0; at < value.length; at += 4) {
    families.push({ afi: readU16(value, at), safi: value[at + 2]!, direction: value[at + 3]! });
  }
  return { kind: 'add-path', families };
}

/**
 * All capabilities in one optional parameter's value, in the order they came.
 *
 * A capability whose value does not have the length its code demands is kept as unknown: the sender gets the session without it,
 * which is what RFC 5492 section 3 prescribes for capabilities that are not understood.
 *
 * @throws BgpMessageError 2/0 if a length runs past the end
 */
export function decodeCapabilities(bytes: Uint8Array): readonly Capability[] {
  const capabilities: Capability[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length || at + 2 + bytes[at + 1]! > bytes.length) {
      throw new BgpMessageError(
        ErrorCode.open,
        OpenError.unspecific,
        noData,
        'a capability runs past its parameter',
      );
    }
    const code = bytes[at]!;
    const value = bytes.slice(at + 2, at + 2 + bytes[at + 1]!);
    capabilities.push(decodeValue(code, value) ?? { kind: 'unknown', code, value });
    at += 2 + value.length;
  }
  return capabilities;
}

/** Appends one capability: code, length, value. */
export function encodeCapability(writer: Writer, capability: Capability): void {
  writer.u8(capabilityCode(capability)).sized8(() => encodeValue(writer, capability));
}

/** RFC 4724 section 3: 12 bits. */
const MAX_RESTART_TIME_SECONDS = 4095;
/** RFC 9494 section 3: 24 bits. */
const MAX_LONG_LIVED_STALE_SECONDS = 0xffffff;

function encodeValue(writer: Writer, capability: Capability): void {
  switch (capability.kind) {
    case 'multiprotocol':
      writer.u16(capability.afi).u8(0).u8(capability.safi);
      return;
    case 'extended-next-hop':
      for (const { afi, safi, nextHopAfi } of capability.families) writer.u16(afi).u16(safi).u16(nextHopAfi);
      return;
    case 'four-octet-as':
      writer.u32(capability.asn);
      return;
    case 'graceful-restart':
      writer.u16(
        (capability.restarting ? 0x8000 : 0) |
          (capability.notification ? 0x4000 : 0) |
          Math.min(capability.restartTimeSeconds, MAX_RESTART_TIME_SECONDS),
      );
      for (const { afi, safi, forwarding } of capability.families)
        writer
          .u16(afi)
          .u8(safi)
          .u8(forwarding ? 0x80 : 0);
      return;
    case 'long-lived-graceful-restart':
      for (const { afi, safi, forwarding, staleSeconds } of capability.families) {
        const seconds = Math.min(staleSeconds, MAX_LONG_LIVED_STALE_SECONDS);
        const flags = forwarding ? 0x80 : 0;
        writer
          .u16(afi)
          .u8(safi)
          .u8(flags)
          .u8(seconds >>> 16)
          .u16(seconds & 0xffff);
      }
      return;
    case 'add-path':
      for (const { afi, safi, direction } of capability.families) writer.u16(afi).u8(safi).u8(direction);
      return;
    case 'role':
      writer.u8(capability.value);
      return;
    case 'unknown':
      writer.bytes(capability.value);
      return;
    case 'route-refresh':
    case 'extended-message':
    case 'enhanced-route-refresh':
      return;
  }
}

/** The registry's number of a capability. */
export function capabilityCode(capability: Capability): number {
  switch (capability.kind) {
    case 'multiprotocol':
      return CapabilityCode.multiprotocol;
    case 'route-refresh':
      return CapabilityCode.routeRefresh;
    case 'extended-next-hop':
      return CapabilityCode.extendedNextHop;
    case 'extended-message':
      return CapabilityCode.extendedMessage;
    case 'enhanced-route-refresh':
      return CapabilityCode.enhancedRouteRefresh;
    case 'four-octet-as':
      return CapabilityCode.fourOctetAs;
    case 'graceful-restart':
      return CapabilityCode.gracefulRestart;
    case 'long-lived-graceful-restart':
      return CapabilityCode.longLivedGracefulRestart;
    case 'add-path':
      return CapabilityCode.addPath;
    case 'role':
      return CapabilityCode.role;
    case 'unknown':
      return capability.code;
  }
}

/** For people: "graceful restart 120 s, forwarding kept for ipv4-unicast". */
export function describeCapability(capability: Capability): string {
  switch (capability.kind) {
    case 'multiprotocol':
      return `multiprotocol ${familyWords(capability)}`;
    case 'route-refresh':
      return 'route refresh';
    case 'extended-next-hop': {
      const families = capability.families.map(
        family => `${familyWords(family)} over AFI ${family.nextHopAfi}`,
      );
      return `extended next hop ${families.join(', ')}`;
    }
    case 'extended-message':
      return 'extended messages';
    case 'enhanced-route-refresh':
      return 'enhanced route refresh';
    case 'four-octet-as':
      return `4-octet AS ${capability.asn}`;
    case 'graceful-restart': {
      const kept = capability.families.filter(family => family.forwarding).map(familyWords);
      const restarting = capability.restarting ? ', restarting' : '';
      const forwarding = kept.length > 0 ? `, forwarding kept for ${kept.join(', ')}` : '';
      const notifications = capability.notification ? ', also after a NOTIFICATION' : '';
      return `graceful restart ${capability.restartTimeSeconds} s${notifications}${restarting}${forwarding}`;
    }
    case 'long-lived-graceful-restart': {
      const times = capability.families.map(family => `${familyWords(family)} ${family.staleSeconds} s`);
      return `long-lived graceful restart ${times.join(', ') || 'for routes of others'}`;
    }
    case 'add-path':
      return `ADD-PATH ${capability.families.map(family => `${familyWords(family)} ${directionWords[family.direction] ?? '?'}`).join(', ')}`;
    case 'role':
      return `role ${roleWords(capability.value)}`;
    case 'unknown':
      return `capability ${capability.code}`;
  }
}

/** "customer", or the number of a role that has no name. */
export function roleWords(value: number): string {
  return Object.entries(RoleValue).find(([, number]) => number === value)?.[0] ?? `${value}`;
}

/** RFC 7911 section 4: what the sender of the capability is able to do. */
export const AddPathDirection = { receive: 1, send: 2, both: 3 } as const;

const directionWords: Readonly<Record<number, string>> = { 1: 'receive', 2: 'send', 3: 'both' };

function familyWords({ afi, safi }: { readonly afi: number; readonly safi: number }): string {
  return familyOfNumbers(afi, safi) ?? `AFI ${afi} SAFI ${safi}`;
}
