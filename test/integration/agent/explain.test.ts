/** What `bgpctl explain` and `bgpctl policy show` say of a host, and what its packets do. */
import test from 'ava';
import type { EndpointPolicyView, ExplainView } from '../../../agent/control/policy-types.js';
import { eventually } from '../../support/eventually.js';
import { PolicyHost } from './policy-host.js';

const policy = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name: 'guard', namespace: 'default' },
  spec: {
    selector: "app == 'w2'",
    types: ['Ingress'],
    ingress: [
      { action: 'Allow', protocol: 'TCP', source: { selector: "app == 'w1'" }, destination: { ports: [80] } },
      { action: 'Allow', protocol: 'TCP', destination: { ports: ['440:443'] } },
      { action: 'Deny', protocol: 'TCP', source: { nets: ['192.0.2.0/24'] } },
    ],
  },
};

/** Comes first, and would deny all of it. */
const staged = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'StagedNetworkPolicy',
  metadata: { name: 'closed', namespace: 'default' },
  spec: { selector: "app == 'w2'", types: ['Ingress'], order: 1, ingress: [{ action: 'Deny' }] },
};

const ends = { 1: 'default/w1', 2: 'default/w2', outside: '192.0.2.9' } as const;
type EndName = keyof typeof ends;

/** Both its words, whichever way it ends: a packet that is denied is a finding. */
function explainJson(host: PolicyHost, from: EndName, to: EndName, port: number): ExplainView {
  const words = ['explain', ends[from], `${ends[to]}:${port}/tcp`, '-o', 'json'];
  const text = host.bgpctlOutput(...words);
  return JSON.parse(text) as ExplainView;
}

function counted(host: PolicyHost, key: string): readonly (number | null)[] {
  const view = JSON.parse(
    host.bgpctlOutput('policy', 'show', 'default/w2', '-o', 'json'),
  ) as EndpointPolicyView;
  const policies = view.parts.flatMap(({ tiers }) => tiers.flatMap(tier => tier.policies));
  return policies.find(one => one.key === key)?.rules.map(({ packets }) => packets) ?? [];
}

test('explain agrees with the packets, and what they met is counted by rule', async t => {
  t.timeout(180_000);
  const host = new PolicyHost(t);
  host.write('policy', policy);
  host.write('staged', staged);
  host.start();
  t.true(await host.inForce(), JSON.stringify(host.status()));
  t.true(await eventually(() => host.connects(1, 2, 440), 10_000, 100));

  const key = 'NetworkPolicy/default/guard';
  const stagedKey = 'StagedNetworkPolicy/default/closed';
  const before = { enforced: counted(host, key), staged: counted(host, stagedKey) };
  const way = (from: EndName, to: EndName, port: number) => ({ from, to, port });
  const cases = [
    way(1, 2, 80),
    way('outside', 2, 80),
    way('outside', 2, 443),
    way(1, 2, 81),
    way(2, 1, 80),
    way(2, 'outside', 80),
  ];
  const verdicts: string[] = [];
  for (const { from, to, port } of cases) {
    const view = explainJson(host, from, to, port);
    verdicts.push(view.verdict);
    t.is(view.policyHere, 'in-force');
    t.is(await host.connects(from, to, port), view.verdict === 'allow', `${from} ${to} ${port}: ${view.why}`);
  }
  t.deepEqual(verdicts, ['allow', 'deny', 'allow', 'deny', 'allow', 'allow']);
  const grown = (was: readonly (number | null)[], is: readonly (number | null)[]) =>
    is.map((count, i) => (count ?? 0) - (was[i] ?? 0));
  // One packet each; that to port 81 met no rule.
  t.deepEqual(grown(before.enforced, counted(host, key)), [1, 1, 1]);
  t.deepEqual(grown(before.staged, counted(host, stagedKey)), [4]);

  const { route } = explainJson(host, 'outside', 2, 443);
  t.like(route, { kind: 'ours', prefix: '10.65.0.2/32', legs: [{ gateway: null, interface: 'cali2' }] });
  t.like(explainJson(host, 2, 'outside', 80).route, { kind: 'foreign', legs: [{ interface: 'eth0' }] });
  t.regex(
    host.bgpctlOutput('explain', 'w1', 'default/w2:80/tcp'),
    /^ALLOWED: [\s\S]*NetworkPolicy\/default\/guard[\s\S]*\nOn host-a/,
  );
  t.regex(host.bgpctlOutput('policy', 'show', 'w2'), /would deny/);
  t.throws(() => host.bgpctl('explain', 'w1', 'w3:80/tcp'), { message: /w3/ });
});

test('where policy is switched off, explain says so and what it would be', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.write('policy', policy);
  host.start('off');
  t.true(await eventually(async () => host.status()?.store.state === 'in-sync', 20_000, 100));
  t.like(explainJson(host, 'outside', 2, 80), { policyHere: 'off', verdict: 'deny' });
  t.throws(() => host.bgpctl('policy', 'show', 'w2'), { message: /policy\.enforce off/ });
});
