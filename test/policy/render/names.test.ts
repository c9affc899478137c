import test from 'ava';
import { allocateMarks } from '../../../policy/render/marks.js';
import { chainName, setName } from '../../../policy/render/names.js';
import { MAX_CHAIN_NAME } from '../../../policy/rendered.js';

test('a short plain name is kept, every other is a digest of the length that fits', t => {
  t.is(chainName('fw-', 'cali0123456789a'), 'mgy-fw-cali0123456789a');
  const names = ['GlobalNetworkPolicy/a', 'GlobalNetworkPolicy/b', 'a b', 'x'.repeat(22), '_x'];
  const long = names.map(name => chainName('pi-', name));
  t.is(new Set(long).size, names.length);
  for (const name of long) t.regex(name, /^mgy-pi-_[\w-]{20}$/);
  t.true(long.every(name => name.length === MAX_CHAIN_NAME));
});

test('a set has a name for each family', t => {
  t.not(setName('ipv4', 'a'), setName('ipv6', 'a'));
  t.not(setName('ipv4', 'a'), setName('ipv4', 'b'));
  t.true(setName('ipv4', 'a').length <= 31);
});

test('marks are the lowest bits of the mask, the highest bit among them; of connections one that packets do not have', t => {
  t.deepEqual(allocateMarks(0x80f00000), {
    mask: 0x80f00000,
    accept: 0x100000,
    pass: 0x200000,
    allBlocks: 0x400000,
    thisBlock: 0x800000,
    unjudged: 0x80000000,
    cut: 0x80000000,
  });
  t.like(allocateMarks(0xffff0000), { unjudged: 0x100000, cut: 0x200000 });
  t.throws(() => allocateMarks(0xf), { instanceOf: RangeError });
});
