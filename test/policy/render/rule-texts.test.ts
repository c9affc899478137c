/** The text that each field of a rule becomes. */
import test from 'ava';
import type { AddressFamily } from '../../../core/ip-address.js';
import type { Rule } from '../../../policy/model.js';
import { allocateMarks } from '../../../policy/render/marks.js';
import { portLists, renderMatch } from '../../../policy/render/match.js';
import { setName } from '../../../policy/render/names.js';
import { renderRuleList } from '../../../policy/render/rule-list.js';
import { makeRule, net, settings } from '../host-policies.js';

const marks = allocateMarks(0xffff0000);

/** Blocks, then the match. */
function texts(rule: Rule, family: AddressFamily = 'ipv4'): readonly string[] | undefined {
  const match = renderMatch(rule, family, marks);
  return match && [...match.blocks, match.match];
}

function list(
  rules: readonly Rule[],
  kind: Parameters<typeof renderRuleList>[1] = 'policy',
  table: 'filter' | 'raw' = 'filter',
  family: AddressFamily = 'ipv4',
  more: Partial<typeof settings> = {},
) {
  const context = { family, table, marks, settings: { ...settings, ...more } };
  return renderRuleList(context, kind, 'GlobalNetworkPolicy/p', 'ingress', rules);
}

const textsOf = (...of: Parameters<typeof list>) => list(...of).map(({ text }) => text);

const allowTcp = (sides: Parameters<typeof makeRule>[2]) => makeRule('allow', { protocol: 6 }, sides);
const port = (number: number) => ({ min: number, max: number });
const hosts = (count: number) => Array.from({ length: count }, (_, i) => net(`10.0.0.${i}/32`));

const set4 = setName('ipv4', 'n');
const set6 = setName('ipv6', 'n');

test('a rule without fields matches everything', t => {
  t.deepEqual(texts(makeRule('allow')), ['']);
});

test('family: the other one has no rule', t => {
  t.is(texts(makeRule('allow', { family: 'ipv6' })), undefined);
  t.deepEqual(texts(makeRule('allow', { family: 'ipv6' }), 'ipv6'), ['']);
});

test('protocol and notProtocol', t => {
  t.deepEqual(texts(makeRule('allow', { protocol: 132 })), ['-p sctp']);
  t.deepEqual(texts(makeRule('allow', { protocol: 47 })), ['-p 47']);
  t.deepEqual(texts(makeRule('allow', { notProtocol: 17 })), ['! -p udp']);
  t.deepEqual(texts(makeRule('allow', { protocol: 6, notProtocol: 17 })), ['-p tcp']);
  t.is(texts(makeRule('allow', { protocol: 6, notProtocol: 6 })), undefined);
});

test('icmp is of the family, with or without a code', t => {
  const rule = makeRule('allow', { icmp: { type: 8, code: 0 } });
  t.deepEqual(texts(rule), ['-p icmp -m icmp --icmp-type 8/0']);
  t.deepEqual(texts(rule, 'ipv6'), ['-p ipv6-icmp -m icmp6 --icmpv6-type 8/0']);
  t.deepEqual(texts(makeRule('allow', { icmp: { type: 3 } })), ['-p icmp -m icmp --icmp-type 3']);
  t.is(texts(makeRule('allow', { protocol: 58, icmp: { type: 3 } })), undefined);
});

test('notIcmp: in the rule if it is for ICMP alone, as a block if not, and nothing if it never is', t => {
  const notIcmp = { type: 8 };
  t.deepEqual(texts(makeRule('allow', { protocol: 1, notIcmp })), ['-p icmp -m icmp ! --icmp-type 8']);
  t.deepEqual(texts(makeRule('allow', { protocol: 6, notIcmp })), ['-p tcp']);
  t.deepEqual(texts(makeRule('allow', { notIcmp })), [
    '-j MARK --set-xmark 0x40000/0xc0000',
    '-p icmp -m icmp --icmp-type 8 -j MARK --set-xmark 0x0/0x40000',
    '-m mark --mark 0x40000/0x40000',
  ]);
});

