/**
 * RFC 7606 as a table: each attribute, each kind of damage to its value, and what that costs. What is written here is the RFC's text,
 * not the decoder's table.
 */
import type { Disposition } from '../../bgp/wire/attributes/entry.js';

type Outcome = Disposition | 'kept';

export interface AttributeDamage {
  readonly attribute: AttributeName;
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
export const intact = {
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
  OTC: ['c0', '23', '0000fde9'],
} as const;

export type AttributeName = keyof typeof intact;
export const attributeNames = Object.keys(intact) as AttributeName[];
export const internalOnly: readonly string[] = ['LOCAL_PREF', 'ORIGINATOR_ID', 'CLUSTER_LIST'];
export const holdsRoutes: readonly string[] = ['MP_REACH_NLRI', 'MP_UNREACH_NLRI'];
export const oldSpeakers: readonly AttributeName[] = ['AS4_PATH', 'AS4_AGGREGATOR'];

function lengths(
  attribute: AttributeName,
  section: string,
  outcome: Disposition,
  subcode: number,
  values: readonly string[],
  more: Partial<AttributeDamage> = {},
): readonly AttributeDamage[] {
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

export const attributeDamages: readonly AttributeDamage[] = [
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
  ...lengths('OTC', 'RFC 9234 section 5', 'treat-as-withdraw', 5, ['', '00fde9', '0000fde900']),
];
