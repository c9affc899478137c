/**
 * RFC 7606 as a matrix: each attribute, each kind of damage, from an internal and from an external peer. What is written here is
 * the RFC's text, not the table's.
 */
import test from 'ava';
import { decodeAttributes } from '../../../../bgp/wire/attributes/codec.js';
import type { Disposition } from '../../../../bgp/wire/attributes/entry.js';
import { attributeTable } from '../../../../bgp/wire/attributes/table.js';
import { hex } from '../../../support/hex.js';

type Outcome = Disposition | 'kept';

interface Damage {
  readonly attribute: string;
  /** Of RFC 7606 where nothing else is said. */
  readonly section: string;
  readonly value: string;
  readonly damage: string;
  /** From an internal peer; and from an external one, where that differs. */
  readonly ibgp: Outcome;
  readonly ebgp?: Outcome;
  readonly subcode: number;
  /** Default: 4. */
  readonly asOctets?: 2;
}

/** A well-formed value of each, with the flags it must have. */
const intact = {
  ORIGIN: ['40', '01', '00'],
  AS_PATH: ['40', '02', '02 01 0000fde9'],
  NEXT_HOP: ['40', '03', '0a000001'],
  MULTI_EXIT_DISC: ['80', '04', '00000001'],
  LOCAL_PREF: ['40', '05', '00000064'],
  ATOMIC_AGGREGATE: ['40', '06', ''],
  AGGREGATOR: ['c0', '07', '0000fde9 0a000001'],
  COMMUNITIES: ['c0', '08', 'fde80064'],
  ORIGINATOR_ID: ['80', '09', '0a000001'],
  CLUSTER_LIST: ['80', '0a', '0a000001'],
  MP_REACH_NLRI: ['80', '0e', '0002 01 10 20010db8000000000000000000000001 00 00'],
  MP_UNREACH_NLRI: ['80', '0f', '0002 01 00'],
  EXTENDED_COMMUNITIES: ['c0', '10', '0002fde800000064'],
  AS4_PATH: ['c0', '11', '02 01 00030d40'],
  AS4_AGGREGATOR: ['c0', '12', '00030d40 0a000001'],
  LARGE_COMMUNITY: ['c0', '20', '00000001 00000002 00000003'],
} as const;

type Name = keyof typeof intact;
const names = Object.keys(intact) as Name[];
const internalOnly: readonly string[] = ['LOCAL_PREF', 'ORIGINATOR_ID', 'CLUSTER_LIST'];
const holdsRoutes: readonly string[] = ['MP_REACH_NLRI', 'MP_UNREACH_NLRI'];
const oldSpeakers: readonly string[] = ['AS4_PATH', 'AS4_AGGREGATOR'];

function lengths(
  attribute: Name,
  section: string,
  outcome: Disposition,
  subcode: number,
  values: readonly string[],
  more: Partial<Damage> = {},
): readonly Damage[] {
  const ebgp = internalOnly.includes(attribute) ? ({ ebgp: 'attribute-discard' } as const) : {};
  return values.map(value => {
    const octets = value.replaceAll(/\s/g, '').length / 2;
    return {
      attribute,
      section,
      value,
      damage: `${octets} octets`,
      ibgp: outcome,
      subcode,
      ...ebgp,
      ...more,
    };
  });
}

