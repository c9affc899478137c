import test from 'ava';
import { udpModeOf } from '../../../core/resources/annotations.js';
import { parseResource } from '../../../core/resources/parse.js';
import type { IPPoolResource } from '../../../core/resources/resource.js';
import { problems, written } from './written.js';

function pool(annotations: object, spec: object = {}) {
  return {
    ...written('IPPool', { cidr: '10.244.0.0/16', ...spec }),
    metadata: { name: 'pods', annotations },
  };
}

test('a pool’s packets leave inside UDP when its annotation says so, and never otherwise', t => {
  const modeOf = (annotations: object) => {
    const parsed = parseResource(pool(annotations));
    return parsed.kind === 'ok' ? udpModeOf(parsed.resource as IPPoolResource) : parsed.problems;
  };
  t.is(modeOf({}), 'Never');
  t.is(modeOf({ 'margay.io/udpMode': 'CrossSubnet' }), 'CrossSubnet');
});

test('others’ annotations are theirs, on any kind', t => {
  t.deepEqual(problems(pool({ 'projectcalico.org/udpMode': 'Sometimes', 'margay.ion/x': '1' })), []);
});

test('one of ours that is wrong, unknown, on the wrong kind or beside another tunnel is refused at its place', t => {
  const path = (name: string) => `metadata.annotations["margay.io/${name}"]`;
  const refused = (document: unknown) => problems(document).map(problem => [problem.path, problem.value]);
  t.deepEqual(refused(pool({ 'margay.io/udpMode': 'always' })), [[path('udpMode'), '"always"']]);
  t.deepEqual(refused(pool({ 'margay.io/udpmode': 'Always' })), [[path('udpmode'), '"Always"']]);
  t.regex(
    problems(pool({ 'margay.io/udpmode': 'Always' }))[0]?.allowed ?? '',
    /did you mean margay\.io\/udpMode/,
  );
  const udp = { 'margay.io/udpMode': 'Always' };
  t.deepEqual(refused(pool(udp, { ipipMode: 'Always' })), [[path('udpMode'), '"Always"']]);
  t.deepEqual(refused(pool(udp, { vxlanMode: 'CrossSubnet' })), [[path('udpMode'), '"Always"']]);
  t.deepEqual(refused(pool(udp, { cidr: 'fd10::/48' })), [[path('udpMode'), '"Always"']]);
  const node = { ...written('Node', {}), metadata: { name: 'a', annotations: udp } };
  t.deepEqual(refused(node), [[path('udpMode'), '"Always"']]);
});
