import test from 'ava';
import { parse } from 'yaml';
import { parseResource } from '../../../core/resources/parse.js';
import { type Refusal, readsAs, refuses } from './written.js';

const kinds = ['KubernetesNetworkPolicy', 'StagedKubernetesNetworkPolicy'] as const;
const json = JSON.stringify;

for (const kind of kinds) {
  const staged = kind === 'KubernetesNetworkPolicy' ? {} : { stagedAction: 'Set' };
  const all = { ...staged, podSelector: {} };

  test(`a ${kind} with everything keeps it`, t => {
    readsAs(t, kind, {
      ...staged,
      podSelector: {
        matchLabels: { app: 'web', 'app.kubernetes.io/name': '' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['a', 'b'] },
          { key: 'tier', operator: 'NotIn', values: ['c'] },
          { key: 'x', operator: 'Exists' },
          { key: 'y', operator: 'DoesNotExist' },
        ],
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { a: 'b' } } },
            { namespaceSelector: {} },
            { podSelector: {}, namespaceSelector: { matchLabels: { team: 'a' } } },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.3.4/32'] } },
            { ipBlock: { cidr: 'fd00::/8' } },
          ],
          ports: [
            { protocol: 'TCP', port: 80 },
            { protocol: 'UDP', port: 8000, endPort: 9000 },
            { protocol: 'SCTP', port: 'http-alt' },
            { protocol: 'TCP' },
          ],
        },
        {},
      ],
      egress: [{ to: [{ podSelector: {} }] }],
    });
  });

  test(`the defaults of a ${kind} are Kubernetes'`, t => {
    readsAs(t, kind, {}, { ...all, policyTypes: ['Ingress'] });
    readsAs(
      t,
      kind,
      { podSelector: null, policyTypes: [], ingress: [] },
      { ...all, policyTypes: ['Ingress'] },
    );
    readsAs(t, kind, { egress: [{}] }, { ...all, policyTypes: ['Ingress', 'Egress'], egress: [{}] });
    readsAs(t, kind, { policyTypes: ['Egress', 'Egress'] }, { ...all, policyTypes: ['Egress'] });
    readsAs(
      t,
      kind,
      { ingress: [{ from: [], ports: [{ port: 1 }, { endPort: null }] }] },
      {
        ...all,
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ protocol: 'TCP', port: 1 }, { protocol: 'TCP' }] }],
      },
    );
    readsAs(
      t,
      kind,
      { podSelector: { matchLabels: { version: 2 } } },
      { ...all, podSelector: { matchLabels: { version: '2' } }, policyTypes: ['Ingress'] },
    );
  });
}

const port = (value: object) => ({ ingress: [{ ports: [value] }] });
const peer = (value: unknown) => ({ egress: [{ to: [value] }] });
const block = (value: object) => peer({ ipBlock: value });
const needs = (value: object) => ({ podSelector: { matchExpressions: [value] } });
const peerWords = 'a map of podSelector, namespaceSelector or both, or of ipBlock alone';

