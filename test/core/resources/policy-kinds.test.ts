/** Calico's NetworkPolicy and Kubernetes' are written with the same kind: nowhere is one taken for the other. */
import test from 'ava';
import { parse } from 'yaml';
import { parseRequest } from '../../../agent/control/requests.js';
import { parseKind, parseResource as parseResourceWords } from '../../../bgpctl/kinds.js';
import { annotationProblems } from '../../../core/resources/annotations.js';
import { parseResource } from '../../../core/resources/parse.js';
import { formatResourceId, type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { documentText, fileNameOf, parseFile, replaceDocument } from '../../../store/file/document-file.js';
import { problems, written } from './written.js';

const calico = written('NetworkPolicy', { selector: 'has(a)' });
const kubernetes = written('KubernetesNetworkPolicy', { podSelector: { matchLabels: { a: 'b' } } });

function read(document: unknown): Resource {
  const parsed = parseResource(document);
  if (parsed.kind !== 'ok') throw new Error(JSON.stringify(parsed.problems));
  return parsed.resource;
}

test('the apiVersion says which one it is, and is written back', t => {
  t.is(calico.kind, kubernetes.kind);
  t.is(read(calico).kind, 'NetworkPolicy');
  t.is(read(kubernetes).kind, 'KubernetesNetworkPolicy');
  for (const document of [calico, kubernetes]) {
    const { apiVersion, kind } = serialiseResource(read(document));
    t.deepEqual([apiVersion, kind], [document.apiVersion, 'NetworkPolicy']);
  }
});

test('a wrong apiVersion names both, the name of ours in place of Kubernetes the one that is meant', t => {
  const [problem] = problems({ ...calico, apiVersion: 'v1' });
  t.is(problem?.path, 'apiVersion');
  t.regex(problem?.allowed ?? '', /projectcalico\.org\/v3.*networking\.k8s\.io\/v1/);
  const [old] = problems({ ...kubernetes, apiVersion: 'networking.k8s.io/v1beta1' });
  t.deepEqual([old?.path, old?.allowed], ['apiVersion', '"networking.k8s.io/v1" for a NetworkPolicy']);
  for (const apiVersion of [{ toString: false }, null, 5, ['networking.k8s.io/v1']]) {
    t.is(problems({ ...calico, apiVersion })[0]?.path, 'apiVersion', JSON.stringify(apiVersion));
  }
  const [ours] = problems({ ...kubernetes, kind: 'KubernetesNetworkPolicy' });
  t.is(ours?.path, 'kind');
  t.true(ours?.allowed.endsWith('(did you mean NetworkPolicy of networking.k8s.io/v1?)'), ours?.allowed);
});

test('in a store of files they have files of their own, and one file may hold both', t => {
  const resources = [calico, kubernetes].map(read);
  t.deepEqual(
    resources.map(resource => fileNameOf(resourceIdOf(resource))),
    ['NetworkPolicy.default_a.yaml', 'KubernetesNetworkPolicy.default_a.yaml'],
  );
  const text = resources.map(documentText).join('---\n');
  const { stored, invalid } = parseFile('both.yaml', text);
  t.deepEqual(invalid, []);
  t.deepEqual(
    stored.map(({ resource }) => resource),
    resources,
  );
  for (const resource of resources) {
    const left = parseFile('both.yaml', replaceDocument(text, resourceIdOf(resource), undefined)).stored;
    t.deepEqual(
      left.map(one => formatResourceId(resourceIdOf(one.resource))),
      resources.filter(other => other !== resource).map(other => formatResourceId(resourceIdOf(other))),
    );
  }
});

test('of an invalid document a store keeps what was written if it is a policy, and of nothing else', t => {
  const wrong = { selector: 'has(a)', ingress: [{ action: 'Permit' }] };
  for (const kind of ['NetworkPolicy', 'GlobalNetworkPolicy', 'KubernetesNetworkPolicy'] as const) {
    const document = written(kind, wrong);
    const { stored, invalid } = parseFile('a.yaml', JSON.stringify(document));
    t.deepEqual(stored, []);
    t.deepEqual([invalid[0]?.id?.kind, invalid[0]?.written], [kind, document]);
  }
  const others = [written('IPPool', {}), { ...written('Secret', {}), data: 5 }, { ...calico, metadata: {} }];
  for (const document of others) {
    const { invalid } = parseFile('a.yaml', JSON.stringify(document));
    t.is(invalid.length, 1);
    t.false('written' in (invalid[0] as object), JSON.stringify(document));
  }
});

test('the command line and the control API tell them apart', t => {
  for (const word of ['networkpolicy', 'NetworkPolicies', 'np']) t.is(parseKind(word), 'NetworkPolicy', word);
  for (const word of [
    'netpol',
    'knp',
    'kubernetesnetworkpolicy',
    'networkpolicy.networking.k8s.io',
    'networkpolicies.networking.k8s.io',
  ]) {
    t.is(parseKind(word), 'KubernetesNetworkPolicy', word);
  }
  t.deepEqual(parseResourceWords('netpol/shop/web', undefined), {
    kind: 'KubernetesNetworkPolicy',
    namespace: 'shop',
    name: 'web',
  });
  t.deepEqual(parseResourceWords('gnp', 'security.deny'), {
    kind: 'GlobalNetworkPolicy',
    name: 'security.deny',
  });
  for (const kind of ['NetworkPolicy', 'KubernetesNetworkPolicy'] as const) {
    t.deepEqual(parseRequest('DELETE', `/v1/resources/${kind}/shop/web`), {
      kind: 'delete-resource',
      id: { kind, namespace: 'shop', name: 'web' },
    });
  }
});

test('every kind of policy may say that what it denies ends, and nothing else', t => {
  for (const kind of [
    'NetworkPolicy',
    'GlobalNetworkPolicy',
    'KubernetesNetworkPolicy',
    'StagedNetworkPolicy',
    'StagedGlobalNetworkPolicy',
    'StagedKubernetesNetworkPolicy',
  ] as const) {
    t.deepEqual(annotationProblems(kind, { 'margay.io/flushOnDeny': 'true' }, {}), []);
    const paths = (name: string, value: string) =>
      annotationProblems(kind, { [`margay.io/${name}`]: value }, {}).map(({ path }) => path);
    t.deepEqual(paths('flushOnDeny', 'yes'), ['metadata.annotations["margay.io/flushOnDeny"]']);
    t.deepEqual(paths('flush-on-deny', 'true'), ['metadata.annotations["margay.io/flush-on-deny"]']);
    t.deepEqual(paths('adminState', 'up'), ['metadata.annotations["margay.io/adminState"]']);
  }
});

test('what Calico shows of a running cluster is taken as it is', t => {
  const document = parse(`
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  creationTimestamp: "2024-05-01T10:00:00Z"
  name: default.allow-cluster-internal-ingress
  resourceVersion: "1031"
  uid: 4c7b8a5e-6f0b-4f2c-9a38-0d5e1b0b7a11
spec:
  applyOnForward: true
  ingress:
  - action: Allow
    destination: {}
    source:
      nets:
      - 10.240.0.0/16
      - 192.168.0.0/16
  - action: Allow
    protocol: UDP
    source:
      selector: projectcalico.org/namespace == 'shop'
    destination:
      ports:
      - 53
  order: 10
  preDNAT: true
  selector: has(kubernetes-host)
  tier: default
  types:
  - Ingress
`);
  const parsed = parseResource(document);
  t.is(parsed.kind, 'ok', JSON.stringify(parsed));
});
