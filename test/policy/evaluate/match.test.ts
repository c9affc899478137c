import test from 'ava';
import { ruleMatches } from '../../../policy/evaluate/match.js';
import type { AddressSet, Packet, Rule, RuleSide } from '../../../policy/model.js';
import { ip, makeRule, net, ping, tcp, udp } from '../host-policies.js';

const nets: AddressSet = {
  id: 'n',
  kind: 'nets',
  what: '',
  members: new Set([net('10.2.0.0/16'), net('fd00::/8')]),
};
const ports: AddressSet = { id: 'p', kind: 'ports', what: '', members: new Set(['10.2.0.1,6:80']) };
const sets = new Map([nets, ports].map(set => [set.id, set]));

const packet = tcp('10.1.0.1', '10.2.0.1', 80);
const packet6: Packet = { ...packet, source: ip('fd01::1'), destination: ip('fd02::1') };
const matches = (rule: Rule, of: Packet = packet) => ruleMatches(rule, of, sets);
const to = (destination: Partial<RuleSide>) => makeRule('allow', { protocol: 6 }, { destination });

test('protocols and families', t => {
  t.true(matches(makeRule('allow')));
  t.false(matches(makeRule('allow', { family: 'ipv6' })));
  t.false(matches(makeRule('allow', { protocol: 17 })));
  t.false(matches(makeRule('allow', { notProtocol: 6 })));
  t.true(matches(makeRule('allow', { notProtocol: 17 })));
});

test('ICMP is that of the family of the packet, and a packet that is none is not it', t => {
  const echo = { type: 8 };
  t.true(matches(makeRule('allow', { icmp: echo }), ping('10.1.0.1', '10.2.0.1')));
  t.false(matches(makeRule('allow', { icmp: { type: 8, code: 1 } }), ping('10.1.0.1', '10.2.0.1')));
  t.false(matches(makeRule('allow', { icmp: echo })));
  t.true(matches(makeRule('allow', { notIcmp: echo })));
  t.false(matches(makeRule('allow', { notIcmp: echo }), ping('10.1.0.1', '10.2.0.1')));
});

test('networks: one of them, none of the others; of the other family alone they match nothing, and negated everything', t => {
  t.true(matches(to({ nets: [net('10.3.0.0/16'), net('10.2.0.0/16')] })));
  t.false(matches(to({ nets: [net('10.2.0.0/16')], notNets: [net('10.2.0.1/32')] })));
  t.false(matches(to({ nets: [net('10.2.0.0/16')] }), packet6));
  t.true(matches(to({ notNets: [net('10.2.0.0/16')] }), packet6));
});

test('sets: in each of them, in none of the others', t => {
  t.true(matches(to({ sets: ['n'] })));
  t.true(matches(to({ sets: ['n'] }), packet6));
  t.false(matches(to({ sets: ['n', 'none'] })));
  t.false(matches(to({ notSets: ['n'] })));
});

test('ports: a number, a range or a name; names go by address, protocol and port', t => {
  t.true(matches(to({ ports: [{ min: 70, max: 90 }] })));
  t.true(matches(to({ ports: [{ min: 1, max: 1 }], namedPorts: ['p'] })));
  t.false(matches(to({ namedPorts: ['p'] }), tcp('10.1.0.1', '10.2.0.2', 80)));
  t.false(matches(to({ notNamedPorts: ['p'] })));
  t.false(matches(to({ notPorts: [{ min: 80, max: 80 }] })));
  const overUdp = makeRule('allow', { protocol: 17 }, { destination: { namedPorts: ['p'] } });
  t.false(matches(overUdp, udp('10.1.0.1', '10.2.0.1', 80)));
});
