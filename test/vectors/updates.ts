/** Whole UPDATEs and what they mean to a peer of the given kind. */
import type { PathAttributes } from '../../bgp/wire/attributes/attributes.js';
import type { AttributeContext } from '../../bgp/wire/attributes/entry.js';
import type { PathIds } from '../../bgp/wire/update.js';
import type { Prefix } from '../../core/prefix.js';
import { hex } from '../support/hex.js';

export interface UpdateVector {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly context: AttributeContext;
  readonly withdrawn: readonly Prefix[];
  readonly announced: readonly Prefix[];
  readonly attributes: PathAttributes;
  /** RFC 7911, where the context has ADD-PATH. */
  readonly pathIds?: PathIds;
  /** The bytes are not what we would send. */
  readonly decodeOnly?: true;
}

const ibgp = { fourOctetAs: true, ibgp: true } as const;
const ebgp = { fourOctetAs: true, ibgp: false } as const;
const oldEbgp = { fourOctetAs: false, ibgp: false } as const;
const prefixes = (...texts: string[]) => texts as Prefix[];
const sequence = (...asns: number[]) => ({ type: 'sequence', asns }) as const;

export const updateVectors: readonly UpdateVector[] = [
  {
    name: 'UPDATE with nothing: End-of-RIB of IPv4 (RFC 4724 section 2)',
    bytes: hex('M 0017 02 0000 0000'),
    context: ibgp,
    withdrawn: [],
    announced: [],
    attributes: {},
  },
  {
    name: 'UPDATE with MP_UNREACH_NLRI alone: End-of-RIB of IPv6',
    bytes: hex('M 001d 02 0000 0006 80 0f 03 0002 01'),
    context: ibgp,
    withdrawn: [],
    announced: [],
    attributes: { mpUnreach: { afi: 2, safi: 1, withdrawn: new Uint8Array(0) } },
  },
  {
    name: 'UPDATE of a pod CIDR between hosts',
    bytes: hex(`M 0030 02 0000 0015 40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064
      18 0af401`),
    context: ibgp,
    withdrawn: [],
    announced: prefixes('10.244.1.0/24'),
    attributes: { origin: 0, asPath: [], nextHop: 0x0a000001, localPref: 100 },
  },
  {
    name: 'UPDATE from outside, with prefixes of every number of octets',
    bytes:
      hex(`M 0045 02 0000 001f 40 01 01 02 40 02 0a 02 02 0000fde9 00030d40 40 03 04 c0000201 80 04 04 00000000
      00 08 0a 0c ac10 18 c0a801 20 c0a80207`),
    context: ebgp,
    withdrawn: [],
    announced: prefixes('0.0.0.0/0', '10.0.0.0/8', '172.16.0.0/12', '192.168.1.0/24', '192.168.2.7/32'),
    attributes: { origin: 2, asPath: [sequence(65001, 200000)], nextHop: 0xc0000201, multiExitDisc: 0 },
  },
  {
    name: 'UPDATE with bits beyond the length of a prefix, of no consequence (RFC 4271 section 4.3)',
    bytes: hex('M 002e 02 0000 0014 40 01 01 00 40 02 06 02 01 0000fde9 40 03 04 c0000201 0c acff'),
    context: ebgp,
    withdrawn: [],
    announced: prefixes('172.240.0.0/12'),
    attributes: { origin: 0, asPath: [sequence(65001)], nextHop: 0xc0000201 },
    decodeOnly: true,
  },
  {
    name: 'UPDATE that withdraws',
    bytes: hex('M 0020 02 0009 18 0af401 20 0af40203 0000'),
    context: ibgp,
    withdrawn: prefixes('10.244.1.0/24', '10.244.2.3/32'),
    announced: [],
    attributes: {},
  },
  {
    name: 'UPDATE that withdraws and announces at once',
    bytes: hex(`M 0033 02 0004 18 0af401 0014 40 01 01 00 40 02 06 02 01 0000fde9 40 03 04 c0000201
      18 0af402`),
    context: ebgp,
    withdrawn: prefixes('10.244.1.0/24'),
    announced: prefixes('10.244.2.0/24'),
    attributes: { origin: 0, asPath: [sequence(65001)], nextHop: 0xc0000201 },
  },
  {
    name: 'UPDATE from an old speaker: AS4_PATH and AS4_AGGREGATOR fill in (RFC 6793 section 4.2.3)',
    bytes: hex(`M 0052 02 0000 0037 40 01 01 00 40 02 08 02 03 fde9 5ba0 5ba0 40 03 04 c0000201
      c0 07 06 5ba0 0a000001 c0 11 0a 02 02 00030d40 00030d41 c0 12 08 00030d41 0a000001
      18 0af402`),
    context: oldEbgp,
    withdrawn: [],
    announced: prefixes('10.244.2.0/24'),
    attributes: {
      origin: 0,
      asPath: [sequence(65001, 200000, 200001)],
      nextHop: 0xc0000201,
      aggregator: { asn: 200001, address: 0x0a000001 },
    },
    decodeOnly: true,
  },
  {
    name: 'UPDATE with IPv6 routes',
    bytes: hex(`M 0057 02 0000 0040 80 0e 28 0002 01 10 20010db8000000000000000000000001 00
      00 40 20010db800000001 40 fd000000000000 01
      40 01 01 00 40 02 00 40 05 04 00000064 c0 08 04 fde80064`),
    context: ibgp,
    withdrawn: [],
    announced: prefixes('::/0', '2001:db8:0:1::/64', 'fd00:0:0:1::/64'),
    attributes: {
      origin: 0,
      asPath: [],
      localPref: 100,
      communities: [0xfde80064],
      mpReach: {
        afi: 2,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001'),
        nlri: hex('00 40 20010db800000001 40 fd000000000000 01'),
      },
    },
    decodeOnly: true,
  },
  {
    name: 'UPDATE that withdraws IPv6 routes',
    bytes: hex('M 0026 02 0000 000f 80 0f 0c 0002 01 40 20010db800000001'),
    context: ebgp,
    withdrawn: prefixes('2001:db8:0:1::/64'),
    announced: [],
    attributes: { mpUnreach: { afi: 2, safi: 1, withdrawn: hex('40 20010db800000001') } },
    decodeOnly: true,
  },
  {
    name: 'UPDATE with two paths of a prefix and another prefix (RFC 7911 section 3)',
    bytes: hex(`M 0040 02 0000 0014 40 01 01 00 40 02 06 02 01 0000fde9 40 03 04 c0000201
      00000001 18 0af402 ffffffff 18 0af402 00000007 00`),
    context: { ...ebgp, addPath: ['ipv4-unicast'] },
    withdrawn: [],
    announced: prefixes('10.244.2.0/24', '10.244.2.0/24', '0.0.0.0/0'),
    attributes: { origin: 0, asPath: [sequence(65001)], nextHop: 0xc0000201 },
    pathIds: { withdrawn: [], announced: [1, 0xffffffff, 7] },
  },
  {
    name: 'UPDATE that withdraws one path of a prefix',
    bytes: hex('M 001f 02 0008 00000002 18 0af401 0000'),
    context: { ...ibgp, addPath: ['ipv4-unicast'] },
    withdrawn: prefixes('10.244.1.0/24'),
    announced: [],
    attributes: {},
    pathIds: { withdrawn: [2], announced: [] },
  },
  {
    name: 'UPDATE with paths of IPv6 prefixes, told and withdrawn, and of an IPv4 prefix without ADD-PATH',
    bytes: hex(`M 0068 02 0000 004d 80 0e 22 0002 01 10 20010db8000000000000000000000001 00
      00000003 40 20010db800000001 80 0f 10 0002 01 00000004 40 20010db800000002
      40 01 01 00 40 02 00 40 03 04 0a000001 40 05 04 00000064 18 0af401`),
    context: { ...ibgp, addPath: ['ipv6-unicast'] },
    withdrawn: prefixes('2001:db8:0:2::/64'),
    announced: prefixes('10.244.1.0/24', '2001:db8:0:1::/64'),
    attributes: {
      origin: 0,
      asPath: [],
      nextHop: 0x0a000001,
      localPref: 100,
      mpReach: {
        afi: 2,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001'),
        nlri: hex('00000003 40 20010db800000001'),
      },
      mpUnreach: { afi: 2, safi: 1, withdrawn: hex('00000004 40 20010db800000002') },
    },
    pathIds: { withdrawn: [4], announced: [undefined, 3] },
    decodeOnly: true,
  },
  {
    name: 'UPDATE of an IPv4 prefix with an IPv6 next hop (RFC 8950 section 3)',
    bytes: hex(`M 0040 02 0000 0029 80 0e 19 0001 01 10 20010db8000000000000000000000001 00 18 0af402
      40 01 01 00 40 02 06 02 01 0000fde9`),
    context: { ...ebgp, extendedNextHop: true },
    withdrawn: [],
    announced: prefixes('10.244.2.0/24'),
    attributes: {
      origin: 0,
      asPath: [sequence(65001)],
      mpReach: {
        afi: 1,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001'),
        nlri: hex('18 0af402'),
      },
    },
    decodeOnly: true,
  },
  {
    name: 'UPDATE of an IPv4 prefix with a global and a link-local next hop',
    bytes: hex(`M 0050 02 0000 0039 80 0e 29 0001 01 20 20010db8000000000000000000000001
      fe800000000000000000000000000001 00 18 0af402 40 01 01 00 40 02 06 02 01 0000fde9`),
    context: { ...ebgp, extendedNextHop: true },
    withdrawn: [],
    announced: prefixes('10.244.2.0/24'),
    attributes: {
      origin: 0,
      asPath: [sequence(65001)],
      mpReach: {
        afi: 1,
        safi: 1,
        nextHop: hex('20010db8000000000000000000000001 fe800000000000000000000000000001'),
        nlri: hex('18 0af402'),
      },
    },
    decodeOnly: true,
  },
  {
    name: 'UPDATE of a family that is none of ours',
    bytes: hex('M 002c 02 0000 0015 80 0e 0b 0019 46 04 0a000001 00 03 01 40 01 01 00 40 02 00'),
    context: ebgp,
    withdrawn: [],
    announced: [],
    attributes: {
      origin: 0,
      asPath: [],
      mpReach: { afi: 25, safi: 70, nextHop: hex('0a000001'), nlri: hex('03 01') },
    },
  },
];
