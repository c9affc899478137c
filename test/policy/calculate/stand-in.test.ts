import test from 'ava';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import { allow, globalPolicy, hostEndpoint, networkPolicy, workload } from './documents.js';
import { HOST } from './worlds.js';

const broken = { kind: 'GlobalNetworkPolicy', name: 'broken' } as const;
const key = 'GlobalNetworkPolicy/broken';

function calculator(): PolicyCalculator {
  const created = new PolicyCalculator(HOST);
  created.set(workload('web', { role: 'web' }));
  created.set(workload('db', { role: 'db' }));
  created.set(hostEndpoint('uplink', { interfaceName: 'eth0' }));
  return created;
}

function selected(of: PolicyCalculator, policy: string): string[] {
  const { workloads, hosts } = of.current;
  return [...workloads.values(), ...hosts.values()]
    .filter(({ tiers }) => tiers.some(({ ingress, egress }) => [...ingress, ...egress].includes(policy)))
    .map(endpoint => endpoint.key);
}

test('what was understood stays in force while the document is invalid, and goes with it', t => {
  const subject = calculator();
  subject.set(globalPolicy('broken', { selector: 'role == "web"', ingress: [allow({})] }));
  const before = subject.take();
  t.is(before?.policies.set.get(key)?.ingress.length, 1);
  subject.invalid(broken, { spec: { selector: 'all()' } });
  t.is(subject.take(), undefined);
  subject.remove(broken);
  t.deepEqual([...(subject.take()?.policies.deleted ?? [])], [key]);
});

test('a policy that never was understood is one without rules for whoever it says it is for', t => {
  const subject = calculator();
  const spec = { selector: 'role == "web"', tier: 'kube-admin', types: ['Egress'], ingress: 7, order: 'x' };
  subject.invalid(broken, { spec });
  subject.take();
  t.deepEqual(selected(subject, key), ['WorkloadEndpoint/red/web']);
  const [tier] = subject.current.workloads.get('WorkloadEndpoint/red/web')!.tiers;
  t.deepEqual(tier, { name: 'kube-admin', defaultAction: 'pass', ingress: [], egress: [key] });
  t.deepEqual(subject.current.policies.get(key), {
    key,
    tier: 'kube-admin',
    staged: false,
    flushOnDeny: undefined,
    ingress: [],
    egress: [],
  });
});

for (const [what, written] of [
  ['nothing', undefined],
  ['no spec', {}],
  ['a selector that is none', { spec: { selector: 'role ==' } }],
  ['a selector that is no text', { spec: { selector: ['role'] } }],
  ['a tier that is no text', { spec: { tier: 5 } }],
] as const) {
  test(`of ${what} everything that could be selected is denied both ways or by ingress`, t => {
    const subject = calculator();
    subject.invalid(broken, written);
    subject.take();
    t.deepEqual(selected(subject, key).sort(), [
      'HostEndpoint/uplink',
      'WorkloadEndpoint/red/db',
      'WorkloadEndpoint/red/web',
    ]);
    t.is(subject.current.workloads.get('WorkloadEndpoint/red/web')?.tiers[0]?.ingress[0], key);
  });
}

test('types that cannot be understood are both', t => {
  const subject = calculator();
  subject.invalid(broken, { spec: { types: ['Sideways'] } });
  subject.take();
  const [tier] = subject.current.workloads.get('WorkloadEndpoint/red/web')!.tiers;
  t.deepEqual([tier?.ingress, tier?.egress], [[key], [key]]);
});

test('in place of an untracked policy it is one for hosts alone, to and through them', t => {
  const subject = calculator();
  subject.invalid(broken, { spec: { doNotTrack: true, ingress: 'x' } });
  subject.take();
  t.deepEqual(selected(subject, key), ['HostEndpoint/uplink']);
  const host = subject.current.hosts.get('HostEndpoint/uplink')!;
  t.deepEqual([host.forward[0]?.ingress, host.untracked], [[key], []]);
});

test('one of Kubernetes is for the pods it selects, in its namespace alone', t => {
  const subject = calculator();
  const id = { kind: 'KubernetesNetworkPolicy', namespace: 'red', name: 'broken' } as const;
  const policy = 'KubernetesNetworkPolicy/red/broken';
  subject.invalid(id, { spec: { podSelector: { matchLabels: { role: 'db' } }, ingress: [{ ports: 'x' }] } });
  subject.take();
  t.deepEqual(selected(subject, policy), ['WorkloadEndpoint/red/db']);
  subject.invalid(id, { spec: { podSelector: { matchLabels: { 'role == "x" ||': 'db' } } } });
  subject.take();
  t.deepEqual(selected(subject, policy).sort(), ['WorkloadEndpoint/red/db', 'WorkloadEndpoint/red/web']);
  subject.invalid({ ...id, namespace: 'blue' }, undefined);
  subject.take();
  t.deepEqual(selected(subject, 'KubernetesNetworkPolicy/blue/broken'), []);
});

test('the stand-in goes when the document is understood, and when it is gone', t => {
  const subject = calculator();
  subject.invalid(broken, undefined);
  subject.take();
  subject.set(globalPolicy('broken', { selector: 'role == "db"' }));
  subject.take();
  t.deepEqual(selected(subject, key), ['WorkloadEndpoint/red/db']);
  subject.remove(broken);
  subject.invalid(broken, undefined);
  subject.remove(broken);
  subject.take();
  t.deepEqual(selected(subject, key), []);
  t.is(subject.current.policies.size, 0);
});

test('a staged policy that cannot be understood denies nothing, nor does any other kind', t => {
  const subject = calculator();
  subject.take();
  subject.invalid({ kind: 'StagedGlobalNetworkPolicy', name: 'broken' }, undefined);
  subject.invalid({ kind: 'Tier', name: 'default' }, undefined);
  subject.invalid({ kind: 'WorkloadEndpoint', namespace: 'red', name: 'web' }, undefined);
  t.is(subject.take(), undefined);
});

test('what is invalid of one name does not stand for another', t => {
  const subject = calculator();
  subject.set(networkPolicy('broken'));
  subject.invalid({ kind: 'NetworkPolicy', namespace: 'red', name: 'other' }, { spec: {} });
  subject.take();
  t.is(selected(subject, 'NetworkPolicy/red/other').length, 2);
});