const refusals: readonly Refusal[] = [
  [5, '', '5', 'a map of fields'],
  [{ podSelector: 'app=web' }, 'podSelector', '"app=web"', 'a map of fields'],
  [{ podSelector: { app: 'web' } }, 'podSelector.app', '"web"', /field of/],
  [
    { podSelector: { matchLabels: { 'a b': 'x' } } },
    'podSelector.matchLabels',
    '"a b"',
    /^the key of a label/,
  ],
  [
    { podSelector: { matchLabels: { [`${'a'.repeat(64)}`]: 'x' } } },
    'podSelector.matchLabels',
    /aaa/,
    /at most 63/,
  ],
  [
    { podSelector: { matchLabels: { a: 'x y' } } },
    'podSelector.matchLabels.a',
    '"x y"',
    /^the value of a label/,
  ],
  [
    { podSelector: { matchLabels: { a: '-x' } } },
    'podSelector.matchLabels.a',
    '"-x"',
    /^the value of a label/,
  ],
  [
    needs({ key: 'a', operator: 'in' }),
    'podSelector.matchExpressions[0].operator',
    '"in"',
    /^one of In, NotIn/,
  ],
  [
    needs({ key: '', operator: 'Exists' }),
    'podSelector.matchExpressions[0].key',
    '""',
    /^the key of a label/,
  ],
  [
    needs({ key: 'a', operator: 'In' }),
    'podSelector.matchExpressions[0].values',
    /nothing|\[\]/,
    /which In needs/,
  ],
  [
    needs({ key: 'a', operator: 'Exists', values: ['x'] }),
    'podSelector.matchExpressions[0].values',
    '["x"]',
    'allowed beside Exists',
  ],
  [{ policyTypes: ['ingress'] }, 'policyTypes[0]', '"ingress"', 'one of Ingress, Egress'],
  [
    { policyTypes: ['Ingress', 'Egress', 'Ingress'] },
    'policyTypes',
    /Egress/,
    'a list of Ingress, Egress or both',
  ],
  [{ ingress: {} }, 'ingress', '{}', 'a list'],
  [{ ingress: [{ to: [] }] }, 'ingress[0].to', '[]', /field of/],
  [{ egress: [{ from: [] }] }, 'egress[0].from', '[]', /field of/],
  [peer({}), 'egress[0].to[0]', '{}', peerWords],
  [peer('everybody'), 'egress[0].to[0]', '"everybody"', peerWords],
  [peer({ podSelector: {}, ipBlock: { cidr: '::/0' } }), 'egress[0].to[0]', /ipBlock/, peerWords],
  [block({}), 'egress[0].to[0].ipBlock.cidr', 'nothing', /^a prefix/],
  [block({ cidr: '10.0.0.1' }), 'egress[0].to[0].ipBlock.cidr', '"10.0.0.1"', /^a prefix/],
  [block({ cidr: '10.0.0.1/8' }), 'egress[0].to[0].ipBlock.cidr', '"10.0.0.1/8"', /10\.0\.0\.0\/8/],
  [
    block({ cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] }),
    'egress[0].to[0].ipBlock.except[0]',
    '"11.0.0.0/16"',
    'a prefix inside 10.0.0.0/8, and smaller',
  ],
  [
    block({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.0.0.0/8'] }),
    'egress[0].to[0].ipBlock.except[1]',
    '"10.0.0.0/8"',
    /and smaller/,
  ],
  [port({ protocol: 'tcp' }), 'ingress[0].ports[0].protocol', '"tcp"', 'one of TCP, UDP, SCTP'],
  ...[0, 65536, 1.5, '', 'HTTP', '80', 'a--b', '-a', 'a'.repeat(16), true].map(
    (value): Refusal => [
      port({ port: value }),
      'ingress[0].ports[0].port',
      json(value),
      /^a port from 1 to 65535, or the name/,
    ],
  ),
  [port({ endPort: 80 }), 'ingress[0].ports[0].endPort', '80', /without the number of a port/],
  [port({ port: 'http', endPort: 80 }), 'ingress[0].ports[0].endPort', '80', /without the number of a port/],
  [port({ port: 80, endPort: 79 }), 'ingress[0].ports[0].endPort', '79', /a port from 80/],
  [port({ port: 80, endPort: 65536 }), 'ingress[0].ports[0].endPort', '65536', /a port from 80/],
  [port({ port: 80, endPort: '90' }), 'ingress[0].ports[0].endPort', '"90"', /65535/],
];

for (const [i, refusal] of refusals.entries()) {
  test(`a wrong ${refusal[1]} is refused there: ${json(refusal[0]).slice(0, 90)} (${i + 1})`, t => {
    for (const kind of kinds) refuses(t, kind, [refusal]);
  });
}

test('a staged one that deletes says nothing else', t => {
  const kind = 'StagedKubernetesNetworkPolicy';
  readsAs(t, kind, { stagedAction: 'Delete' }, { stagedAction: 'Delete', podSelector: {}, policyTypes: [] });
  refuses(t, kind, [
    [{ stagedAction: 'Delete', ingress: [{}] }, 'ingress', '[{}]', /stagedAction Delete/],
    [{ stagedAction: 'Delete', policyTypes: ['Egress'] }, 'policyTypes', '["Egress"]', /stagedAction Delete/],
    [
      { stagedAction: 'Delete', podSelector: { matchLabels: { a: 'b' } } },
      'podSelector',
      /matchLabels/,
      /stagedAction Delete/,
    ],
  ]);
  refuses(t, 'KubernetesNetworkPolicy', [[{ stagedAction: 'Set' }, 'stagedAction', '"Set"', /field of/]]);
});

test('what kubectl shows is taken as it is', t => {
  const parsed = parseResource(
    parse(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"networking.k8s.io/v1"}
  creationTimestamp: "2024-05-01T10:00:00Z"
  generation: 1
  name: test-network-policy
  namespace: default
  resourceVersion: "1"
  uid: 4c7b8a5e-6f0b-4f2c-9a38-0d5e1b0b7a11
spec:
  ingress:
  - from:
    - ipBlock:
        cidr: 172.17.0.0/16
        except:
        - 172.17.1.0/24
    - namespaceSelector:
        matchLabels:
          project: myproject
    ports:
    - port: 6379
      protocol: TCP
  podSelector:
    matchLabels:
      role: db
  policyTypes:
  - Ingress
status: {}
`),
  );
  t.is(parsed.kind, 'ok');
  t.is(parsed.kind === 'ok' && parsed.resource.kind, 'KubernetesNetworkPolicy');
});
