import test from 'ava';
import fc from 'fast-check';
import { beside, filterRules, localPrefOf } from '../../../agent/calculators/bgp-filters.js';
import type { RoutePolicyRule } from '../../../bgp/speaker/contract.js';
import { ipv4FromNumber } from '../../../core/ip-address.js';
import { prefixContains, prefixLength, prefixOf } from '../../../core/prefix.js';
import type { BGPFilterRule } from '../../../core/resources/resource.js';
import { asn, bgpFilter, cidr } from '../documents.js';

type Within = NonNullable<RoutePolicyRule['within']>;

const inside = { cidr: cidr('10.0.0.0/8'), matchOperator: 'In' } as const;
const withinOf = (rule: Partial<BGPFilterRule>) =>
  filterRules([bgpFilter('f', { importV4: [{ action: 'Accept', ...rule }] })], 'import', ['ipv4'])[0]?.within;

test('each match operator, with and without a range of lengths', t => {
  const prefix = cidr('10.0.0.0/8');
  t.is(withinOf({}), undefined);
  t.deepEqual(withinOf(inside), { prefix, minLength: 8, maxLength: 32 });
  t.deepEqual(withinOf({ ...inside, matchOperator: 'Equal' }), { prefix, minLength: 8, maxLength: 8 });
  t.deepEqual(withinOf({ ...inside, matchOperator: 'NotEqual' }), {
    prefix,
    minLength: 8,
    maxLength: 8,
    negated: true,
  });
  t.deepEqual(withinOf({ ...inside, prefixLength: { min: 16, max: 24 } }), {
    prefix,
    minLength: 16,
    maxLength: 24,
  });
  t.deepEqual(withinOf({ ...inside, prefixLength: { max: 24 } }), { prefix, minLength: 8, maxLength: 24 });
  t.deepEqual(withinOf({ ...inside, matchOperator: 'NotIn', prefixLength: { min: 16 } }), {
    prefix,
    minLength: 16,
    maxLength: 32,
    negated: true,
  });
});

test('every other match, and every operation in its order', t => {
  const filter = bgpFilter('f', {
    exportV4: [
      {
        action: 'Accept',
        source: 'RemotePeers',
        peerType: 'eBGP',
        interface: 'eth0',
        communities: { values: ['64512:1'] },
        asPathPrefix: [asn(65001)],
        priority: 1024,
        operations: [
          { setPriority: { value: 512 } },
          { prependASPath: { prefix: [asn(1), asn(2)] } },
          { addCommunity: { value: '64512:1:2' } },
        ],
      },
      { action: 'Reject', peerType: 'iBGP' },
    ],
  });
  t.deepEqual(filterRules([filter], 'export', ['ipv4']), [
    {
      within: undefined,
      source: 'peers',
      peerType: 'ebgp',
      communities: ['64512:1'],
      asPathPrefix: [asn(65001)],
      localPref: 2147482623,
      interface: 'eth0',
      action: 'accept',
      operations: [
        { kind: 'set-local-pref', value: 2147483135 },
        { kind: 'prepend-as-path', asns: [asn(1), asn(2)] },
        { kind: 'add-communities', communities: ['64512:1:2'] },
      ],
      reason: 'BGPFilter f, exportV4[0]',
    },
    {
      within: undefined,
      source: 'any',
      peerType: 'ibgp',
      action: 'reject',
      reason: 'BGPFilter f, exportV4[1]',
    },
  ]);
  t.is(localPrefOf(2147483646), 1);
});

test('filters stand in their order, each list in its own direction and family', t => {
  const a = bgpFilter('a', { importV4: [{ action: 'Accept' }], importV6: [{ action: 'Reject' }] });
  const b = bgpFilter('b', { importV4: [{ action: 'Reject' }], exportV4: [{ action: 'Reject' }] });
  const reasons = (...given: Parameters<typeof filterRules>) =>
    filterRules(...given).map(({ reason }) => reason);
  t.deepEqual(reasons([a, b], 'import', ['ipv4']), ['BGPFilter a, importV4[0]', 'BGPFilter b, importV4[0]']);
  t.deepEqual(reasons([b, a], 'import', ['ipv6']), ['BGPFilter a, importV6[0]']);
  t.deepEqual(reasons([a, b], 'export', ['ipv4']), ['BGPFilter b, exportV4[0]']);
  t.deepEqual(reasons([a], 'export', ['ipv4']), []);
});

test('where a session carries both families, no rule speaks of the other one', t => {
  const filter = bgpFilter('f', {
    importV4: [{ action: 'Accept' }, { action: 'Reject', ...inside, matchOperator: 'NotIn' }],
    importV6: [{ action: 'Reject' }],
  });
  const rules = filterRules([filter], 'import', ['ipv4', 'ipv6']);
  t.true(rules.every(({ within }) => within !== undefined && within.negated === undefined));
  t.deepEqual(rules[0]?.within, { prefix: cidr('0.0.0.0/0'), minLength: 0, maxLength: 32 });
  t.deepEqual(rules.at(-1)?.within, { prefix: cidr('::/0'), minLength: 0, maxLength: 128 });
});

test('what is beside a range is all that is not in it, and nothing else', t => {
  const matches = ({ prefix, minLength, maxLength }: Within, one: ReturnType<typeof prefixOf>) =>
    prefixContains(prefix, one) && prefixLength(one) >= minLength && prefixLength(one) <= maxLength;
  const near = fc
    .tuple(
      fc.integer({ min: 0, max: 32 }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 32 }),
    )
    .map(([length, noise, same]) => {
      const mask = same === 0 ? 0 : (-1 << (32 - same)) >>> 0;
      return prefixOf(ipv4FromNumber((((0x0a0b0c0d & mask) | (noise & ~mask)) >>> 0) as number), length);
    });
  const lengths = fc
    .integer({ min: 0, max: 32 })
    .chain(own =>
      fc
        .tuple(fc.constant(own), fc.integer({ min: own, max: 32 }))
        .chain(([, min]) => fc.integer({ min, max: 32 }).map(max => [own, min, max] as const)),
    );
  let [inRange, out] = [0, 0];
  fc.assert(
    fc.property(lengths, near, ([own, minLength, maxLength], one) => {
      const range = { prefix: prefixOf(ipv4FromNumber(0x0a0b0c0d), own), minLength, maxLength };
      const isIn = matches(range, one);
      if (isIn) inRange++;
      else out++;
      return isIn !== beside(range).some(part => matches(part, one));
    }),
    { numRuns: 5000 },
  );
  t.true(inRange > 100 && out > 100, `${inRange} in, ${out} out`);
});
