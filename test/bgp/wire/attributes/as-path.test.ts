import test from 'ava';
import {
  type AsPath,
  asPathLength,
  countAsn,
  emptyAsPath,
  firstAsn,
  formatAsPath,
  prependAsn,
} from '../../../../bgp/wire/attributes/as-path.js';

const path: AsPath = [
  { type: 'sequence', asns: [65001, 65002, 65001] },
  { type: 'set', asns: [65003, 65004, 65001] },
];

test('a set counts as one (RFC 4271 section 9.1.2.2 a)', t => {
  t.is(asPathLength(path), 4);
  t.is(asPathLength(emptyAsPath), 0);
});

test('an AS is counted wherever it stands', t => {
  t.is(countAsn(path, 65001), 3);
  t.is(countAsn(path, 64512), 0);
});

test('the neighbouring AS leads a sequence, or is not known (RFC 4271 section 9.1.2.2 c)', t => {
  t.is(firstAsn(path), 65001);
  t.is(firstAsn(path.slice(1)), undefined);
  t.is(firstAsn(emptyAsPath), undefined);
});

test('an AS goes in front of the leading sequence (RFC 4271 section 5.1.2 b 1)', t => {
  t.deepEqual(prependAsn(path, 64512), [
    { type: 'sequence', asns: [64512, 65001, 65002, 65001] },
    { type: 'set', asns: [65003, 65004, 65001] },
  ]);
});

test('an AS makes a sequence of its own before a set, a full sequence, or nothing (RFC 4271 section 5.1.2 b)', t => {
  const own = { type: 'sequence', asns: [64512] };
  const full: AsPath = [{ type: 'sequence', asns: Array.from({ length: 255 }, () => 65001) }];
  t.deepEqual(prependAsn(path.slice(1), 64512), [own, path[1]]);
  t.deepEqual(prependAsn(full, 64512), [own, full[0]]);
  t.deepEqual(prependAsn(emptyAsPath, 64512), [own]);
});

test('paths are written as operators read them', t => {
  t.is(formatAsPath(path), '65001 65002 65001 {65003 65004 65001}');
  t.is(formatAsPath(emptyAsPath), '');
});
