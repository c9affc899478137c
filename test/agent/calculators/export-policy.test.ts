import test from 'ava';
import { ExportPolicyCalculator, exportPolicy } from '../../../agent/calculators/export-policy.js';
import type { RoutePolicy } from '../../../bgp/speaker/contract.js';
import { type Prefix, prefixAddress, prefixContainsAddress, prefixLength } from '../../../core/prefix.js';
import { bgpConfiguration, block, cidr, node, pool, type State } from '../documents.js';
import { runStateSequence } from './state-sequence.js';

const OWN = 'host1';

/** First match decides, as the contract says. */
function judge(policy: RoutePolicy, prefix: Prefix, source: 'local' | 'peers'): string {
  const length = prefixLength(prefix);
  const rule = policy.rules.find(
    ({ within, source: of }) =>
      (of === 'any' || of === source) &&
      (within === undefined ||
        (length >= within.minLength &&
          length <= within.maxLength &&
          prefixContainsAddress(within.prefix, prefixAddress(prefix)))),
  );
  return rule === undefined ? policy.otherwise : `${rule.action}: ${rule.reason}`;
}

function policyOf(state: State): RoutePolicy {
  const calculator = new ExportPolicyCalculator(OWN);
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  return calculator.flush() as RoutePolicy;
}

test('own routes in exported pools and own blocks go out; what a peer taught us never does', t => {
  const policy = policyOf([
    pool('main', '10.244.0.0/16'),
    block(OWN, '10.9.0.0/26'),
    block('host2', '10.8.0.0/26'),
  ]);
  t.is(judge(policy, cidr('10.244.1.0/26'), 'local'), 'accept: IP pool main');
  t.is(judge(policy, cidr('10.244.1.7/32'), 'local'), 'accept: IP pool main');
  t.is(judge(policy, cidr('10.9.0.0/26'), 'local'), 'accept: own block');
  t.is(judge(policy, cidr('10.9.0.1/32'), 'local'), 'reject');
  t.is(judge(policy, cidr('10.8.0.0/26'), 'local'), 'reject');
  t.regex(judge(policy, cidr('10.244.1.0/26'), 'peers'), /^reject: .*transit/);
});

test('disableBGPExport wins over an own block and a wider pool, and loses to a more specific pool', t => {
  const policy = policyOf([
    pool('wide', '10.0.0.0/8'),
    pool('quiet', '10.244.0.0/16', true),
    pool('loud', '10.244.7.0/24'),
    block(OWN, '10.244.1.0/26'),
  ]);
  t.is(judge(policy, cidr('10.1.0.0/26'), 'local'), 'accept: IP pool wide');
  t.is(judge(policy, cidr('10.244.1.0/26'), 'local'), 'reject: IP pool quiet has disableBGPExport');
  t.is(judge(policy, cidr('10.244.7.0/26'), 'local'), 'accept: IP pool loud');
});

test('an advertised prefix lets own routes inside it out', t => {
  const policy = policyOf([
    bgpConfiguration('default', { prefixAdvertisements: [{ cidr: cidr('192.0.2.0/24'), communities: [] }] }),
  ]);
  t.is(judge(policy, cidr('192.0.2.7/32'), 'local'), 'accept: advertised prefix 192.0.2.0/24');
});

test('ranges of services go out as a whole, single addresses inside them do not', t => {
  const policy = policyOf([
    bgpConfiguration('default', { serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }] }),
  ]);
  t.is(judge(policy, cidr('10.96.0.0/12'), 'local'), 'accept: range of services 10.96.0.0/12');
  t.is(judge(policy, cidr('10.96.0.1/32'), 'local'), 'reject');
});

test('a route reflector passes on what it learned in an exported pool, and no more', t => {
  const policy = policyOf([
    node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' }),
    pool('main', '10.244.0.0/16'),
    pool('quiet', '10.245.0.0/16', true),
  ]);
  t.is(judge(policy, cidr('10.244.1.0/26'), 'peers'), 'accept: IP pool main');
  t.is(judge(policy, cidr('10.245.1.0/26'), 'peers'), 'reject: IP pool quiet has disableBGPExport');
  t.is(judge(policy, cidr('0.0.0.0/0'), 'peers'), 'reject');
});

test('state sequences agree with the whole-snapshot twin', t => {
  const states: State[] = [
    [pool('a', '10.244.0.0/16')],
    [pool('a', '10.244.0.0/16', true), block(OWN, '10.244.1.0/26')],
    [pool('b', '10.244.0.0/16'), block('host2', '10.244.1.0/26'), block(OWN, '10.244.2.0/26')],
    [
      block(OWN, '10.244.2.0/26'),
      bgpConfiguration('default', {
        prefixAdvertisements: [{ cidr: cidr('10.9.0.0/16'), communities: ['1:2'] }],
      }),
    ],
    [node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' }), pool('a', '10.244.0.0/16')],
    [
      node(OWN, '10.0.0.1/24'),
      node('host2', '10.0.0.2/24', { cluster: '1.1.1.1' }),
      bgpConfiguration('default', { serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }] }),
    ],
  ];
  const create = () => {
    const calculator = new ExportPolicyCalculator(OWN);
    let last: RoutePolicy | undefined;
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => {
        const told = calculator.flush();
        if (told !== undefined) t.notDeepEqual(told, last, 'told again unchanged');
        last = told ?? last;
        return last;
      },
    };
  };
  runStateSequence(t, states, create, state =>
    exportPolicy({
      pools: state.flatMap(resource => (resource.kind === 'IPPool' ? [resource] : [])),
      ownBlocks: state.flatMap(resource =>
        resource.kind === 'BlockAffinity' && resource.spec.node === OWN ? [resource.spec.cidr] : [],
      ),
      advertised: state.flatMap(resource =>
        resource.kind === 'BGPConfiguration'
          ? (resource.spec.prefixAdvertisements ?? []).map(advertised => advertised.cidr)
          : [],
      ),
      services: state.flatMap(resource =>
        resource.kind === 'BGPConfiguration'
          ? (resource.spec.serviceClusterIPs ?? []).map(({ cidr }) => cidr)
          : [],
      ),
      reflects: state.some(
        resource =>
          resource.kind === 'Node' &&
          resource.metadata.name === OWN &&
          resource.spec.bgp?.routeReflectorClusterID !== undefined,
      ),
    }),
  );
});
