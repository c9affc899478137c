import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import type { SetId } from '../../../policy/model.js';
import { allow, globalPolicy, hostEndpoint, networkPolicy, workload } from './documents.js';
import { HOST } from './worlds.js';

function ids(subject: PolicyCalculator): SetId[] {
  subject.take();
  return [...subject.current.sets.keys()];
}

test('rules of equal selectors share one set, whose id is that of its content on every host', t => {
  const one = new PolicyCalculator(HOST);
  one.set(workload('web', { role: 'web' }));
  one.set(globalPolicy('a', { ingress: [allow({ selector: 'role in {"x", "web"}' })] }));
  const [id, ...more] = ids(one);
  t.deepEqual(more, []);
  t.regex(id!, /^s:[A-Za-z0-9_-]{20}$/);
  one.set(globalPolicy('b', { ingress: [allow({ selector: "(role in { 'web','x' })" })] }));
  t.deepEqual(ids(one), [id!]);
  const other = new PolicyCalculator('node-b');
  other.set(workload('other', {}, { node: 'node-b' }));
  other.set(networkPolicy('c', { ingress: [allow({ notSelector: 'role in {"web","x"}' })] }));
  t.true(ids(other).includes(id!));
});

test('a set stays as long as a rule names it, and is not told of when its last rule is only replaced', t => {
  const subject = new PolicyCalculator(HOST);
  subject.set(workload('web', { role: 'web' }));
  subject.set(globalPolicy('a', { ingress: [allow({ selector: 'has(role)' })] }));
  const [id] = ids(subject);
  subject.remove({ kind: 'GlobalNetworkPolicy', name: 'a' });
  subject.set(globalPolicy('b', { ingress: [allow({ selector: 'has(role)' })] }));
  const { sets } = subject.take()!;
  t.deepEqual([sets.added.size, sets.deleted.size, sets.changed.size], [0, 0, 0]);
  subject.remove({ kind: 'GlobalNetworkPolicy', name: 'b' });
  t.deepEqual([...subject.take()!.sets.deleted], [id!]);
});

test('an address that two have goes with the second', t => {
  const subject = new PolicyCalculator(HOST);
  const shared = { ipNetworks: ['10.0.0.7/32' as Prefix] };
  subject.set(workload('one', { role: 'web' }, shared));
  subject.set(workload('two', { role: 'web' }, shared));
  subject.set(globalPolicy('a', { ingress: [allow({ selector: 'role == "web"' })] }));
  const [id] = ids(subject);
  subject.remove({ kind: 'WorkloadEndpoint', namespace: 'red', name: 'one' });
  t.is(subject.take()?.sets.changed.size, 0);
  subject.set(workload('two', { role: 'db' }, shared));
  const delta = subject.take()!;
  t.deepEqual([...(delta.sets.changed.get(id!)?.deleted ?? [])], ['10.0.0.7/32']);
  t.is(subject.current.sets.get(id!)?.members.size, 0);
});

test('a part that has changed is another object, and one that has not is the same', t => {
  const subject = new PolicyCalculator(HOST);
  subject.set(workload('web', { role: 'web' }));
  subject.set(globalPolicy('a', { ingress: [allow({ selector: 'role == "web"' })] }));
  const [id] = ids(subject);
  const parts = () => {
    const { workloads, policies, sets } = subject.current;
    return [workloads.get('WorkloadEndpoint/red/web'), policies.get('GlobalNetworkPolicy/a'), sets.get(id!)];
  };
  const before = parts();
  subject.set(workload('web', { role: 'web' }));
  subject.set(globalPolicy('a', { ingress: [allow({ selector: 'role=="web"' })] }));
  subject.take();
  t.true(parts().every((part, i) => part === before[i]));
  subject.set(workload('db', { role: 'web' }, { node: 'node-b', ipNetworks: ['10.0.0.9/32' as Prefix] }));
  subject.take();
  t.deepEqual(
    parts().map((part, i) => part === before[i]),
    [true, true, false],
  );
});

