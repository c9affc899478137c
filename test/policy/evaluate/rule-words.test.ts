import test from 'ava';
import { ruleInWords } from '../../../policy/evaluate/rule-words.js';
import { makeRule, net } from '../host-policies.js';

const sets = new Map([
  ['s', { id: 's', kind: 'nets', what: "app == 'web'", members: new Set<never>() }],
  ['p', { id: 'p', kind: 'ports', what: 'port http, of all()', members: new Set<string>() }],
] as const);

test('every field of a rule has its words', t => {
  const cases = [
    [makeRule('allow'), 'everything'],
    [makeRule('deny', { family: 'ipv6', notProtocol: 17 }), 'IPv6 not UDP'],
    [makeRule('deny', { protocol: 1, icmp: { type: 8, code: 0 } }), 'ICMP type 8 code 0'],
    [makeRule('deny', { protocol: 58, notIcmp: { type: 128 } }), 'ICMPv6 not type 128'],
    [makeRule('deny', { protocol: 47 }), 'protocol 47'],
    [
      makeRule(
        'allow',
        {},
        { source: { nets: [net('10.0.0.0/8'), net('fd00::/8')], notNets: [net('10.1.0.0/16')] } },
      ),
      'from 10.0.0.0/8, fd00::/8 and none of 10.1.0.0/16',
    ],
    [
      makeRule('allow', { protocol: 6 }, { source: { sets: ['s'], notSets: ['t'] } }),
      "TCP from {app == 'web'} and not {t}",
    ],
    [
      makeRule('allow', { protocol: 6 }, { destination: { ports: [{ min: 1, max: 9 }], namedPorts: ['p'] } }),
      'TCP to port 1-9, http, of all()',
    ],
    [
      makeRule(
        'allow',
        { protocol: 6 },
        { destination: { notPorts: [{ min: 22, max: 22 }], notNamedPorts: ['p'] } },
      ),
      'TCP to not port 22, http, of all()',
    ],
  ] as const;
  for (const [rule, words] of cases) t.is(ruleInWords(rule, sets), words);
});
