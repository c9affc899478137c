import test from 'ava';
import {
  type GuardedEncapsulation,
  type GuardedInput,
  guardedBy,
  guardRules,
  inputPlan,
  noInputChain,
  parseInputChain,
  plannedChain,
  refersTo,
  removalPlan,
} from '../../ipip/input-chain.js';
import { HOSTS_SET, SPARE_SET } from '../../ipip/known-hosts-set.js';

const ipip: GuardedEncapsulation = { kind: 'ipip' };
const vxlan: GuardedEncapsulation = { kind: 'vxlan', port: 4789 };
const udp: GuardedEncapsulation = { kind: 'udp', port: 6081 };
const guardedInput = (receives: readonly GuardedEncapsulation[]): GuardedInput => ({
  receives,
  workloadInterfacePrefixes: ['cali'],
});
const rules = guardRules(guardedInput([ipip, vxlan]), HOSTS_SET);
const jump = '-A INPUT -m comment --comment "margay:tunnel-guard" -j margay-input';
const insert = '-I INPUT 1 -m comment --comment "margay:tunnel-guard" -j margay-input';
const input = (...lines: string[]) => ['*filter', ...lines, 'COMMIT', ''].join('\n');
const chain = (policy: string, ...lines: string[]) => [`-P INPUT ${policy}`, ...lines, ''].join('\n');
const own = ['-N margay-input', ...rules].join('\n');

