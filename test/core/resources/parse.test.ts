import test from 'ava';
import { parseResource } from '../../../core/resources/parse.js';
import { describeProblem } from '../../../core/resources/problems.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { problems, written } from './written.js';

const good = written('Node', {});
const sentences = (document: unknown) => problems(document).map(describeProblem);

test('what is no map at all is no document', t => {
  for (const document of [null, undefined, true, 5, 'Node', [], [good]]) {
    t.is(problems(document)[0]?.path, '', JSON.stringify(document));
  }
  t.deepEqual(sentences('x'), [
    'the document: "x" is not a document with apiVersion, kind, metadata and spec',
  ]);
});

test('an unknown kind names the known ones, and the one that was meant', t => {
  const [problem] = problems({ ...good, kind: 'IPPol' });
  t.is(problem?.path, 'kind');
  t.is(problem?.value, '"IPPol"');
  t.regex(problem?.allowed ?? '', /BlockAffinity.*did you mean IPPool\?/);
  for (const kind of ['__proto__', 'constructor', 'toString', '', 5, null, {}]) {
    t.is(problems({ ...good, kind })[0]?.path, 'kind', JSON.stringify(kind));
  }
});

test('an unknown apiVersion names the one of that kind', t => {
  for (const apiVersion of ['projectcalico.org/v1', 'crd.projectcalico.org/v3', 'margay.io/v1', '', 3]) {
    t.deepEqual(sentences({ ...good, apiVersion }), [
      `apiVersion: ${JSON.stringify(apiVersion)} is not "projectcalico.org/v3" for a Node`,
    ]);
  }
  t.deepEqual(sentences({ ...good, apiVersion: undefined }), [
    'apiVersion is missing: "projectcalico.org/v3"',
  ]);
  const status = { ...written('NodeStatus', { version: '1', receives: [], sends: [] }) };
  t.deepEqual(sentences({ ...status, apiVersion: 'projectcalico.org/v3' }), [
    'apiVersion: "projectcalico.org/v3" is not "margay.io/v1" for a NodeStatus',
  ]);
});

test('an unknown field names the one that was meant, at any depth', t => {
  const cases = [
    [{ ...good, sepc: {} }, 'sepc', 'spec'],
    [{ ...good, metadata: { name: 'a', lables: {} } }, 'metadata.lables', 'labels'],
    [written('Node', { bpg: {} }), 'spec.bpg', 'bgp'],
    [written('Node', { bgp: { asNumbr: 1 } }), 'spec.bgp.asNumbr', 'asNumber'],
    [
      written('BGPConfiguration', { communities: [{ name: 'a', value: '1:1', valeu: 1 }] }),
      'spec.communities[0].valeu',
      'value',
    ],
    [written('IPPool', { cidr: '10.0.0.0/16', blocksize: 26 }), 'spec.blocksize', 'blockSize'],
    [written('BGPPeer', { peerIP: '10.0.0.1', asNumber: 1, peerip: '10.0.0.1' }), 'spec.peerip', 'peerIP'],
  ] as const;
  for (const [document, path, meant] of cases) {
    const found = problems(document);
    t.deepEqual(
      found.map(problem => problem.path),
      [path],
    );
    t.true(found[0]?.allowed.endsWith(`did you mean ${meant}?`), found[0]?.allowed);
  }
});

test('a field that Calico does not have is refused with the place where it belongs', t => {
  t.deepEqual(sentences(written('BGPPeer', { peerIP: '10.0.0.1', asNumber: 1, dampening: true })), [
    "spec.dampening: true is not a field of Calico's BGPPeer: what only Margay has stands in annotations " +
      '(margay.io/dampening) or in documents of margay.io/v1',
  ]);
});

test('metadata: names, labels and annotations', t => {
  const metadata = (value: unknown) => problems({ ...good, metadata: value }).map(({ path }) => path);
  t.deepEqual(metadata({ name: 'rack-1.tor' }), []);
  for (const name of ['Rack', 'a_b', '-a', 'a.', '', 'a'.repeat(254), 5, null, undefined]) {
    t.deepEqual(metadata({ name }), ['metadata.name'], String(name));
  }
  for (const value of [undefined, null, 5, 'a', []]) t.deepEqual(metadata(value), ['metadata']);
  t.deepEqual(metadata({ name: 'a', labels: 'x' }), ['metadata.labels']);
  t.deepEqual(metadata({ name: 'a', labels: { rack: { no: 1 } } }), ['metadata.labels.rack']);
  t.deepEqual(metadata({ name: 'a', annotations: { why: null } }), ['metadata.annotations.why']);
});

