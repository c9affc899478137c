import test from 'ava';
import fc from 'fast-check';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import {
  changedSet,
  type FoundSet,
  HOSTS_SET,
  isFit,
  isOwnSet,
  parseSavedSet,
  SPARE_SET,
  setChange,
  setKinds,
  setPlan,
  wantedElements,
} from '../../ipip/known-hosts-set.js';

const head = `create ${HOSTS_SET} hash:net family inet hashsize 1024 maxelem 1048576 bucketsize 12 initval 0x88d382fe`;
const saved = (...elements: string[]) =>
  [head, ...elements.map(one => `add ${HOSTS_SET} ${one}`), ''].join('\n');
const found = (...elements: string[]) => parseSavedSet(saved(...elements));
const wanted = (...elements: string[]): ReadonlySet<string> => new Set(elements);
const trim = { trim: true, spare: false };
const ipv4 = setKinds.ipv4;

test('hosts and networks become elements as ipset prints them; IPv6 is left out, and no element has length 0', t => {
  const hosts = ['10.0.0.1', 'fd00::1', '10.0.0.2'] as IpAddress[];
  const networks = ['192.0.2.0/24', '192.0.2.7/32', 'fd00::/64', '0.0.0.0/0', '10.0.0.1/32'] as Prefix[];
  t.deepEqual(
    [...wantedElements(hosts, networks, ipv4)],
    ['10.0.0.1', '10.0.0.2', '192.0.2.0/24', '192.0.2.7', '0.0.0.0/1', '128.0.0.0/1'],
  );
});

test('what ipset saves is read: type, sizes, elements, and elements with something of their own', t => {
  const set = found('10.0.0.0/24', '10.0.0.9 nomatch', '10.0.0.1');
  t.deepEqual([...set.members], ['10.0.0.0/24', '10.0.0.1']);
  t.deepEqual([...set.odd], ['10.0.0.9']);
  t.like(set, { type: 'hash:net family inet', plain: true, maxelem: 1048576 });
});

test('a set is fit if it is of the right type and family, its elements stay, and there is room', t => {
  t.true(isFit(found('10.0.0.1'), 100_000, ipv4));
  const misfits = [
    'hash:ip family inet hashsize 1024 maxelem 65536',
    'hash:net family inet6 hashsize 1024 maxelem 65536',
    'hash:net family inet hashsize 1024 maxelem 65536 timeout 5',
    'hash:net family inet hashsize 1024 maxelem 65536 counters',
    'hash:net family inet hashsize 1024 maxelem 65536 forceadd bucketsize 12',
    'hash:net family inet hashsize 1024 maxelem 2',
    'list:set size 8',
    'bitmap:port range 1-100',
  ];
  for (const one of misfits) t.false(isFit(parseSavedSet(`create ${HOSTS_SET} ${one}\n`), 3, ipv4), one);
  t.true(isFit(parseSavedSet(`create ${HOSTS_SET} hash:net family inet hashsize 1024 maxelem 3\n`), 3, ipv4));
});

test('only what differs is written, additions first; what is not wanted stays until it may go', t => {
  const set = found('10.0.0.1', '10.0.0.2');
  t.is(
    setChange(HOSTS_SET, set, wanted('10.0.0.2', '10.0.0.3'), trim, ipv4).input,
    `add ${HOSTS_SET} 10.0.0.3\ndel ${HOSTS_SET} 10.0.0.1\n`,
  );
  t.is(
    setChange(HOSTS_SET, set, wanted('10.0.0.2', '10.0.0.3'), { ...trim, trim: false }, ipv4).input,
    `add ${HOSTS_SET} 10.0.0.3\n`,
  );
  t.is(setChange(HOSTS_SET, set, wanted('10.0.0.2', '10.0.0.1'), trim, ipv4).input, undefined);
});

test('an element that excludes itself from its network is written over, or deleted', t => {
  const set = found('10.0.0.8 nomatch', '10.0.0.9 nomatch');
  const change = setChange(HOSTS_SET, set, wanted('10.0.0.9'), trim, ipv4);
  t.is(change.input, `add ${HOSTS_SET} 10.0.0.9\ndel ${HOSTS_SET} 10.0.0.8\n`);
  t.is(setChange(HOSTS_SET, changedSet(set, change), wanted('10.0.0.9'), trim, ipv4).input, undefined);
});

