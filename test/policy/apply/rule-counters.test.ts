import test from 'ava';
import { RuleCounters } from '../../../policy/apply/rule-counters.js';
import { hashRules } from '../../../policy/apply/rule-hash.js';
import { renderFilter } from '../../../policy/render/render.js';
import {
  makeHostPolicy,
  makePolicy,
  makeRule,
  makeTier,
  makeWorkload,
  net,
  settings,
} from '../host-policies.js';

const rules = [
  makeRule('log'),
  makeRule('allow', { protocol: 6 }, { source: { nets: [net('10.0.0.0/8'), net('10.1.0.0/16')] } }),
  makeRule('deny'),
];
const filter = renderFilter(
  makeHostPolicy({
    workloads: [makeWorkload('cali1', ['10.65.0.1/32'], { tiers: [makeTier(['a'])] })],
    policies: [makePolicy('a', rules)],
  }),
  settings,
);

/** What `iptables-save -c` would print, each rule that comes from one of a policy with `packets`. */
function saved(family: 'ipv4' | 'ipv6', packets: number, chainOf = (name: string) => name): string {
  return filter.tables
    .filter(table => table.family === family)
    .flatMap(({ table, chains }) => [
      `*${table}`,
      ...[...chains.values()].flatMap(({ name, rules: list }) =>
        hashRules(name, list).lines.map((line, i) => {
          const count = list[i]?.origin === undefined ? 1000 : packets;
          return `[${count}:${count * 60}] -A ${chainOf(name)} ${line}`;
        }),
      ),
      'COMMIT',
    ])
    .join('\n');
}

const origin = (rule: number, direction: 'ingress' | 'egress' = 'ingress') => ({
  owner: 'GlobalNetworkPolicy/a',
  direction,
  rule,
});

test('rules are known by their hashes, and families are added up', t => {
  const counters = new RuleCounters(filter);
  counters.add('ipv4', saved('ipv4', 3));
  t.deepEqual(counters.of('filter', origin(2)), { packets: 3, bytes: 180 });
  counters.add('ipv6', saved('ipv6', 4));
  t.deepEqual(counters.of('filter', origin(2)), { packets: 7, bytes: 420 });
  t.deepEqual(counters.of('filter', origin(0, 'egress')), { packets: 7, bytes: 420 });
  // Its networks are IPv4 alone, and the blocks before it are not counted.
  t.deepEqual(counters.of('filter', origin(1)), { packets: 3, bytes: 180 });
});

test('a rule that is not there, that of another table or another chain is not counted', t => {
  const counters = new RuleCounters(filter);
  t.is(counters.of('filter', origin(2)), undefined);
  counters.add(
    'ipv4',
    saved('ipv4', 3, name => `${name}x`),
  );
  counters.add('ipv4', '[1:2] -A INPUT -j ACCEPT\n[broken\n');
  t.is(counters.of('filter', origin(2)), undefined);
  counters.add('ipv4', saved('ipv4', 3));
  t.is(counters.of('raw', origin(2)), undefined);
  t.is(counters.of('filter', origin(3)), undefined);
});