test('nets: one stands in the rule, several in a block, those of the other family nowhere', t => {
  t.deepEqual(texts(allowTcp({ source: { nets: [net('10.0.0.0/8'), net('fd00::/8')] } })), [
    '-s 10.0.0.0/8 -p tcp',
  ]);
  t.deepEqual(texts(allowTcp({ destination: { nets: hosts(2) } })), [
    '-j MARK --set-xmark 0x40000/0xc0000',
    '-d 10.0.0.0/32 -j MARK --set-xmark 0x80000/0x80000',
    '-d 10.0.0.1/32 -j MARK --set-xmark 0x80000/0x80000',
    '-m mark --mark 0x0/0x80000 -j MARK --set-xmark 0x0/0x40000',
    '-p tcp -m mark --mark 0x40000/0x40000',
  ]);
  t.is(texts(allowTcp({ source: { nets: [net('10.0.0.0/8')] } }), 'ipv6'), undefined);
  t.deepEqual(texts(allowTcp({ source: { nets: [net('0.0.0.0/0'), net('10.0.0.0/8')] } })), ['-p tcp']);
});

test('notNets: in the rule while there is room, everything matches nothing', t => {
  t.deepEqual(texts(allowTcp({ source: { notNets: [net('10.0.0.0/8')] } })), ['! -s 10.0.0.0/8 -p tcp']);
  t.deepEqual(texts(allowTcp({ source: { notNets: [net('10.0.0.0/8')] } }), 'ipv6'), ['-p tcp']);
  t.deepEqual(texts(allowTcp({ source: { nets: hosts(1), notNets: [net('10.0.0.0/30')] } })), [
    '-j MARK --set-xmark 0x40000/0xc0000',
    '-s 10.0.0.0/30 -j MARK --set-xmark 0x0/0x40000',
    '-s 10.0.0.0/32 -p tcp -m mark --mark 0x40000/0x40000',
  ]);
  t.is(texts(allowTcp({ source: { notNets: [net('0.0.0.0/0')] } })), undefined);
});

test('sets and notSets are those of the family', t => {
  const rule = makeRule('allow', {}, { source: { sets: ['n'] }, destination: { notSets: ['n'] } });
  t.deepEqual(texts(rule), [`-m set --match-set ${set4} src -m set ! --match-set ${set4} dst`]);
  t.deepEqual(texts(rule, 'ipv6'), [`-m set --match-set ${set6} src -m set ! --match-set ${set6} dst`]);
});

test('ports: fifteen in a match, a range counts as two, more are a block', t => {
  const some = allowTcp({ destination: { ports: [port(80), { min: 90, max: 95 }] } });
  t.deepEqual(texts(some), ['-p tcp -m multiport --dports 80,90:95']);
  t.deepEqual(texts(allowTcp({ source: { ports: [port(80)] } })), ['-p tcp -m multiport --sports 80']);
  const many = texts(allowTcp({ destination: { ports: Array.from({ length: 16 }, (_, i) => port(i)) } }))!;
  t.deepEqual(many.slice(1, 3), [
    '-p tcp -m multiport --dports 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14 -j MARK --set-xmark 0x80000/0x80000',
    '-p tcp -m multiport --dports 15 -j MARK --set-xmark 0x80000/0x80000',
  ]);
  const ranges = portLists(Array.from({ length: 8 }, (_, i) => ({ min: 10 * i, max: 10 * i + 5 })));
  t.deepEqual(
    ranges.map(one => one.split(/[,:]/).length),
    [14, 2],
  );
});

test('notPorts: as many matches as it takes', t => {
  const rule = allowTcp({ destination: { notPorts: Array.from({ length: 16 }, (_, i) => port(i)) } });
  t.deepEqual(texts(rule), [
    '-p tcp -m multiport ! --dports 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14 -m multiport ! --dports 15',
  ]);
});

