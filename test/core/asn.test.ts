import test from 'ava';
import { isPrivateAsn, parseAsn } from '../../core/asn.js';

test('AS numbers are 1 to 4294967295, as number, asplain or asdot', t => {
  const good: [number | string, number][] = [
    [1, 1],
    ['64512', 64512],
    [4294967295, 4294967295],
    ['1.0', 65536],
    ['65535.65535', 4294967295],
    ['0.100', 100],
  ];
  for (const [input, asn] of good) t.is<unknown, unknown>(parseAsn(input), asn, String(input));
  for (const bad of [
    0,
    -1,
    1.5,
    Number.NaN,
    4294967296,
    '',
    '0',
    '01',
    '4294967296',
    '1.65536',
    '1.',
    'AS1',
    '0.0',
    '1e3',
  ]) {
    t.is(parseAsn(bad), undefined, String(bad));
  }
});

test('private numbers are those of RFC 6996', t => {
  const verdict = (asn: number) => isPrivateAsn(parseAsn(asn) as never);
  t.deepEqual([64511, 64512, 65534, 65535, 4199999999, 4200000000, 4294967294, 4294967295].map(verdict), [
    false,
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
});