test('more deletions than there are hosts that stay are one swap, after the additions', t => {
  const many = Array.from({ length: 1500 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const change = setChange(
    HOSTS_SET,
    found(...many),
    wanted('10.1.0.0', '10.9.9.9'),
    { ...trim, spare: true },
    ipv4,
  );
  t.deepEqual(change.input?.trimEnd().split('\n'), [
    `add ${HOSTS_SET} 10.9.9.9`,
    `destroy ${SPARE_SET}`,
    `create ${SPARE_SET} hash:net family inet maxelem 1048576`,
    `add ${SPARE_SET} 10.1.0.0`,
    `add ${SPARE_SET} 10.9.9.9`,
    `swap ${SPARE_SET} ${HOSTS_SET}`,
    `destroy ${SPARE_SET}`,
  ]);
  const half = setChange(HOSTS_SET, found(...many), wanted(...many.slice(750)), trim, ipv4);
  t.false(half.input?.includes('swap'));
});

test('a set that is not there is made; one that no rule refers to is destroyed first', t => {
  const made = `create ${HOSTS_SET} hash:net family inet maxelem 1048576\nadd ${HOSTS_SET} 10.0.0.1\n`;
  const none = { main: undefined, spare: undefined, mainReferenced: false };
  t.like(setPlan(none, wanted('10.0.0.1'), ipv4), { use: HOSTS_SET, input: made, obsolete: [] });
  const other = parseSavedSet(`create ${HOSTS_SET} hash:ip family inet hashsize 1024 maxelem 65536\n`);
  const input = `destroy ${HOSTS_SET}\n${made}`;
  t.like(setPlan({ ...none, main: other, spare: other }, wanted('10.0.0.1'), ipv4), {
    use: HOSTS_SET,
    input,
  });
});

test('one that rules refer to is swapped, with all that it holds; one of another type gives way to the spare', t => {
  const expiring = parseSavedSet(
    `create ${HOSTS_SET} hash:net family inet hashsize 1024 maxelem 65536 timeout 9\nadd ${HOSTS_SET} 10.0.0.7\n`,
  );
  const swapped = setPlan(
    { main: found('10.0.0.7'), spare: undefined, mainReferenced: true },
    wanted('10.0.0.1'),
    ipv4,
  );
  t.deepEqual([...swapped.set.members], ['10.0.0.7', '10.0.0.1']);
  t.is(setPlan({ main: expiring, spare: undefined, mainReferenced: true }, wanted(), ipv4).use, HOSTS_SET);
  const other = parseSavedSet(`create ${HOSTS_SET} hash:ip family inet hashsize 1024 maxelem 65536\n`);
  const aside = setPlan({ main: other, spare: undefined, mainReferenced: true }, wanted('10.0.0.1'), ipv4);
  t.like(aside, { use: SPARE_SET, obsolete: [HOSTS_SET] });
  const again = setPlan({ main: other, spare: aside.set, mainReferenced: true }, wanted('10.0.0.1'), ipv4);
  t.like(again, { use: SPARE_SET, input: undefined, obsolete: [HOSTS_SET] });
});

test('a set that is made has room for twice as many', t => {
  const members = new Set(Array.from({ length: 600_000 }, (_, i) => String(i)));
  const { set, input } = setPlan({ main: undefined, spare: undefined, mainReferenced: false }, members, ipv4);
  t.true(isFit(set, members.size, ipv4));
  t.is(parseSavedSet(input!.split('\n')[0]!).maxelem, set.maxelem);
});

test('sets are ours by their names, each of one family', t => {
  for (const name of [HOSTS_SET, SPARE_SET, 'margay-hosts6', 'margay-hosts6-spare'])
    t.true(isOwnSet(name, ipv4) !== isOwnSet(name, setKinds.ipv6), name);
  for (const name of ['margay-hosts2', 'margay', 'cali40all-hosts-net', 'x-margay-hosts'])
    t.false(isOwnSet(name, ipv4) || isOwnSet(name, setKinds.ipv6), name);
});

test('whatever a set holds, one change makes it what is wanted, and a second is none', t => {
  const element = fc.integer({ min: 0, max: 30 }).map(i => `10.0.0.${i}`);
  const arbitrary = fc.record({
    members: fc.uniqueArray(element),
    odd: fc.uniqueArray(element),
    wanted: fc.uniqueArray(element),
  });
  fc.assert(
    fc.property(arbitrary, ({ members, odd, wanted }) => {
      const set: FoundSet = {
        ...found(),
        members: new Set(members),
        odd: new Set(odd.filter(one => !members.includes(one))),
      };
      const target = new Set(wanted);
      const kept = changedSet(set, setChange(HOSTS_SET, set, target, { ...trim, trim: false }, ipv4));
      const trimmed = changedSet(kept, setChange(HOSTS_SET, kept, target, trim, ipv4));
      t.true([...members, ...wanted].every(one => kept.members.has(one)));
      t.deepEqual([...trimmed.members].sort(), [...target].sort());
      t.is(setChange(HOSTS_SET, trimmed, target, trim, ipv4).input, undefined);
    }),
  );
});

test('the set of IPv6 holds IPv6 alone, and has a name of its own', t => {
  const ipv6 = setKinds.ipv6;
  const hosts = ['10.0.0.1', 'fd00::1'] as IpAddress[];
  const networks = ['192.0.2.0/24', 'fd01::/64', 'fd02::1/128', '::/0'] as Prefix[];
  const elements = wantedElements(hosts, networks, ipv6);
  t.deepEqual([...elements], ['fd00::1', 'fd01::/64', 'fd02::1', '::/1', '8000::/1']);
  const none = { main: undefined, spare: undefined, mainReferenced: false };
  const plan = setPlan(none, wanted('fd00::1'), ipv6);
  t.is(plan.use, 'margay-hosts6');
  t.is(plan.input, 'create margay-hosts6 hash:net family inet6 maxelem 1048576\nadd margay-hosts6 fd00::1\n');
  t.true(isFit(plan.set, 1, ipv6));
  t.false(isFit(plan.set, 1, ipv4));
});
