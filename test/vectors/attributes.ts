/**
 * Path attributes one by one: the whole attribute as it stands in an UPDATE from a peer of the given kind, and what it means.
 * Each is well-formed; what damage does to them is `test/bgp/wire/attributes/damage.test.ts`.
 */
import type { PathAttributes } from '../../bgp/wire/attributes/attributes.js';
import { hex } from '../support/hex.js';

export interface AttributeVector {
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly attributes: PathAttributes;
  /** Default: 4. */
  readonly asOctets?: 2;
  /** The bytes are not what we would send. */
  readonly decodeOnly?: true;
}

const sequence = (...asns: number[]) => ({ type: 'sequence', asns }) as const;
const set = (...asns: number[]) => ({ type: 'set', asns }) as const;
const repeat = (count: number, text: string) => Array.from({ length: count }, () => text).join(' ');

const basic: readonly AttributeVector[] = [
  { name: 'ORIGIN IGP', type: 1, bytes: hex('40 01 01 00'), attributes: { origin: 0 } },
  { name: 'ORIGIN EGP', type: 1, bytes: hex('40 01 01 01'), attributes: { origin: 1 } },
  { name: 'ORIGIN INCOMPLETE', type: 1, bytes: hex('40 01 01 02'), attributes: { origin: 2 } },
  {
    name: 'ORIGIN with an extended length that it does not need, and Partial',
    type: 1,
    bytes: hex('70 01 0001 00'),
    attributes: { origin: 0 },
    decodeOnly: true,
  },
  { name: 'NEXT_HOP', type: 3, bytes: hex('40 03 04 0a000001'), attributes: { nextHop: 0x0a000001 } },
  {
    name: 'NEXT_HOP above the sign bit',
    type: 3,
    bytes: hex('40 03 04 dfffffff'),
    attributes: { nextHop: 0xdfffffff },
  },
  {
    name: 'MULTI_EXIT_DISC',
    type: 4,
    bytes: hex('80 04 04 00000064'),
    attributes: { multiExitDisc: 100 },
  },
  {
    name: 'the highest MULTI_EXIT_DISC',
    type: 4,
    bytes: hex('80 04 04 ffffffff'),
    attributes: { multiExitDisc: 4294967295 },
  },
  { name: 'LOCAL_PREF', type: 5, bytes: hex('40 05 04 00000064'), attributes: { localPref: 100 } },
  { name: 'ATOMIC_AGGREGATE', type: 6, bytes: hex('40 06 00'), attributes: { atomicAggregate: true } },
  {
    name: 'AGGREGATOR',
    type: 7,
    bytes: hex('c0 07 08 00030d40 0a000001'),
    attributes: { aggregator: { asn: 200000, address: 0x0a000001 } },
  },
  {
    name: 'AGGREGATOR with a 2-octet AS',
    type: 7,
    bytes: hex('c0 07 06 fde8 0a000001'),
    attributes: { aggregator: { asn: 65000, address: 0x0a000001 } },
    asOctets: 2,
  },
  {
    name: 'AGGREGATOR with Partial set on its way',
    type: 7,
    bytes: hex('e0 07 08 0000fde8 c0000201'),
    attributes: { aggregator: { asn: 65000, address: 0xc0000201 }, partial: [7] },
  },
  {
    name: 'ORIGINATOR_ID',
    type: 9,
    bytes: hex('80 09 04 c0a80001'),
    attributes: { originatorId: 0xc0a80001 },
  },
  {
    name: 'CLUSTER_LIST',
    type: 10,
    bytes: hex('80 0a 08 0a000001 0a000002'),
    attributes: { clusterList: [0x0a000001, 0x0a000002] },
  },
];

const paths: readonly AttributeVector[] = [
  { name: 'AS_PATH of our own AS: empty', type: 2, bytes: hex('40 02 00'), attributes: { asPath: [] } },
  {
    name: 'AS_PATH',
    type: 2,
    bytes: hex('40 02 0a 02 02 0000fde9 00030d40'),
    attributes: { asPath: [sequence(65001, 200000)] },
  },
  {
    name: 'AS_PATH with 2-octet numbers',
    type: 2,
    bytes: hex('40 02 06 02 02 fde9 5ba0'),
    attributes: { asPath: [sequence(65001, 23456)] },
    asOctets: 2,
  },
  {
    name: 'AS_PATH that ends in a set',
    type: 2,
    bytes: hex('40 02 14 02 01 0000fde9 01 03 0000fdea 0000fdeb fa56ea00'),
    attributes: { asPath: [sequence(65001), set(65002, 65003, 4200000000)] },
  },
  {
    name: 'AS_PATH longer than a segment: two sequences, extended length',
    type: 2,
    bytes: hex(`50 02 0408 02 ff ${repeat(255, '0000fde9')} 02 02 0000fdea 0000fdeb`),
    attributes: {
      asPath: [sequence(...Array.from({ length: 255 }, () => 65001)), sequence(65002, 65003)],
    },
  },
  {
    name: 'AS4_PATH, which nothing but AS_PATH gives a meaning to',
    type: 17,
    bytes: hex('c0 11 06 02 01 00030d40'),
    attributes: {},
    asOctets: 2,
    decodeOnly: true,
  },
  {
    name: 'AS4_AGGREGATOR, which nothing but AGGREGATOR gives a meaning to',
    type: 18,
    bytes: hex('c0 12 08 00030d40 0a000001'),
    attributes: {},
    asOctets: 2,
    decodeOnly: true,
  },
];

