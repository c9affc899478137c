import test from 'ava';
import { formatEndpointPolicy } from '../../bgpctl/format/endpoint-policy.js';
import { explainLines } from '../../bgpctl/format/explain.js';
import { endpointPolicyView, explainView } from '../agent/control/fake-backend.js';

const options = { width: 80, colour: false };

test('explain: the verdict and why come first, then hosts and steps, then the route', t => {
  t.is(
    explainLines(explainView(), options),
    [
      'DENIED: shop/web (10.65.0.1 on host1) to 192.0.2.9, TCP port 443',
      '  on host1, no policy of tier default decided: its default is deny',
      '',
      'On host1 (this host)',
      '  FORWARD of table filter',
      '      tier default',
      '  deny: the tier',
      '',
      'Route from this host',
      '  host1 sends to 192.0.2.9 by the route to 0.0.0.0/0',
      '',
    ].join('\n'),
  );
});

test('explain: where no policy is enforced, or not all of it is in force, it is said before anything else', t => {
  const lines = (policyHere: 'off' | 'not-in-force') =>
    explainLines(explainView({ policyHere }), options).split('\n');
  t.regex(lines('off')[2] ?? '', /^ {2}No policy is enforced/);
  t.regex(lines('not-in-force')[2] ?? '', /not all in force/);
});

test('policy show: rules with their counters, staged ones marked, profiles that are missing', t => {
  const [, ...lines] = formatEndpointPolicy(endpointPolicyView(), options).split('\n');
  t.deepEqual(lines.slice(0, 12), [
    '',
    'Ingress',
    '  tier default',
    '    NetworkPolicy/shop/web',
    '      RULE  ACTION  PACKETS  BYTES  MATCHES',
    '         0  allow         3    252  TCP to port 443',
    '    StagedNetworkPolicy/shop/new (staged: counts what it would have done, and does nothing)',
    '      RULE  ACTION      PACKETS  BYTES  MATCHES',
    '         0  would deny        3    252  TCP to port 443',
    '    otherwise: deny',
    '  Profile/gone does not exist: deny',
    '  otherwise: deny',
  ]);
});

test('policy show: words that do not fit stand below, and what was not counted is a dash', t => {
  const words = `TCP from {app == 'a-rather-long-name-of-a-workload' && tier in {'front', 'back'}} to port 5432`;
  const rule = { rule: 0, action: 'allow', words, packets: null, bytes: null } as const;
  const policies = [{ key: 'GlobalNetworkPolicy/x', staged: false, rules: [rule] }];
  const tiers = [{ name: 'default', defaultAction: 'none' as const, policies }];
  const parts = [{ part: 'forward' as const, direction: 'egress' as const, tiers, profiles: [] }];
  const text = formatEndpointPolicy(
    endpointPolicyView({ parts, countersProblem: 'no iptables', inForce: false, disabled: true }),
    options,
  );
  t.true(
    text.split('\n').every(line => line.length <= 80),
    text,
  );
  t.regex(text, /0 {2}allow {9}- {6}-\n {10}TCP from/);
  t.regex(text, /no counters: no iptables/);
  t.regex(text, /not all in force/);
  t.regex(text, /administratively down/);
});