test('namedPorts go by address and port, alone or as one of several', t => {
  const named = `-m set --match-set ${set4} dst,dst`;
  t.deepEqual(texts(allowTcp({ destination: { namedPorts: ['n'] } })), [`-p tcp ${named}`]);
  t.deepEqual(texts(allowTcp({ destination: { ports: [port(80)], namedPorts: ['n'] } }))!.slice(1, 3), [
    '-p tcp -m multiport --dports 80 -j MARK --set-xmark 0x80000/0x80000',
    `-p tcp ${named} -j MARK --set-xmark 0x80000/0x80000`,
  ]);
  t.deepEqual(texts(allowTcp({ source: { notNamedPorts: ['n'] } })), [
    `-p tcp -m set ! --match-set ${set4} src,src`,
  ]);
});

test('two blocks share a bit, which is cleared between them', t => {
  const rule = allowTcp({ source: { nets: hosts(2) }, destination: { nets: hosts(2) } });
  const blocks = texts(rule)!;
  t.is(blocks.filter(text => text === '-j MARK --set-xmark 0x0/0x80000').length, 1);
  t.is(blocks.length, 1 + 3 + 1 + 3 + 1);
});

// ---------------------------------------------------------------- actions

test('allow and pass leave a bit and return, deny ends the way', t => {
  t.deepEqual(textsOf([makeRule('allow'), makeRule('pass'), makeRule('deny')]), [
    '-j MARK --set-xmark 0x10000/0x10000',
    '-m mark --mark 0x10000/0x10000 -j RETURN',
    '-j MARK --set-xmark 0x20000/0x20000',
    '-m mark --mark 0x20000/0x20000 -j RETURN',
    '-j DROP',
  ]);
  t.deepEqual(textsOf([makeRule('allow')]), ['-j MARK --set-xmark 0x10000/0x10000'], 'the end returns');
});

test('denied packets are rejected where the table can', t => {
  const deny = [makeRule('deny')];
  const reject = { denied: 'reject' } as const;
  t.deepEqual(textsOf(deny, 'policy', 'filter', 'ipv4', reject), [
    '-j REJECT --reject-with icmp-port-unreachable',
  ]);
  t.deepEqual(textsOf(deny, 'policy', 'filter', 'ipv6', reject), [
    '-j REJECT --reject-with icmp6-port-unreachable',
  ]);
  t.deepEqual(textsOf(deny, 'policy', 'raw', 'ipv4', reject), ['-j DROP']);
});

test('log is limited, and decides nothing', t => {
  t.deepEqual(textsOf([makeRule('log', { protocol: 6 })]), [
    '-p tcp -m limit --limit 60/minute --limit-burst 5 -j LOG --log-prefix "margay: " --log-level 5',
  ]);
  const log = { prefix: 'a "quoted" prefix that is far too long', rate: undefined, burst: 5 };
  t.deepEqual(textsOf([makeRule('log')], 'policy', 'filter', 'ipv4', { log }), [
    '-j LOG --log-prefix "a _quoted_ prefix that is f: " --log-level 5',
  ]);
});

test('a staged policy is counted and changes nothing, the end of a profile is no decision', t => {
  const rules = [makeRule('log'), makeRule('allow', { protocol: 6 }), makeRule('deny')];
  t.deepEqual(textsOf(rules, 'staged'), ['', '-p tcp -j RETURN', '-j RETURN']);
  t.deepEqual(textsOf([makeRule('pass'), makeRule('deny')], 'profile'), ['-j RETURN', '-j DROP']);
});

test('one rule of each has its origin, for counters; annotations and the policy stand in comments', t => {
  const annotated = {
    ...makeRule('allow', { protocol: 6 }, { source: { nets: hosts(2) } }),
    annotations: { why: 'a "b"' },
  };
  const rules = list([makeRule('deny', { family: 'ipv6' }), annotated, makeRule('deny')]);
  t.deepEqual(
    rules.flatMap(({ origin }) => (origin === undefined ? [] : [origin])),
    [1, 2].map(rule => ({ owner: 'GlobalNetworkPolicy/p', direction: 'ingress', rule })),
  );
  t.deepEqual(rules[0]!.comments, ['GlobalNetworkPolicy/p ingress']);
  t.deepEqual(rules.find(({ origin }) => origin?.rule === 1)!.comments, ['why=a _b_']);
});
