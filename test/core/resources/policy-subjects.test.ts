/** Documents that policies speak of: sets of addresses, profiles, endpoints, tiers, namespaces and service accounts. */
import test from 'ava';
import { annotationProblems, isDisabled } from '../../../core/resources/annotations.js';
import { parseResource } from '../../../core/resources/parse.js';
import type { ResourceKind } from '../../../core/resources/resource.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { problems, readsAs, refuses, written } from './written.js';

/** With other metadata. */
function named(kind: ResourceKind, metadata: Readonly<Record<string, unknown>>, spec: object = {}) {
  const document = written(kind, spec);
  return { ...document, metadata: { ...(document.metadata as object), ...metadata } };
}

for (const kind of ['GlobalNetworkSet', 'NetworkSet'] as const) {
  test(`a ${kind} has prefixes, and labels but the one that says where it is`, t => {
    readsAs(t, kind, {}, { nets: [] });
    readsAs(
      t,
      kind,
      { nets: ['10.0.0.0/8', '192.0.2.1', 'FD00::1'] },
      { nets: ['10.0.0.0/8', '192.0.2.1/32', 'fd00::1/128'] },
    );
    refuses(t, kind, [
      [{ nets: '10.0.0.0/8' }, 'nets', '"10.0.0.0/8"', 'a list'],
      [{ nets: ['10.0.0.0/33'] }, 'nets[0]', '"10.0.0.0/33"', /^an address or a prefix/],
      [{ nets: ['::/0', '10.0.0.1/8'] }, 'nets[1]', '"10.0.0.1/8"', /10\.0\.0\.0\/8/],
      [
        { allowedEgressDomains: ['a.example'] },
        'allowedEgressDomains',
        '["a.example"]',
        /a field of Calico's/,
      ],
    ]);
    t.deepEqual(problems(named(kind, { labels: { role: 'db' } })), []);
    t.deepEqual(
      problems(named(kind, { labels: { 'projectcalico.org/namespace': 'x' } })).map(({ path, value }) => [
        path,
        value,
      ]),
      [['metadata.labels["projectcalico.org/namespace"]', '"x"']],
    );
  });
}

