/** Whole messages but UPDATE, each with what it means. */
import type { Notification } from '../../bgp/wire/notification.js';
import type { Open } from '../../bgp/wire/open.js';
import type { RouteRefresh } from '../../bgp/wire/route-refresh.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import { hex } from '../support/hex.js';

export interface MessageVector<T> {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly value: T;
  /** The bytes are not what we would send. */
  readonly decodeOnly?: true;
}

const address = (text: string) => text as Ipv4Address;
const ipv4Unicast = { kind: 'multiprotocol', afi: 1, safi: 1 } as const;

/** A capability that takes 4 octets of value, so 6 in all. */
const filler = (code: number) => ({ kind: 'unknown', code, value: hex('00000000') }) as const;

export const openVectors: readonly MessageVector<Open>[] = [
  {
    name: 'OPEN without optional parameters (RFC 4271 section 4.2)',
    bytes: hex('M 001d 01 04 fde8 005a 0a000001 00'),
    value: { version: 4, asn: 65000, holdTimeSeconds: 90, routerId: address('10.0.0.1'), capabilities: [] },
  },
  {
    name: 'OPEN with an empty capabilities parameter',
    bytes: hex('M 001f 01 04 fde8 005a 0a000001 02 02 00'),
    value: { version: 4, asn: 65000, holdTimeSeconds: 90, routerId: address('10.0.0.1'), capabilities: [] },
    decodeOnly: true,
  },
  {
    name: 'OPEN with all capabilities in one parameter',
    bytes: hex(`M 0037 01 04 fc00 00f0 c0a80001 1a 02 18
      01 04 0001 00 01   02 00   40 06 0078 0001 01 00   41 04 0000fc00   46 00`),
    value: {
      version: 4,
      asn: 64512,
      holdTimeSeconds: 240,
      routerId: address('192.168.0.1'),
      capabilities: [
        ipv4Unicast,
        { kind: 'route-refresh' },
        {
          kind: 'graceful-restart',
          restarting: false,
          notification: false,
          restartTimeSeconds: 120,
          families: [{ afi: 1, safi: 1, forwarding: false }],
        },
        { kind: 'four-octet-as', asn: 64512 },
        { kind: 'enhanced-route-refresh' },
      ],
    },
  },
  {
    name: 'OPEN with a parameter for each capability, as FRR sends it',
    bytes: hex(`M 0035 01 04 5ba0 00b4 0a0a0a0a 18
      02 06 01 04 0001 00 01   02 02 80 00   02 02 02 00   02 06 41 04 00030d40`),
    value: {
      version: 4,
      asn: 23456,
      holdTimeSeconds: 180,
      routerId: address('10.10.10.10'),
      capabilities: [
        ipv4Unicast,
        { kind: 'unknown', code: 128, value: new Uint8Array(0) },
        { kind: 'route-refresh' },
        { kind: 'four-octet-as', asn: 200000 },
      ],
    },
    decodeOnly: true,
  },
  {
    name: 'OPEN with hold time 0 and the highest router ID',
    bytes: hex('M 001d 01 04 0001 0000 ffffffff 00'),
    value: {
      version: 4,
      asn: 1,
      holdTimeSeconds: 0,
      routerId: address('255.255.255.255'),
      capabilities: [],
    },
  },
  {
    name: 'OPEN with extended optional parameters though they are short (RFC 9072 section 2)',
    bytes: hex('M 0029 01 04 fde8 005a 0a000001 ff ff 0009 02 0006 01 04 0001 00 01'),
    value: {
      version: 4,
      asn: 65000,
      holdTimeSeconds: 90,
      routerId: address('10.0.0.1'),
      capabilities: [ipv4Unicast],
    },
    decodeOnly: true,
  },
  {
    name: 'OPEN with extended optional parameters whose old length is not 255 (RFC 9072 section 2: ignored)',
    bytes: hex('M 0029 01 04 fde8 005a 0a000001 01 ff 0009 02 0006 01 04 0001 00 01'),
    value: {
      version: 4,
      asn: 65000,
      holdTimeSeconds: 90,
      routerId: address('10.0.0.1'),
      capabilities: [ipv4Unicast],
    },
    decodeOnly: true,
  },
  {
    name: 'OPEN with extended optional parameters that need it: 43 capabilities of 6 octets',
    bytes: hex(
      `M 0125 01 04 fde8 005a 0a000001 ff ff 0105 02 0102 ${Array.from({ length: 43 }, (_, i) => `${(200 + i).toString(16)} 04 00000000`).join(' ')}`,
    ),
    value: {
      version: 4,
      asn: 65000,
      holdTimeSeconds: 90,
      routerId: address('10.0.0.1'),
      capabilities: Array.from({ length: 43 }, (_, i) => filler(200 + i)),
    },
  },
];

export const notificationVectors: readonly (MessageVector<Notification> & { readonly words: string })[] = [
  {
    name: 'NOTIFICATION hold timer expired',
    bytes: hex('M 0015 03 04 00'),
    value: { code: 4, subcode: 0, data: new Uint8Array(0) },
    words: '4 hold timer expired',
  },
  {
    name: 'NOTIFICATION with one octet of data',
    bytes: hex('M 0016 03 01 03 07'),
    value: { code: 1, subcode: 3, data: hex('07') },
    words: '1/3 bad message type',
  },
  {
    name: 'NOTIFICATION unsupported version, with the one we speak',
    bytes: hex('M 0017 03 02 01 0004'),
    value: { code: 2, subcode: 1, data: hex('0004') },
    words: '2/1 unsupported version number',
  },
  {
    name: 'NOTIFICATION administrative shutdown without a word',
    bytes: hex('M 0016 03 06 02 00'),
    value: { code: 6, subcode: 2, data: hex('00') },
    words: '6/2 administrative shutdown',
  },
  {
    name: 'NOTIFICATION administrative shutdown with a communication (RFC 9003)',
    bytes: hex('M 0023 03 06 02 0d 6d6f76696e67207261636b73 21'),
    value: { code: 6, subcode: 2, data: hex('0d 6d6f76696e67207261636b73 21') },
    words: '6/2 administrative shutdown: moving racks!',
  },
  {
    name: 'NOTIFICATION malformed AS_PATH, with the attribute',
    bytes: hex('M 001c 03 03 0b 40 02 04 05 01 fde8'),
    value: { code: 3, subcode: 11, data: hex('40 02 04 05 01 fde8') },
    words: '3/11 malformed AS_PATH',
  },
  {
    name: 'NOTIFICATION of a code that nobody has assigned',
    bytes: hex('M 0015 03 63 09'),
    value: { code: 99, subcode: 9, data: new Uint8Array(0) },
    words: '99/9 unknown error',
  },
];

export const routeRefreshVectors: readonly MessageVector<RouteRefresh>[] = [
  {
    name: 'ROUTE-REFRESH for IPv4 unicast (RFC 2918)',
    bytes: hex('M 0017 05 0001 00 01'),
    value: { afi: 1, safi: 1, subtype: 0 },
  },
  {
    name: 'ROUTE-REFRESH for IPv6 unicast',
    bytes: hex('M 0017 05 0002 00 01'),
    value: { afi: 2, safi: 1, subtype: 0 },
  },
  {
    name: 'beginning of a route refresh (RFC 7313)',
    bytes: hex('M 0017 05 0001 01 01'),
    value: { afi: 1, safi: 1, subtype: 1 },
  },
  {
    name: 'end of a route refresh for EVPN',
    bytes: hex('M 0017 05 0019 02 46'),
    value: { afi: 25, safi: 70, subtype: 2 },
  },
];

export const keepalive = hex('M 0013 04');