test('for each encapsulation workloads are dropped, known hosts accepted, then all dropped', t => {
  t.deepEqual(
    rules.map(rule => rule.replace(/:[0-9a-f]{8}"/, '"')),
    [
      '-A margay-input -p 4 -i cali+ -m comment --comment "margay:ipip" -j DROP',
      '-A margay-input -p 4 -m addrtype --dst-type LOCAL -m set --match-set margay-hosts src -m comment --comment "margay:ipip" -j ACCEPT',
      '-A margay-input -p 4 -m comment --comment "margay:ipip" -j DROP',
      '-A margay-input -p udp --dport 4789 -i cali+ -m comment --comment "margay:vxlan/4789" -j DROP',
      '-A margay-input -p udp --dport 4789 -m addrtype --dst-type LOCAL -m set --match-set margay-hosts src -m comment --comment "margay:vxlan/4789" -j ACCEPT',
      '-A margay-input -p udp --dport 4789 -m comment --comment "margay:vxlan/4789" -j DROP',
    ],
  );
});

test('each prefix of workloads’ interfaces has a rule; what is guarded does not depend on them', t => {
  const of = (...workloadInterfacePrefixes: string[]) =>
    guardRules({ receives: [ipip], workloadInterfacePrefixes }, HOSTS_SET);
  const from = (rules: readonly string[]) =>
    rules.flatMap(rule => / -i (\S+) .*-j DROP$/.exec(rule)?.[1] ?? []);
  t.deepEqual(from(of('cali', 'tap')), ['cali+', 'tap+']);
  for (const one of [of('cali', 'tap'), of('cali'), of()]) {
    const found = plannedChain(noInputChain, one);
    t.deepEqual(guardedBy(found, HOSTS_SET), [ipip]);
    t.is(inputPlan(found, of('tap')), input(':margay-input - [0:0]', ...of('tap')));
  }
});

test('the rules depend on what is received, not on its order; only what is received is looked at', t => {
  t.deepEqual(guardRules(guardedInput([vxlan, ipip, vxlan]), HOSTS_SET), rules);
  t.false(guardRules(guardedInput([vxlan]), HOSTS_SET).some(rule => rule.includes('-p 4 ')));
  t.deepEqual(guardRules(guardedInput([]), HOSTS_SET), []);
});

test('from empty: the chain, and one rule before all others', t => {
  const plan = input(':margay-input - [0:0]', ...rules, insert);
  t.is(inputPlan(noInputChain, rules), plan);
  t.is(inputPlan(parseInputChain(chain('DROP', '-A INPUT -j DROP'), undefined), rules), plan);
});

test('behind the rules that ask policy, where INPUT begins with them', t => {
  const hook = '-A INPUT -m comment --comment mgy:0123456789 -j mgy-INPUT';
  const asked = parseInputChain(chain('DROP', hook, '-A INPUT -j DROP'), undefined);
  t.is(
    inputPlan(asked, rules),
    input(':margay-input - [0:0]', ...rules, insert.replace('INPUT 1', 'INPUT 2')),
  );
  t.is(inputPlan(plannedChain(asked, rules), rules), undefined);
  t.is(inputPlan(parseInputChain(chain('ACCEPT', jump, hook), own), rules), undefined, 'and it is not moved');
});

test('what is right is left alone, however it is printed and wherever others have put their rules', t => {
  const asLegacyPrints = own
    .replaceAll('-p 4 ', '-p ipencap ')
    .replaceAll('-p udp --dport', '-p udp -m udp --dport');
  for (const printed of [own, asLegacyPrints, asLegacyPrints.replaceAll('"', '')]) {
    t.is(inputPlan(parseInputChain(chain('ACCEPT', '-A INPUT -j DOCKER', jump), printed), rules), undefined);
  }
  t.is(inputPlan(parseInputChain(chain('ACCEPT', jump.replaceAll('"', '')), own), rules), undefined);
  t.is(inputPlan(plannedChain(noInputChain, rules), rules), undefined);
  t.is(inputPlan(plannedChain(noInputChain, []), []), undefined);
});

test('junk, an older version’s rules, a rule too few or too many: the chain is written anew, and nothing else', t => {
  const plan = input(':margay-input - [0:0]', ...rules);
  const older = own.replaceAll(/:[0-9a-f]{8}"/g, ':00000000"');
  const spoilt = [
    '-N margay-input',
    older,
    `${own}\n-A margay-input -j ACCEPT`,
    own.replace(`${rules[0]}\n`, ''),
    ['-N margay-input', rules[2], rules[1], rules[0], ...rules.slice(3)].join('\n'),
    ['-N margay-input', ...guardRules(guardedInput([ipip, vxlan]), SPARE_SET)].join('\n'),
    ['-N margay-input', ...guardRules(guardedInput([ipip, udp]), HOSTS_SET)].join('\n'),
  ];
  for (const one of spoilt) t.is(inputPlan(parseInputChain(chain('ACCEPT', jump), one), rules), plan, one);
});

test('one rule of ours in INPUT is enough, and it has no condition', t => {
  const narrowed = jump.replace('INPUT ', 'INPUT -i eth0 ');
  for (const jumps of [[], [jump, jump], [narrowed], [narrowed, jump]]) {
    const deletions = jumps.map(one => one.replace('-A', '-D'));
    t.is(inputPlan(parseInputChain(chain('ACCEPT', ...jumps), own), rules), input(...deletions, insert));
  }
});

test('when nothing is received our rules go, and another’s that leads to our chain is not touched', t => {
  const another = '-A INPUT -i eth1 -j margay-input';
  const found = parseInputChain(chain('ACCEPT', another, jump), own);
  const plan = input(jump.replace('-A', '-D'), '-F margay-input', '-X margay-input');
  t.is(inputPlan(found, []), plan);
  t.is(removalPlan(found), plan);
  t.is(inputPlan(noInputChain, []), undefined);
  t.is(removalPlan(parseInputChain(chain('ACCEPT', jump), undefined)), input(jump.replace('-A', '-D')));
});

test('an encapsulation is guarded if both its rules are there and INPUT leads to them', t => {
  t.deepEqual(guardedBy(parseInputChain(chain('ACCEPT', jump), own), HOSTS_SET), [ipip, vxlan]);
  t.deepEqual(guardedBy(parseInputChain(chain('ACCEPT', jump), own), SPARE_SET), []);
  t.deepEqual(guardedBy(parseInputChain(chain('ACCEPT'), own), HOSTS_SET), []);
  t.deepEqual(guardedBy(parseInputChain(chain('ACCEPT', jump), undefined), HOSTS_SET), []);
  const lacking = own.replace(rules[1]!, '');
  t.deepEqual(guardedBy(parseInputChain(chain('ACCEPT', jump), lacking), HOSTS_SET), [vxlan]);
  t.deepEqual(guardedBy(plannedChain(noInputChain, guardRules(guardedInput([udp]), HOSTS_SET)), HOSTS_SET), [
    udp,
  ]);
});

test('a set that a rule refers to is told by its whole name', t => {
  const found = parseInputChain(
    chain('ACCEPT', jump),
    ['-N margay-input', ...guardRules(guardedInput([ipip]), SPARE_SET)].join('\n'),
  );
  t.true(refersTo(found, SPARE_SET));
  t.false(refersTo(found, HOSTS_SET));
});