const damages: readonly Damage[] = [
  ...lengths('ORIGIN', '7.1', 'treat-as-withdraw', 5, ['', '0000']),
  {
    attribute: 'ORIGIN',
    section: '7.1',
    value: '03',
    damage: 'value 3',
    ibgp: 'treat-as-withdraw',
    subcode: 6,
  },
  {
    attribute: 'ORIGIN',
    section: '7.1',
    value: 'ff',
    damage: 'value 255',
    ibgp: 'treat-as-withdraw',
    subcode: 6,
  },
  ...(
    [
      ['02', 'half a segment header'],
      ['02 01', 'a segment without its AS'],
      ['02 02 0000fde9', 'a segment one AS short'],
      ['02 01 0000fde9 00', 'an octet after the segments'],
      ['02 00', 'a segment of no AS'],
      ['00 01 0000fde9', 'segment type 0'],
      ['05 01 0000fde9', 'segment type 5'],
      ['03 01 0000fde9', 'a confederation sequence (RFC 5065 section 5)'],
      ['04 01 0000fde9', 'a confederation set (RFC 5065 section 5)'],
      ['02 02 0000fde9 00000000', 'AS 0 (RFC 7607 section 2)'],
    ] as const
  ).map(([value, damage]) => {
    return {
      attribute: 'AS_PATH',
      section: '7.2',
      value,
      damage,
      ibgp: 'treat-as-withdraw',
      subcode: 11,
    } as const;
  }),
  ...lengths('NEXT_HOP', '7.3', 'treat-as-withdraw', 5, ['', '0a0000', '0a00000100']),
  ...(
    [
      ['00000000', '0.0.0.0'],
      ['00000001', '0.0.0.1'],
      ['e0000001', 'multicast'],
      ['f0000001', 'reserved'],
      ['ffffffff', 'broadcast'],
    ] as const
  ).map(([value, damage]) => {
    return {
      attribute: 'NEXT_HOP',
      section: '7.3',
      value,
      damage,
      ibgp: 'treat-as-withdraw',
      subcode: 8,
    } as const;
  }),
  ...lengths('MULTI_EXIT_DISC', '7.4', 'treat-as-withdraw', 5, ['', '000001', '0000000001']),
  ...lengths('LOCAL_PREF', '7.5', 'treat-as-withdraw', 5, ['', '000001', '0000000001']),
  ...lengths('ATOMIC_AGGREGATE', '7.6', 'attribute-discard', 5, ['00']),
  ...lengths('AGGREGATOR', '7.7', 'attribute-discard', 5, ['', 'fde9 0a000001', '0000fde9 0a00000100']),
  ...lengths('AGGREGATOR', '7.7', 'attribute-discard', 5, ['0000fde9 0a000001'], { asOctets: 2 }),
  {
    attribute: 'AGGREGATOR',
    section: '7.7',
    value: '00000000 0a000001',
    damage: 'AS 0 (RFC 7607 section 2)',
    ibgp: 'attribute-discard',
    subcode: 9,
  },
  ...lengths('COMMUNITIES', '7.8', 'treat-as-withdraw', 5, ['', 'fde800', 'fde8006400']),
  ...lengths('ORIGINATOR_ID', '7.9', 'treat-as-withdraw', 5, ['', '0a0000', '0a00000100']),
  ...lengths('CLUSTER_LIST', '7.10', 'treat-as-withdraw', 5, ['', '0a0000', '0a00000100']),
  ...lengths('MP_REACH_NLRI', '5.3', 'session-reset', 9, ['', '0002', '0002 01 10']),
  ...(
    [
      ['0002 01 04 0a000001 00 00', 'an IPv4 next hop for IPv6'],
      ['0002 01 0f 20010db80000000000000000000000 00 00', 'a next hop of 15 octets'],
      ['0002 01 00 00 00', 'no next hop'],
      ['0001 01 10 20010db8000000000000000000000001 00 00', 'an IPv6 next hop for IPv4 without RFC 8950'],
      ['0002 01 10 20010db8', 'a next hop past the attribute'],
      ['0019 46 10 20010db8', 'a next hop past the attribute, of a family that is none of ours'],
      ['0002 01 10 20010db8000000000000000000000001', 'no reserved octet'],
    ] as const
  ).map(([value, damage]) => {
    return {
      attribute: 'MP_REACH_NLRI',
      section: '7.11',
      value,
      damage,
      ibgp: 'session-reset',
      subcode: 9,
    } as const;
  }),
  ...(
    [
      ['0002 01 10 20010db8000000000000000000000001 00 81 00', 'a prefix of 129 bits'],
      ['0001 01 04 0a000001 00 21 00', 'an IPv4 prefix of 33 bits'],
      ['0002 01 10 20010db8000000000000000000000001 00 40 20010db8', 'a prefix past the attribute'],
    ] as const
  ).map(([value, damage]) => {
    return {
      attribute: 'MP_REACH_NLRI',
      section: '5.3',
      value,
      damage,
      ibgp: 'session-reset',
      subcode: 9,
    } as const;
  }),
  ...lengths('MP_UNREACH_NLRI', '5.3', 'session-reset', 9, ['', '0002']),
  ...(
    [
      ['0002 01 81', 'a prefix of 129 bits'],
      ['0001 01 21', 'an IPv4 prefix of 33 bits'],
      ['0002 01 08', 'a prefix past the attribute'],
    ] as const
  ).map(([value, damage]) => {
    return {
      attribute: 'MP_UNREACH_NLRI',
      section: '5.3',
      value,
      damage,
      ibgp: 'session-reset',
      subcode: 9,
    } as const;
  }),
  ...lengths('EXTENDED_COMMUNITIES', '7.14', 'treat-as-withdraw', 5, [
    '',
    '0002fde8000000',
    '0002fde80000006400',
  ]),
  ...(
    [
      ['', 'nothing'],
      ['02 00', 'a segment of no AS'],
      ['02 01 fde9', 'too small for one AS'],
      ['02 02 00030d40', 'a segment one AS short'],
      ['05 01 00030d40', 'segment type 5'],
      ['02 01 00000000', 'AS 0 (RFC 7607 section 2)'],
    ] as const
  ).map(([value, damage]) => {
    const section = 'RFC 6793 section 6';
    return {
      attribute: 'AS4_PATH',
      section,
      value,
      damage,
      ibgp: 'attribute-discard',
      subcode: 9,
      asOctets: 2,
    } as const;
  }),
  {
    attribute: 'AS4_PATH',
    section: 'RFC 6793 section 6',
    value: '03 01 00030d40 02 01 00030d40',
    damage: 'a confederation segment, which alone is dropped',
    ibgp: 'kept',
    subcode: 0,
    asOctets: 2,
  },
  ...lengths('AS4_AGGREGATOR', 'RFC 6793 section 6', 'attribute-discard', 5, ['', 'fde9 0a000001'], {
    asOctets: 2,
  }),
  {
    attribute: 'AS4_AGGREGATOR',
    section: 'RFC 6793 section 6',
    value: '00000000 0a000001',
    damage: 'AS 0 (RFC 7607 section 2)',
    ibgp: 'attribute-discard',
    subcode: 9,
    asOctets: 2,
  },
  ...lengths('LARGE_COMMUNITY', 'RFC 8092 section 6', 'treat-as-withdraw', 5, [
    '',
    '0000000100000002',
    '00000001000000020000000300',
  ]),
];

