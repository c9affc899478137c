/** Random values of everything the codec carries, for properties. */
import fc from 'fast-check';
import type { AsPath } from '../../bgp/wire/attributes/as-path.js';
import type { PathAttributes } from '../../bgp/wire/attributes/attributes.js';
import type { AttributeContext } from '../../bgp/wire/attributes/entry.js';
import type { Capability } from '../../bgp/wire/capabilities.js';
import type { Open } from '../../bgp/wire/open.js';
import { ipv4FromNumber, parseIpv6 } from '../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../core/prefix.js';

/** Plain objects, as the codec makes them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const u32 = fc.integer({ min: 0, max: 4294967295 });
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Small, around the 16-bit border, or anything. */
export const asn = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 65534, max: 65537 }),
  fc.constant(23456),
  fc.integer({ min: 1, max: 4294967295 }),
);

export const asPath: fc.Arbitrary<AsPath> = fc.array(
  record({
    type: fc.constantFrom('sequence' as const, 'set' as const),
    asns: fc.oneof(
      { weight: 20, arbitrary: fc.array(asn, { minLength: 1, maxLength: 6 }) },
      { weight: 1, arbitrary: fc.array(asn, { minLength: 250, maxLength: 255, size: 'max' }) },
    ),
  }),
  { maxLength: 4 },
);

const familyNumbers = record({ afi: u16, safi: u8 });

/** Of a length that no known code has, or of a code that nobody knows. */
const unknownCapability = record({
  kind: fc.constant('unknown' as const),
  code: u8.filter(code => ![1, 2, 5, 6, 9, 64, 65, 69, 70, 71].includes(code)),
  value: bytes(0, 40),
});

export const capability: fc.Arbitrary<Capability> = fc.oneof(
  familyNumbers.map(family => ({ kind: 'multiprotocol', ...family }) as const),
  fc.constantFrom<Capability>(
    { kind: 'route-refresh' },
    { kind: 'extended-message' },
    { kind: 'enhanced-route-refresh' },
  ),
  u32.map(number => ({ kind: 'four-octet-as', asn: number }) as const),
  u8.map(value => ({ kind: 'role', value }) as const),
  record({
    kind: fc.constant('graceful-restart' as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    restartTimeSeconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(record({ afi: u16, safi: u8, forwarding: fc.boolean() }), { maxLength: 8 }),
  }),
  record({
    kind: fc.constant('long-lived-graceful-restart' as const),
    families: fc.array(
      record({
        afi: u16,
        safi: u8,
        forwarding: fc.boolean(),
        staleSeconds: fc.integer({ min: 0, max: 0xffffff }),
      }),
      { maxLength: 8 },
    ),
  }),
  record({
    kind: fc.constant('add-path' as const),
    families: fc.array(record({ afi: u16, safi: u8, direction: u8 }), { minLength: 1, maxLength: 8 }),
  }),
  unknownCapability,
);

/** Any number of capabilities, so that both forms of optional parameters come up. */
export const open: fc.Arbitrary<Open> = record({
  version: fc.constant(4),
  asn: u16,
  holdTimeSeconds: u16,
  routerId: u32.map(ipv4FromNumber),
  capabilities: fc.array(capability, { maxLength: 40, size: 'max' }),
});

export const ipv4Prefix: fc.Arbitrary<Prefix> = fc
  .tuple(u32, fc.integer({ min: 0, max: 32 }))
  .map(([address, length]) => prefixOf(ipv4FromNumber(address), length) as Prefix);

export const ipv6Prefix: fc.Arbitrary<Prefix> = fc
  .tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))
  .map(([address, length]) => prefixOf(parseIpv6(address)!, length));

const knownTypes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 35];

const unknownAttributes = fc
  .uniqueArray(
    record({
      flags: fc.constantFrom(0xe0, 0xc0),
      type: u8.filter(type => !knownTypes.includes(type)),
      value: fc.oneof(
        { weight: 10, arbitrary: bytes(0, 20) },
        { weight: 1, arbitrary: fc.uint8Array({ minLength: 250, maxLength: 260, size: 'max' }) },
      ),
    }),
    { minLength: 1, maxLength: 3, selector: ({ type }) => type },
  )
  .map(list => list.toSorted((a, b) => a.type - b.type));

const nextHop = u32.filter(address => address >>> 24 !== 0 && address >>> 24 < 224);
const largeCommunityList = fc.uniqueArray(fc.tuple(u32, u32, u32), {
  minLength: 1,
  maxLength: 8,
  selector: value => value.join(':'),
});

/** As if somebody on the way had known none of the optional transitive ones. */
function withPartial(attributes: PathAttributes): PathAttributes {
  const { aggregator, communities, extendedCommunities, largeCommunities, onlyToCustomer } = attributes;
  const optional = {
    7: aggregator,
    8: communities,
    16: extendedCommunities,
    32: largeCommunities,
    35: onlyToCustomer,
  };
  const present = Object.entries(optional).filter(([, value]) => value !== undefined);
  return present.length === 0
    ? attributes
    : { ...attributes, partial: present.map(([type]) => Number(type)) };
}

/** What a peer of the given kind may send; without MP attributes, whose prefixes have an encoding of their own. */
export function pathAttributes({ ibgp }: AttributeContext): fc.Arbitrary<PathAttributes> {
  const internal = {
    localPref: u32,
    originatorId: u32,
    clusterList: fc.array(u32, { minLength: 1, maxLength: 8 }),
  };
  const fields = fc.record(
    {
      origin: fc.integer({ min: 0, max: 2 }),
      asPath,
      nextHop,
      multiExitDisc: u32,
      ...(ibgp ? internal : {}),
      atomicAggregate: fc.constant(true as const),
      aggregator: record({ asn, address: u32 }),
      communities: fc.array(u32, { minLength: 1, maxLength: 80 }),
      extendedCommunities: fc.array(bytes(8, 8), { minLength: 1, maxLength: 40 }),
      largeCommunities: largeCommunityList,
      onlyToCustomer: u32,
      unknown: unknownAttributes,
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  return fc
    .tuple(fields, fc.boolean())
    .map(([attributes, partial]) => (partial ? withPartial(attributes) : attributes));
}
