import test from 'ava';
import fc from 'fast-check';
import { type Ipv4Address, ipv4FromNumber, ipv4ToNumber, parseIpv4 } from '../../../core/ip-address.js';
import { type Ipv4Prefix, prefixContainsAddress, prefixLength, prefixOf } from '../../../core/prefix.js';
import { RoutingTable } from '../../../ipip/udp/routing-table.js';

type Routes = readonly (readonly [Ipv4Prefix, string])[];

/** Every route is looked at; the longest that contains the address, and of equals the last. */
function slowLookup(routes: Routes, address: Ipv4Address): string | undefined {
  let best: readonly [Ipv4Prefix, string] | undefined;
  for (const route of routes) {
    if (!prefixContainsAddress(route[0], address)) continue;
    if (best === undefined || prefixLength(route[0]) >= prefixLength(best[0])) best = route;
  }
  return best?.[1];
}

// Few addresses on both sides of the sign, so that prefixes contain each other and come back.
const address = fc
  .tuple(fc.constantFrom(0, 0x0af40000, 0x7fffff00, 0x80000000, 0xac100000, 0xffffff00), fc.nat(0x1ff))
  .map(([base, low]) => ipv4FromNumber(base + low));
const route = fc
  .tuple(address, fc.constantFrom(0, 1, 8, 16, 23, 24, 24, 25, 26, 30, 31, 32), fc.string({ maxLength: 3 }))
  .map(([at, length, host]) => [prefixOf(at, length) as Ipv4Prefix, host] as const);

test('look-ups are those of the slow twin', t => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(route, { maxLength: 40 }), fc.array(address, { minLength: 1 }), (routes, wanted) => {
      const table = new RoutingTable(routes);
      for (const one of wanted) {
        const expected = slowLookup(routes, one);
        if (expected !== undefined) found++;
        t.is(table.lookup(ipv4ToNumber(one)), expected);
        t.is(table.lookup(ipv4ToNumber(one) | 0), expected);
      }
      t.is(table.size, new Set(routes.map(([prefix]) => prefix)).size);
    }),
    { numRuns: 2000 },
  );
  t.true(found > 1000, `${found} look-ups found something`);
});

test('an empty table has no way anywhere', t => {
  t.is(new RoutingTable<string>([]).lookup(ipv4ToNumber(parseIpv4('10.244.2.1')!)), undefined);
});