const groups: readonly AttributeVector[] = [
  {
    name: 'COMMUNITIES',
    type: 8,
    bytes: hex('c0 08 08 fde80064 ffffff01'),
    attributes: { communities: [0xfde80064, 0xffffff01] },
  },
  {
    name: 'COMMUNITIES that need an extended length',
    type: 8,
    bytes: hex(`d0 08 0100 ${repeat(64, 'fde80064')}`),
    attributes: { communities: Array.from({ length: 64 }, () => 0xfde80064) },
  },
  {
    name: 'EXTENDED_COMMUNITIES: a route target and a site of origin',
    type: 16,
    bytes: hex('c0 10 10 0002 fde8 00000064 0103 0a000001 0001'),
    attributes: { extendedCommunities: [hex('0002 fde8 00000064'), hex('0103 0a000001 0001')] },
  },
  {
    name: 'OTC (RFC 9234 section 5)',
    type: 35,
    bytes: hex('c0 23 04 00030d40'),
    attributes: { onlyToCustomer: 200000 },
  },
  {
    name: 'LARGE_COMMUNITY',
    type: 32,
    bytes: hex('c0 20 18 00030d40 00000001 00000002 ffffffff fffffffe 00000000'),
    attributes: {
      largeCommunities: [
        [200000, 1, 2],
        [4294967295, 4294967294, 0],
      ],
    },
  },
  {
    name: 'LARGE_COMMUNITY with one of them twice (RFC 8092 section 3)',
    type: 32,
    bytes: hex('c0 20 24 00030d40 00000001 00000002 00030d40 00000001 00000003 00030d40 00000001 00000002'),
    attributes: {
      largeCommunities: [
        [200000, 1, 2],
        [200000, 1, 3],
      ],
    },
    decodeOnly: true,
  },
];

const multiprotocol: readonly AttributeVector[] = [
  {
    name: 'MP_REACH_NLRI for IPv6 with a global next hop',
    type: 14,
    bytes: hex('80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001'),
    attributes: {
      mpReach: {
        afi: 2,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001'),
        nlri: hex('40 20010db800000001'),
      },
    },
  },
  {
    name: 'MP_REACH_NLRI for IPv6 with a link-local next hop beside (RFC 2545)',
    type: 14,
    bytes: hex('80 0e 26 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 00'),
    attributes: {
      mpReach: {
        afi: 2,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001 fe800000000000000000000000000001'),
        nlri: hex('00'),
      },
    },
  },
  {
    name: 'MP_REACH_NLRI for IPv4 without prefixes, the reserved octet set',
    type: 14,
    bytes: hex('80 0e 09 0001 01 04 0a000001 ff'),
    attributes: { mpReach: { afi: 1, safi: 1, nextHop: hex('0a000001'), nlri: new Uint8Array(0) } },
    decodeOnly: true,
  },
  {
    name: 'MP_REACH_NLRI for a family that is none of ours',
    type: 14,
    bytes: hex('80 0e 0b 0019 46 04 0a000001 00 03 01'),
    attributes: { mpReach: { afi: 25, safi: 70, nextHop: hex('0a000001'), nlri: hex('03 01') } },
  },
  {
    name: 'MP_UNREACH_NLRI for IPv6',
    type: 15,
    bytes: hex('80 0f 0c 0002 01 40 20010db800000001'),
    attributes: { mpUnreach: { afi: 2, safi: 1, withdrawn: hex('40 20010db800000001') } },
  },
  {
    name: 'MP_UNREACH_NLRI with nothing: End-of-RIB of IPv6',
    type: 15,
    bytes: hex('80 0f 03 0002 01'),
    attributes: { mpUnreach: { afi: 2, safi: 1, withdrawn: new Uint8Array(0) } },
  },
];

const unknown: readonly AttributeVector[] = [
  {
    name: 'an unknown transitive attribute, passed on with Partial',
    type: 99,
    bytes: hex('e0 63 03 010203'),
    attributes: { unknown: [{ flags: 0xe0, type: 99, value: hex('010203') }] },
  },
  {
    name: 'an unknown transitive attribute that had no Partial yet',
    type: 36,
    bytes: hex('c0 24 04 0000fde8'),
    attributes: { unknown: [{ flags: 0xc0, type: 36, value: hex('0000fde8') }] },
    decodeOnly: true,
  },
  {
    name: 'an unknown transitive attribute without a value',
    type: 99,
    bytes: hex('e0 63 00'),
    attributes: { unknown: [{ flags: 0xe0, type: 99, value: new Uint8Array(0) }] },
  },
  {
    name: 'an unknown non-transitive attribute, quietly ignored',
    type: 26,
    bytes: hex('80 1a 0b 01 000b 0000000000000001'),
    attributes: {},
    decodeOnly: true,
  },
];

export const attributeVectors: readonly AttributeVector[] = [
  ...basic,
  ...paths,
  ...groups,
  ...multiprotocol,
  ...unknown,
];