test('a Profile has labels and rules', t => {
  readsAs(t, 'Profile', {}, { labelsToApply: {} });
  readsAs(t, 'Profile', {
    labelsToApply: { a: 'b' },
    ingress: [{ action: 'Allow', source: { selector: 'has(a)' } }],
    egress: [{ action: 'Pass' }],
  });
  readsAs(t, 'Profile', { labelsToApply: { rack: 3 } }, { labelsToApply: { rack: '3' } });
  refuses(t, 'Profile', [
    [{ labelsToApply: ['a'] }, 'labelsToApply', '["a"]', 'a map of fields'],
    [{ labelsToApply: { a: {} } }, 'labelsToApply.a', '{}', /^the value of a label/],
    [{ ingress: {} }, 'ingress', '{}', 'a list'],
    [{ order: 1 }, 'order', '1', /a field of Calico's Profile/],
  ]);
});

test('a HostEndpoint is of a node, and of an interface, of all, or of addresses', t => {
  const rest = { expectedIPs: [], profiles: [], ports: [] };
  readsAs(t, 'HostEndpoint', { node: 'a', interfaceName: '*' }, { node: 'a', interfaceName: '*', ...rest });
  readsAs(
    t,
    'HostEndpoint',
    { node: 'a', interfaceName: '', expectedIPs: ['192.0.2.1', 'fd00::1'] },
    { node: 'a', ...rest, expectedIPs: ['192.0.2.1/32', 'fd00::1/128'] },
  );
  readsAs(t, 'HostEndpoint', {
    node: 'a',
    interfaceName: 'eth0.100',
    expectedIPs: ['10.0.0.0/24'],
    profiles: ['kns.default', 'b'],
    ports: [
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'x', protocol: 132, port: 65535 },
    ],
  });
  const host = { node: 'a', interfaceName: 'eth0' };
  const port = (value: object) => ({ ...host, ports: [{ name: 'a', protocol: 'TCP', port: 1, ...value }] });
  const withPorts = 'a protocol with ports: TCP, UDP, SCTP or UDPLite';
  refuses(t, 'HostEndpoint', [
    [{ interfaceName: 'eth0' }, 'node', 'nothing', 'the name of a Node'],
    [{ ...host, node: '' }, 'node', '""', 'the name of a Node'],
    [{ node: 'a' }, 'interfaceName', 'nothing', /needs it, or expectedIPs/],
    [{ node: 'a', interfaceName: 'eth*' }, 'interfaceName', '"eth*"', /^"\*", or the name/],
    [{ node: 'a', interfaceName: 'a'.repeat(16) }, 'interfaceName', `"${'a'.repeat(16)}"`, /at most 15/],
    [{ ...host, expectedIPs: ['eth0'] }, 'expectedIPs[0]', '"eth0"', /^an address or a prefix/],
    [{ ...host, profiles: ['A'] }, 'profiles[0]', '"A"', /^a name of/],
    [{ ...host, profiles: 'a' }, 'profiles', '"a"', 'a list of names of profiles'],
    [port({ name: '' }), 'ports[0].name', '""', /^the name of a port/],
    [port({ name: '80' }), 'ports[0].name', '"80"', /a letter among them/],
    [port({ protocol: 'ICMP' }), 'ports[0].protocol', '"ICMP"', withPorts],
    [port({ protocol: 47 }), 'ports[0].protocol', '47', withPorts],
    [port({ port: 0 }), 'ports[0].port', '0', /1 to 65535/],
    [port({ port: 1.5 }), 'ports[0].port', '1.5', /1 to 65535/],
    [port({ port: '80' }), 'ports[0].port', '"80"', /1 to 65535/],
    [{ ...host, interface: 'eth0' }, 'interface', '"eth0"', /a field of Calico's HostEndpoint/],
  ]);
});

test('a Tier denies in the end unless it says otherwise', t => {
  readsAs(t, 'Tier', {}, { defaultAction: 'Deny' });
  readsAs(t, 'Tier', { order: -3.25, defaultAction: 'Pass' });
  refuses(t, 'Tier', [
    [{ order: '1' }, 'order', '"1"', 'a finite number'],
    [{ order: Number.NEGATIVE_INFINITY }, 'order', 'null', 'a finite number'],
    [{ defaultAction: 'Allow' }, 'defaultAction', '"Allow"', 'one of Deny, Pass'],
    [{ selector: '' }, 'selector', '""', /a field of Calico's Tier/],
  ]);
  for (const [name, order, defaultAction] of [
    ['default', 1_000_000, 'Deny'],
    ['kube-admin', 1000, 'Pass'],
    ['kube-baseline', 10_000_000, 'Pass'],
  ] as const) {
    for (const spec of [{}, { order }, { defaultAction }, { order, defaultAction }]) {
      const parsed = parseResource(named('Tier', { name }, spec));
      t.deepEqual(parsed.kind === 'ok' && serialiseResource(parsed.resource).spec, { order, defaultAction });
    }
    const found = problems(
      named('Tier', { name }, { order: 1, defaultAction: defaultAction === 'Deny' ? 'Pass' : 'Deny' }),
    );
    t.deepEqual(
      found.map(({ path }) => path),
      ['spec.order', 'spec.defaultAction'],
    );
    t.true(found[0]?.allowed.startsWith(String(order)));
  }
  for (const name of ['a.b', 'a'.repeat(64)]) {
    t.deepEqual(
      problems(named('Tier', { name })).map(({ path }) => path),
      ['metadata.name'],
      name,
    );
  }
});

test('a policy is called NAME or TIER.NAME, and never as Calico shows what is Kubernetes own', t => {
  for (const kind of [
    'NetworkPolicy',
    'GlobalNetworkPolicy',
    'StagedNetworkPolicy',
    'StagedGlobalNetworkPolicy',
  ] as const) {
    for (const name of ['allow', 'default.allow', 'security.allow']) {
      t.deepEqual(problems(named(kind, { name }, { tier: 'security' })), [], name);
    }
    for (const name of ['a.b.c', 'knp.default.allow', 'ossg.default.allow']) {
      t.deepEqual(
        problems(named(kind, { name })).map(({ path }) => path),
        ['metadata.name'],
        name,
      );
    }
  }
});

test('of a Namespace and a ServiceAccount the labels are kept, and what Kubernetes says beside them is left out', t => {
  const labels = { 'kubernetes.io/metadata.name': 'a' };
  for (const [kind, more] of [
    ['Namespace', { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }],
    [
      'ServiceAccount',
      { secrets: [{ name: 'a' }], imagePullSecrets: [], automountServiceAccountToken: true },
    ],
  ] as const) {
    const least = { ...named(kind, { labels }), spec: undefined };
    const parsed = parseResource({ ...least, ...more });
    t.is(parsed.kind, 'ok', JSON.stringify(parsed));
    if (parsed.kind !== 'ok') return;
    t.deepEqual(parsed.resource.metadata.labels, labels);
    const again = serialiseResource(parsed.resource);
    t.deepEqual(Object.keys(again), ['apiVersion', 'kind', 'metadata']);
    t.is(again.apiVersion, 'v1');
    t.deepEqual(parseResource(again), parsed);
  }
  t.deepEqual(
    problems({ ...written('Namespace', {}), secrets: [] }).map(({ path }) => path),
    ['secrets'],
  );
  t.is(
    problems({ ...written('ServiceAccount', {}), metadata: { name: 'a' } })[0]?.path,
    'metadata.namespace',
  );
});

test('a WorkloadEndpoint: its service account, what it may send from, its ports, and whether it is up', t => {
  const kind = 'WorkloadEndpoint';
  const least = { node: 'a', interfaceName: 'cali1', ipNetworks: ['10.0.0.1/32'] };
  readsAs(
    t,
    kind,
    {
      ...least,
      serviceAccountName: 'web.a',
      allowSpoofedSourcePrefixes: ['192.0.2.1', '10.0.0.0/8', '::/0'],
      ports: [
        { name: 'http', protocol: 'tcp', port: 80 },
        { protocol: 'UDP', port: 53, hostPort: 53 },
      ],
    },
    {
      ...least,
      serviceAccountName: 'web.a',
      allowSpoofedSourcePrefixes: ['192.0.2.1/32', '10.0.0.0/8', '::/0'],
      ports: [
        { name: 'http', protocol: 'TCP', port: 80 },
        { name: '', protocol: 'UDP', port: 53, hostPort: 53 },
      ],
    },
  );
  const port = (value: object) => ({ ...least, ports: [{ name: 'a', protocol: 'TCP', port: 1, ...value }] });
  refuses(t, kind, [
    [{ ...least, serviceAccountName: 'A' }, 'serviceAccountName', '"A"', /^a name of/],
    [
      { ...least, allowSpoofedSourcePrefixes: ['10.0.0.1/8'] },
      'allowSpoofedSourcePrefixes[0]',
      '"10.0.0.1/8"',
      /host bits/,
    ],
    [{ ...least, allowSpoofedSourcePrefixes: 'any' }, 'allowSpoofedSourcePrefixes', '"any"', 'a list'],
    [port({ protocol: 'ICMP' }), 'ports[0].protocol', '"ICMP"', /^a protocol with ports/],
    [port({ name: undefined }), 'ports[0].name', 'nothing', /without hostPort needs it/],
  ]);
  const metadata = (annotations: Record<string, string>) => ({
    metadata: { name: 'a', labels: {}, annotations },
  });
  t.true(isDisabled(metadata({ 'margay.io/adminState': 'down' })));
  t.false(isDisabled(metadata({ 'margay.io/adminState': 'up' })));
  t.false(isDisabled(metadata({})));
  t.deepEqual(annotationProblems(kind, { 'margay.io/adminState': 'Down' }, {}), [
    { path: 'metadata.annotations["margay.io/adminState"]', value: '"Down"', allowed: 'one of up, down' },
  ]);
});
