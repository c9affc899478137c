/** Whatever somebody writes: a resource, or a list of what is wrong. Never an exception. */
import test from 'ava';
import fc from 'fast-check';
import { parseResource } from '../../../core/resources/parse.js';
import { describeProblem } from '../../../core/resources/problems.js';
import { CALICO_API } from '../../../core/resources/resource.js';
import { serialiseResource } from '../../../core/resources/written-form.js';

const RUNS = 3000;

/** Words that documents are made of, so that what is generated gets past the first field. */
const words = fc.constantFrom(
  ...[
    'Node',
    'IPPool',
    'BGPPeer',
    'BGPFilter',
    CALICO_API,
    'Always',
    'all()',
    'has(',
    '10.0.0.0/8',
    '10.0.0.1/24',
    'fd00::/48',
  ],
  ...['10.0.0.1', '64512:1', '90s', 'true', 'confirmed', '__proto__', 'constructor', 'toString', ''],
);
const keys = fc.constantFrom(
  ...[
    'bgp',
    'asNumber',
    'cidr',
    'peerIP',
    'node',
    'nodeSelector',
    'communities',
    'name',
    'value',
    'ports',
    'state',
  ],
  ...[
    'blockSize',
    'ipNetworks',
    'interfaceName',
    'ipv4Address',
    '__proto__',
    'constructor',
    'toString',
    'length',
    'ipipMTU',
    'externalNodesList',
    'bpfLogFilters',
    'importV4',
    'action',
    'operations',
    'bfd',
    'data',
    'stringData',
  ],
);
const value = fc.letrec(tie => ({
  any: fc.oneof({ maxDepth: 4 }, words, fc.integer(), fc.jsonValue({ maxDepth: 2 }), tie('list'), tie('map')),
  list: fc.array(tie('any'), { maxLength: 3 }),
  map: fc.array(fc.tuple(keys, tie('any')), { maxLength: 4 }).map(entries => {
    // As JSON.parse does: a field of its own, whatever its name.
    const pairs = entries.map(([key, inner]) => `${JSON.stringify(key)}:${JSON.stringify(inner)}`);
    return JSON.parse(`{${pairs.join(',')}}`) as unknown;
  }),
})).any;
const document = fc.record(
  {
    apiVersion: fc.oneof({ weight: 9, arbitrary: fc.constant(CALICO_API) }, value),
    kind: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.constantFrom(
          ...[
            'Node',
            'IPPool',
            'BGPConfiguration',
            'FelixConfiguration',
            'BGPPeer',
            'BGPPeerRange',
            'BGPFilter',
            'Secret',
            'WorkloadEndpoint',
            'BlockAffinity',
            'IPAMConfiguration',
            'IPReservation',
            'IPAMBlock',
            'BGPTopology',
            'Lease',
            'NodeReport',
            'Tier',
            'NetworkPolicy',
            'GlobalNetworkPolicy',
            'StagedNetworkPolicy',
            'StagedGlobalNetworkPolicy',
            'StagedKubernetesNetworkPolicy',
            'KubernetesNetworkPolicy',
            'NetworkSet',
            'GlobalNetworkSet',
            'Profile',
            'HostEndpoint',
            'Namespace',
            'ServiceAccount',
          ],
        ),
      },
      value,
    ),
    metadata: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ name: 'a' }) },
      fc.constant({ name: 'a', namespace: 'b' }),
      value,
    ),
    spec: value,
  },
  { requiredKeys: [] },
);

/** True for a resource. */
function isSound(written: unknown): boolean {
  const parsed = parseResource(written);
  if (parsed.kind === 'ok') {
    const again = parseResource(JSON.parse(JSON.stringify(serialiseResource(parsed.resource))));
    if (again.kind !== 'ok') throw new Error(again.problems.map(describeProblem).join('\n'));
    if (JSON.stringify(again) !== JSON.stringify(parsed)) throw new Error('what was written reads otherwise');
    return true;
  }
  if (parsed.problems.length === 0) throw new Error('invalid, and nothing is wrong');
  for (const problem of parsed.problems) {
    const said = [problem.path, problem.value, problem.allowed].every(part => typeof part === 'string');
    if (!said || problem.value === '' || problem.allowed === '' || /invalid input/i.test(problem.allowed)) {
      throw new Error(JSON.stringify(problem));
    }
  }
  return false;
}

test('any JSON value is a resource or a list of problems', t => {
  fc.assert(
    fc.property(fc.jsonValue(), written => void isSound(written)),
    { numRuns: RUNS },
  );
  t.pass();
});

test('anything shaped like a document is a resource or a list of problems', t => {
  let resources = 0;
  fc.assert(
    fc.property(document, written => {
      if (isSound(written)) resources++;
    }),
    { numRuns: RUNS },
  );
  t.log(`${resources} of ${RUNS} were resources`);
  t.true(resources > 0);
});
