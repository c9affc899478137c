import test from 'ava';
import { CALICO_API, KUBERNETES_API, type Resource } from '../../../core/resources/resource.js';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import { globalPolicy, networkPolicy, tier, workload } from './documents.js';
import { HOST } from './worlds.js';

function tiersOf(documents: readonly Resource[]) {
  const calculator = new PolicyCalculator(HOST);
  for (const document of [workload('web', {}), ...documents]) calculator.set(document);
  calculator.take();
  return calculator.current.workloads.get('WorkloadEndpoint/red/web')?.tiers;
}

test('the tiers of Calico stand where Calico has them, with a tier of somebody’s own between them', t => {
  const names = ['kube-baseline', 'default', 'own', 'kube-admin', 'nobody'];
  const policies = names.map(name => globalPolicy(`in-${name}`, { tier: name }));
  const tiers = tiersOf([...policies, tier('own', { order: 5000, defaultAction: 'Pass' })]);
  t.deepEqual(
    tiers?.map(({ name, defaultAction }) => [name, defaultAction]),
    [
      ['kube-admin', 'pass'],
      ['own', 'pass'],
      ['default', 'deny'],
      ['kube-baseline', 'pass'],
      ['nobody', 'deny'],
    ],
    'one that nobody describes is last and denies',
  );
});

test('policies stand by order, without one last, ties by name, then the one of no namespace, then by kind', t => {
  const tiers = tiersOf([
    networkPolicy('b', { order: 1 }),
    globalPolicy('b', { order: 1 }),
    networkPolicy('a'),
    globalPolicy('z', { order: 1.5 }),
    globalPolicy('c', { order: -3 }),
    globalPolicy('a', { order: 1 }),
  ]);
  t.deepEqual(tiers?.[0]?.ingress, [
    'GlobalNetworkPolicy/c',
    'GlobalNetworkPolicy/a',
    'GlobalNetworkPolicy/b',
    'NetworkPolicy/red/b',
    'GlobalNetworkPolicy/z',
    'NetworkPolicy/red/a',
  ]);
});

test('a policy of one way is missing from the other, and a tier without policies for the endpoint is missing', t => {
  const tiers = tiersOf([
    networkPolicy('in', { types: ['Ingress'] }),
    networkPolicy('out', { types: ['Egress'] }),
    globalPolicy('others', { tier: 'kube-admin', selector: 'role == "other"' }),
  ]);
  t.deepEqual(tiers, [
    {
      name: 'default',
      defaultAction: 'deny',
      ingress: ['NetworkPolicy/red/in'],
      egress: ['NetworkPolicy/red/out'],
    },
  ]);
});

test('a policy that becomes untracked leaves workloads alone', t => {
  const calculator = new PolicyCalculator(HOST);
  calculator.set(workload('web', {}));
  calculator.set(globalPolicy('a'));
  calculator.take();
  calculator.set(globalPolicy('a', { doNotTrack: true, applyOnForward: true }));
  calculator.take();
  t.deepEqual(calculator.current.workloads.get('WorkloadEndpoint/red/web')?.tiers, []);
  t.is(calculator.current.policies.size, 0);
});

test('what a service account is called no profile can say', t => {
  const metadata = (name: string) => ({ name, labels: {}, annotations: {} });
  const tiers = tiersOf([
    workload('web', {}, { profiles: ['p'], serviceAccountName: 'web' }),
    {
      apiVersion: CALICO_API,
      kind: 'Profile',
      metadata: metadata('p'),
      spec: { labelsToApply: { 'pcsa.role': 'profile' }, ingress: [], egress: [] },
    },
    {
      apiVersion: KUBERNETES_API,
      kind: 'ServiceAccount',
      metadata: { ...metadata('web'), namespace: 'red', labels: { role: 'account' } },
      spec: {},
    },
    globalPolicy('profile', { serviceAccountSelector: 'role == "profile"' }),
    globalPolicy('account', { serviceAccountSelector: 'role == "account"' }),
  ]);
  t.deepEqual(tiers?.[0]?.ingress, ['GlobalNetworkPolicy/account']);
});