test('what comes and goes between two takes is not told', t => {
  const subject = new PolicyCalculator(HOST);
  subject.set(workload('web', { role: 'web' }));
  subject.set(
    globalPolicy('a', { selector: 'role == "web"', ingress: [allow({ selector: 'role == "db"' })] }),
  );
  subject.take();
  subject.set(workload('db', { role: 'db' }, { node: 'node-b' }));
  subject.remove({ kind: 'WorkloadEndpoint', namespace: 'red', name: 'db' });
  subject.set(workload('web', { role: 'other' }));
  subject.set(workload('web', { role: 'web' }));
  t.is(subject.take(), undefined);
});

test('what other hosts have moves sets that are needed here, and nothing else', t => {
  const subject = new PolicyCalculator(HOST);
  const away = { node: 'node-b', ipNetworks: ['10.0.9.9/32' as Prefix] };
  subject.set(workload('web', { role: 'web' }));
  subject.set(
    networkPolicy('here', { selector: 'role == "web"', ingress: [allow({ selector: 'role == "db"' })] }),
  );
  subject.set(networkPolicy('there', { selector: 'role == "db"', ingress: [allow({ selector: 'all()' })] }));
  subject.take();
  subject.set(workload('db', { role: 'db' }, away));
  const delta = subject.take()!;
  t.deepEqual([delta.workloads.set.size, delta.policies.set.size, delta.sets.added.size], [0, 0, 0]);
  t.is(delta.sets.changed.size, 1);
  subject.set(workload('db', { role: 'other' }, { ...away, node: 'node-c' }));
  subject.take();
  subject.set(workload('db', { role: 'yet another' }, away));
  t.is(subject.take(), undefined);
});

test('a named port of a namespaced policy’s own side is that of its namespace', t => {
  const subject = new PolicyCalculator(HOST);
  const ports = [{ name: 'http', protocol: 'TCP' as const, port: 8080 }];
  const elsewhere = workload('elsewhere', {}, { ports, ipNetworks: ['10.0.0.2/32' as Prefix] });
  subject.set(workload('web', {}, { ports }));
  subject.set({ ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'blue' } });
  const destination = { nets: [], notNets: [], ports: [{ name: 'http' }], notPorts: [] };
  subject.set(networkPolicy('a', { ingress: [allow({}, { protocol: 'TCP', destination })] }));
  subject.set(globalPolicy('a', { ingress: [allow({}, { protocol: 'TCP', destination })] }));
  subject.take();
  t.deepEqual(
    Array.from(subject.current.sets.values(), ({ members }) => [...members].sort()).sort(
      (a, b) => a.length - b.length,
    ),
    [['10.0.0.1,6:8080'], ['10.0.0.1,6:8080', '10.0.0.2,6:8080']],
  );
});

test('a host endpoint is where its name or an expected address says, and nowhere before that is known', t => {
  const subject = new PolicyCalculator(HOST);
  const expectedIPs = ['192.168.0.1/32', '192.168.1.1/32'] as Prefix[];
  subject.set(hostEndpoint('by-address', { expectedIPs }));
  subject.set(hostEndpoint('by-name', { interfaceName: 'eth1' }));
  subject.set(hostEndpoint('everything', { interfaceName: '*' }));
  const places = () => {
    subject.take();
    return Object.fromEntries(
      Array.from(subject.current.hosts.values(), ({ key, interfaceName }) => [key, interfaceName]),
    );
  };
  const addresses = (of: Record<string, string>) =>
    subject.setInterfaceAddresses(
      new Map(Object.entries(of).map(([name, address]) => [name, [address as IpAddress]])),
    );
  const named = { 'HostEndpoint/by-name': 'eth1', 'HostEndpoint/everything': '*' };
  t.deepEqual(places(), named);
  addresses({ eth1: '192.168.0.1' });
  t.deepEqual(places(), named, 'an interface that is named is taken');
  addresses({ eth2: '192.168.1.1', eth0: '192.168.0.1', eth1: '192.168.0.1' });
  t.deepEqual(places(), {
    ...named,
    'HostEndpoint/by-address': 'eth0',
    'HostEndpoint/by-address%eth2': 'eth2',
  });
  addresses({ eth2: '192.168.1.1' });
  t.deepEqual(places(), { ...named, 'HostEndpoint/by-address': 'eth2' });
});
