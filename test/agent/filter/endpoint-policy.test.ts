import test from 'ava';
import { ControlFailure } from '../../../agent/control/backend.js';
import { endpointPolicy } from '../../../agent/filter/endpoint-policy.js';
import {
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  net,
} from '../../policy/host-policies.js';

const set = { id: 's1', kind: 'nets', what: "app == 'web'", members: new Set([net('10.0.0.1/32')]) } as const;
const policy = makeHostPolicy({
  workloads: [
    makeWorkload('cali1', ['10.65.0.1/32'], { tiers: [makeTier(['a', 'new'])], profiles: ['kns', 'gone'] }),
    makeWorkload('cali2', ['10.65.0.2/32'], {
      key: 'WorkloadEndpoint/other/cali1',
      tiers: [makeTier(['new'])],
    }),
  ],
  hosts: [makeHost('eth0', { untracked: [makeTier(['a'])] })],
  policies: [
    makePolicy('a', [
      makeRule(
        'allow',
        { protocol: 6 },
        { source: { sets: ['s1'] }, destination: { ports: [{ min: 80, max: 81 }] } },
      ),
      makeRule('deny'),
    ]),
    makePolicy('new', [makeRule('deny')], { staged: true }),
  ],
  profiles: [makeProfile('kns', [makeRule('allow')])],
  sets: [set],
});

const enforced = { policy, settings: { workloadInterfacePrefixes: ['cali'] } };

const counters = {
  of: (table: string, { owner, direction, rule }: { owner: string; direction: string; rule: number }) =>
    owner.endsWith('/a') && direction === 'ingress' && rule === 0
      ? { packets: table === 'raw' ? 5 : 7, bytes: 84 }
      : undefined,
};

test('tiers, policies, rules in words and counters, and the profiles after them', t => {
  const { parts, endpoint } = endpointPolicy(enforced, 'default/cali1', counters);
  t.is(endpoint, 'WorkloadEndpoint/default/cali1');
  t.deepEqual(
    parts.map(({ direction }) => direction),
    ['ingress', 'egress'],
  );
  const [tier] = parts[0]!.tiers;
  t.like(tier, { name: 'default', defaultAction: 'deny' });
  t.deepEqual(
    tier?.policies.map(({ key, staged }) => [key, staged]),
    [
      ['GlobalNetworkPolicy/a', false],
      ['GlobalNetworkPolicy/new', true],
    ],
  );
  t.deepEqual(tier?.policies[0]?.rules, [
    { rule: 0, action: 'allow', words: "TCP from {app == 'web'} to port 80-81", packets: 7, bytes: 84 },
    { rule: 1, action: 'deny', words: 'everything', packets: null, bytes: null },
  ]);
  t.deepEqual(
    parts[0]!.profiles.map(({ key, missing }) => [key, missing]),
    [
      ['Profile/kns', false],
      ['Profile/gone', true],
    ],
  );
});

test('a tier of staged policies alone has no default', t => {
  const { parts } = endpointPolicy(enforced, 'WorkloadEndpoint/other/cali1', undefined);
  t.is(parts[0]?.tiers[0]?.defaultAction, 'none');
});

test('untracked policy is counted where it stands, in the raw table', t => {
  const { parts } = endpointPolicy(enforced, 'eth0', counters);
  t.deepEqual(
    parts.map(({ part, direction }) => `${part} ${direction}`),
    ['untracked ingress', 'untracked egress', 'host ingress', 'host egress'],
  );
  t.is(parts[0]?.tiers[0]?.policies[0]?.rules[0]?.packets, 5);
  t.is(parts[0]?.tiers[0]?.defaultAction, 'pass');
});

test('an endpoint that is not there, and a name that several have', t => {
  const failure = (text: string) =>
    t.throws(() => endpointPolicy(enforced, text, undefined), {
      instanceOf: ControlFailure,
    }) as ControlFailure;
  t.like(failure('nobody'), { status: 404 });
  t.regex(failure('nobody').problem.allowed ?? '', /default\/cali1/);
  t.is(failure('cali1').status, 409);
});

test('a workload whose interface is not named like those of workloads is not guarded', t => {
  const guarded = (prefix: string, endpoint: string) => {
    const settings = { workloadInterfacePrefixes: [prefix] };
    return endpointPolicy({ policy, settings }, endpoint, undefined).guarded;
  };
  t.true(guarded('cali', 'default/cali1'));
  t.false(guarded('tap', 'default/cali1'));
  t.true(guarded('tap', 'eth0'), 'a host endpoint goes by its interface, whatever it is called');
});
