import test from 'ava';
import { hashRules, ReferenceList, targetOf } from '../../../policy/apply/rule-hash.js';
import { rule } from './filters.js';

const signature = (place: string, ...texts: readonly string[]) =>
  hashRules(
    place,
    texts.map(text => rule(text)),
  ).signature;

test('a rule’s hash depends on what it says, on its chain, and on all that stands before it', t => {
  t.is(signature('mgy-a', '-j X', '-j Y'), signature('mgy-a', '-j X', '-j Y'));
  const [first, second] = signature('mgy-a', '-j X', '-j Y').split(' ');
  t.is(signature('mgy-a', '-j X'), first);
  t.not(signature('mgy-a', '-j Z', '-j Y').split(' ')[1], second);
  t.not(signature('mgy-b', '-j X'), first);
  t.not(signature('mgy-a', '-j X -j Y'), `${first} ${second}`);
  t.not(signature('mgy-a', '-j X-', 'j'), signature('mgy-a', '-j X', '-j'));
  t.not(hashRules('mgy-a', [rule('-j X', 'why')]).signature, first, 'comments count');
});

test('a hundred thousand rules that differ little have as many hashes', t => {
  const rules = Array.from({ length: 100_000 }, (_, i) =>
    rule(`-s 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} -j X`),
  );
  const chained = hashRules('mgy-a', rules).signature.split(' ');
  t.is(new Set(chained).size, rules.length);
  const alone = rules.map(one => hashRules('mgy-a', [one]).signature);
  t.is(new Set(alone).size, rules.length);
  // Either half alone has to be good as well: 100 000 of 2^32 collide about once.
  for (const half of [(hash: string) => hash.slice(0, 8), (hash: string) => hash.slice(8)])
    t.true(new Set(alone.map(half)).size > rules.length - 20);
});

test('a comment cannot end itself, nor the line, nor be too long for the kernel', t => {
  const [line] = hashRules('mgy-a', [rule('-j X', `a" -j ACCEPT\n-A INPUT \\ü`, 'x'.repeat(300))]).lines;
  t.regex(
    line!,
    /^-m comment --comment "mgy:[0-9a-f]{16}" -m comment --comment "a_ -j ACCEPT_-A INPUT __" -m comment --comment "x{255}" -j X$/,
  );
  t.deepEqual(hashRules('mgy-a', [rule('-j X'), rule('-j X\n-A INPUT -j ACCEPT')]).broken, [1]);
});

test('what rules refer to is found in what is sent and in what is printed', t => {
  const list = new ReferenceList();
  list.add('-p tcp -m set --match-set mgy-a src -m set ! --match-set mgy-b dst,dst -j mgy-next');
  list.add('-g mgy-leaf');
  list.add('-j ACCEPT');
  list.add('-m set --match-set foreign src');
  t.deepEqual([...list.chains], ['mgy-next', 'mgy-leaf']);
  t.deepEqual([...list.sets], ['mgy-a', 'mgy-b', 'foreign']);
  t.is(targetOf('-j LOG --log-prefix x'), '');
});
