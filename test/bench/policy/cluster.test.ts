/** What the bench is fed with: of the size that it says, and something is enforced of it. */
import test from 'ava';
import { BenchCluster } from '../../../bench/policy/cluster.js';
import {
  hostWithRules,
  hostWithSet,
  settings,
  withMembers,
  withPolicyChanged,
} from '../../../bench/policy/host-policies.js';
import type { Prefix } from '../../../core/prefix.js';
import { parseResource } from '../../../core/resources/parse.js';
import { formatResourceId, resourceIdOf } from '../../../core/resources/resource.js';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import type { HostPolicy } from '../../../policy/model.js';
import { renderFilter } from '../../../policy/render/render.js';

function filterTable(host: HostPolicy) {
  return renderFilter(host, settings).tables.find(({ table }) => table === 'filter')!.chains;
}

test('a cluster has so many documents, each of another name, and each as one would be read', t => {
  const documents = new BenchCluster({ endpoints: 1000, policies: 40, endpointsPerHost: 100 }).documents();
  t.is(documents.length, 1 + 1000 / 50 + 1000 + 40);
  t.is(new Set(documents.map(document => formatResourceId(resourceIdOf(document)))).size, documents.length);
  const { metadata, ...endpoint } = documents.find(({ kind }) => kind === 'WorkloadEndpoint')!;
  t.is(parseResource({ ...endpoint, metadata }).kind, 'ok');
});

test('every host has its endpoints, and policies select some of them', t => {
  const cluster = new BenchCluster({ endpoints: 1000, policies: 200, endpointsPerHost: 100 });
  t.is(cluster.endpointsOf(0).length, 100);
  const calculator = new PolicyCalculator('host-0');
  for (const document of cluster.documents()) calculator.set(document);
  calculator.take();
  t.is(calculator.current.workloads.size, 100);
  t.true(calculator.current.policies.size > 10);
  t.true([...calculator.current.sets.values()].some(({ members }) => members.size > 0));
});

test('a host has at least so many rules, and one changed policy is one changed chain', t => {
  const host = hostWithRules(10_000);
  const before = filterTable(host);
  const rules = [...before.values()].reduce((sum, chain) => sum + chain.rules.length, 0);
  t.true(rules >= 10_000 && rules < 15_000, `${rules}`);
  const after = filterTable(withPolicyChanged(host, 5, 1));
  t.is(after.size, before.size);
  const text = (chain: { readonly rules: readonly { readonly text: string }[] }) =>
    chain.rules.map(rule => rule.text).join('\n');
  const differing = [...after].filter(([name, chain]) => text(chain) !== text(before.get(name)!));
  t.is(differing.length, 1);
});

test('a host has a set of so many members, which change in place', t => {
  const members = new Set(['10.0.0.1/32', '10.0.0.2/32'] as Prefix[]);
  const host = hostWithSet(members);
  const setOf = (of: HostPolicy) => [...renderFilter(of, settings).sets[0]!.members];
  t.deepEqual(setOf(host), ['10.0.0.1', '10.0.0.2']);
  members.delete('10.0.0.1/32' as Prefix);
  t.deepEqual(setOf(withMembers(host, members)), ['10.0.0.2']);
});