function attribute(flags: string, type: string, value: string): Uint8Array {
  const octets = value.replaceAll(/\s/g, '').length / 2;
  return hex(`${flags} ${type} ${octets.toString(16).padStart(2, '0')} ${value}`);
}

function outcomeOf(bytes: Uint8Array, ibgp: boolean, asOctets: 2 | 4 = 4) {
  const { problems, disposition } = decodeAttributes(bytes, 0, bytes.length, {
    fourOctetAs: asOctets === 4,
    ibgp,
  });
  return { outcome: disposition ?? 'kept', problems };
}

test('the matrix has every attribute of the table, and the table every one of the matrix', t => {
  t.deepEqual(attributeTable.map(({ name }) => name).toSorted(), names.toSorted());
  for (const name of names) {
    t.true(
      damages.some(damage => damage.attribute === name),
      name,
    );
  }
});

for (const { attribute: name, section, value, damage, ibgp, ebgp, subcode, asOctets } of damages) {
  const [flags, type] = intact[name as Name];
  const reference = section.startsWith('RFC') ? section : `RFC 7606 section ${section}`;

  test(`${name} with ${damage}${asOctets === 2 ? ' from an old speaker' : ''} (${reference})`, t => {
    const bytes = attribute(flags, type, value);
    for (const internal of [true, false]) {
      const expected = internal ? ibgp : (ebgp ?? ibgp);
      const { outcome, problems } = outcomeOf(bytes, internal, asOctets);
      t.is(outcome, expected, internal ? 'iBGP' : 'eBGP');
      if (expected === 'kept') continue;
      t.is(problems.length, 1);
      t.is(problems[0]!.type, Number.parseInt(type, 16));
      // The NOTIFICATION, should it come to one, carries the attribute (RFC 4271 section 6.3).
      t.deepEqual(problems[0]!.data, bytes);
      if (expected === ibgp) t.is(problems[0]!.subcode, subcode);
    }
  });
}

for (const name of names) {
  const [flags, type, value] = intact[name];
  const asOctets = oldSpeakers.includes(name) ? 2 : 4;

  test(`${name} intact is kept, from outside only where it belongs there`, t => {
    const bytes = attribute(flags, type, value);
    t.is(outcomeOf(bytes, true, asOctets).outcome, 'kept');
    const outside = internalOnly.includes(name) ? 'attribute-discard' : 'kept';
    t.is(outcomeOf(bytes, false, asOctets).outcome, outside);
  });

  test(`${name} with other Optional and Transitive bits (RFC 7606 sections 3 c and 5.3)`, t => {
    for (const other of ['00', '40', '80', 'c0']) {
      if (other === flags) continue;
      const { outcome, problems } = outcomeOf(attribute(other, type, value), true, asOctets);
      t.is(outcome, holdsRoutes.includes(name) ? 'session-reset' : 'treat-as-withdraw', other);
      t.is(problems[0]!.subcode, holdsRoutes.includes(name) ? 9 : 4);
    }
  });

  test(`${name} with Partial and the unused bits is kept (RFC 7606 section 3 c)`, t => {
    const other = (Number.parseInt(flags, 16) | 0x2f).toString(16);
    t.is(outcomeOf(attribute(other, type, value), true, asOctets).outcome, 'kept');
  });

  test(`${name} twice (RFC 7606 section 3 g)`, t => {
    const bytes = attribute(flags, type, value);
    const { outcome, problems } = outcomeOf(Uint8Array.of(...bytes, ...bytes), true, asOctets);
    t.is(outcome, holdsRoutes.includes(name) ? 'session-reset' : 'attribute-discard');
    t.deepEqual([problems.length, problems[0]!.subcode, problems[0]!.data.length], [1, 1, 0]);
  });

  test(`${name} cut off at every octet (RFC 7606 section 4)`, t => {
    const bytes = attribute(flags, type, value);
    const expected = holdsRoutes.includes(name) ? 'session-reset' : 'treat-as-withdraw';
    for (let length = 1; length < bytes.length; length++) {
      const { outcome, problems } = outcomeOf(bytes.subarray(0, length), true, asOctets);
      // Of one octet not even the type is there.
      t.is(outcome, length === 1 ? 'treat-as-withdraw' : expected, `${length} octets`);
      t.is(problems.length, 1);
    }
  });
}

for (const name of oldSpeakers) {
  test(`${name} from a peer with 4-octet AS numbers is discarded (RFC 6793 section 4.1)`, t => {
    const [flags, type, value] = intact[name as Name];
    t.is(outcomeOf(attribute(flags, type, value), true, 4).outcome, 'attribute-discard');
  });
}