test('labels that YAML reads as numbers and truth values are their texts', t => {
  const parsed = parseResource({ ...good, metadata: { name: 'a', labels: { rack: 3, spine: true } } });
  t.deepEqual(parsed.kind === 'ok' && parsed.resource.metadata.labels, { rack: '3', spine: 'true' });
});

test('keys and values of labels are checked as Kubernetes does', t => {
  const found = (labels: object) =>
    problems({ ...good, metadata: { name: 'a', labels } }).map(({ path }) => path);
  const long = 'a'.repeat(63);
  t.deepEqual(found({ a: '', 'b.c/D_e.f-g': `${long}`, [`x.y/${long}`]: 'A_b.c-0' }), []);
  for (const key of ['', 'a b', '-a', 'a/', 'A.b/c', 'a/b/c', `${long}a`, 'ä']) {
    t.deepEqual(found({ [key]: 'x' }), ['metadata.labels'], key);
  }
  for (const value of ['-', 'x y', `${long}a`, 'x"', 'ä', null, []]) {
    t.deepEqual(found({ a: value }), ['metadata.labels.a'], JSON.stringify(value));
  }
});

test('what the API server adds is taken and left out', t => {
  const metadata = {
    name: 'a',
    uid: 'x',
    resourceVersion: '1',
    creationTimestamp: null,
    generation: 2,
    managedFields: [{}],
  };
  const parsed = parseResource({ ...good, metadata, status: { ok: true } });
  t.deepEqual(parsed.kind === 'ok' && serialiseResource(parsed.resource), good);
});

test('a namespace stands where it belongs and nowhere else', t => {
  const endpoint = written('WorkloadEndpoint', { node: 'a', interfaceName: 'cali1' });
  t.deepEqual(problems(endpoint), []);
  t.is(problems({ ...endpoint, metadata: { name: 'a' } })[0]?.path, 'metadata.namespace');
  t.is(problems({ ...good, metadata: { name: 'a', namespace: 'x' } })[0]?.path, 'metadata.namespace');
  t.deepEqual(problems({ ...good, metadata: { name: 'a', namespace: null } }), []);
});

test('everything that is wrong is said at once, with the name of the document as far as it can be made out', t => {
  const parsed = parseResource({
    apiVersion: 'v1',
    kind: 'IPPool',
    metadata: { name: 'pool', labels: [] },
    spec: { cidr: '10.0.0.1/16', ipipMode: 'Sometimes', natOutgoing: 'yes' },
  });
  t.is(parsed.kind, 'invalid');
  if (parsed.kind !== 'invalid') return;
  t.deepEqual(parsed.id, { kind: 'IPPool', name: 'pool' });
  t.deepEqual(parsed.problems.map(({ path }) => path).sort(), [
    'apiVersion',
    'metadata.labels',
    'spec.cidr',
    'spec.ipipMode',
    'spec.natOutgoing',
  ]);
});

test('a spec that is no map, a long value, a document nested beyond all measure', t => {
  t.deepEqual(sentences(written('Node', 5)), ['spec: 5 is not a map of fields']);
  t.deepEqual(problems(written('Node', null)), []);
  const long = problems(written('IPPool', { cidr: 'x'.repeat(1000) }))[0];
  t.is(long?.value.length, 80);
  let deep: unknown = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  t.is(problems(written('Node', { wireguard: { deep } }))[0]?.path, '');
  t.is(problems(deep)[0]?.path, '');
});

test('what is missing is said to be missing', t => {
  const peer = { apiVersion: 'projectcalico.org/v3', kind: 'BGPPeer', metadata: { name: 'a' } };
  t.deepEqual(sentences({ ...peer, spec: { peerIP: '10.0.0.1' } }), [
    'spec.asNumber is missing: a peerIP needs it',
  ]);
  const password = { secretKeyRef: { name: 'a' } };
  t.deepEqual(sentences({ ...peer, spec: { peerIP: '10.0.0.1', asNumber: 1, password } }), [
    'spec.password.secretKeyRef.key is missing: a text',
  ]);
});

test('an annotation that is nothing like ours is not taken for a slip', t => {
  const metadata = (name: string) => ({ name: 'a', annotations: { [`margay.io/${name}`]: '1' } });
  const sentence = (name: string) =>
    sentences({
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: metadata(name),
      spec: { peerIP: '10.0.0.1', asNumber: 1 },
    })[0] ?? '';
  t.regex(sentence('holdtime'), /did you mean margay.io\/holdTime\?/);
  t.notRegex(sentence('foo'), /did you mean/);
});
