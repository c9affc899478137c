import test from 'ava';
import { evaluate } from '../../../policy/evaluate/evaluate.js';
import type { ConnectionState, End } from '../../../policy/evaluate/situation.js';
import { stepInWords } from '../../../policy/evaluate/trace.js';
import type { HostPolicy, Packet } from '../../../policy/model.js';
import type { FilterSettings } from '../../../policy/settings.js';
import {
  ip,
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  net,
  ping,
  settings,
  tcp,
  udp,
} from '../host-policies.js';

const process: End = { kind: 'process' };
const eth0: End = { kind: 'interface', name: 'eth0' };
const podA: End = { kind: 'interface', name: 'caliA' };
const podB: End = { kind: 'interface', name: 'caliB' };

function judge(
  policy: HostPolicy,
  packet: Packet,
  [from, to]: readonly [End, End],
  more: { readonly connection?: ConnectionState; readonly settings?: Partial<FilterSettings> } = {},
) {
  const { connection } = more;
  const situation = { packet, from, to, ...(connection === undefined ? {} : { connection }) };
  const judgement = evaluate(policy, { ...settings, ...more.settings }, situation);
  const last = judgement.trace.at(-1)!;
  return { ...judgement, why: last.kind === 'decided' ? `${last.verdict}: ${last.why}` : 'undecided' };
}

const allow80 = makePolicy('allow-80', [
  makeRule('log'),
  makeRule('allow', { protocol: 6 }, { destination: { ports: [{ min: 80, max: 80 }] } }),
]);
const open = makeProfile('open', [makeRule('allow')]);
const a = makeWorkload('caliA', ['10.1.0.1/32', 'fd00::1/128'], { profiles: ['open'] });
const b = makeWorkload('caliB', ['10.1.0.2/32'], { tiers: [makeTier(['allow-80'])], profiles: ['open'] });
const pods = makeHostPolicy({ workloads: [a, b], policies: [allow80], profiles: [open] });

test('the first rule that matches and does more than log decides, and the trace names it', t => {
  const { trace, why } = judge(pods, tcp('10.1.0.1', '10.1.0.2', 80), [podA, podB]);
  t.is(why, 'allow: allowed-all-the-way');
  const owner = { kind: 'policy', key: 'GlobalNetworkPolicy/allow-80' } as const;
  t.deepEqual(trace.slice(-3, -1), [
    { kind: 'rule', owner, direction: 'ingress', rule: 0, action: 'log' },
    { kind: 'rule', owner, direction: 'ingress', rule: 1, action: 'allow' },
  ]);
  t.true(trace.map(stepInWords).every(words => words.length > 0));
});

test('what no policy of a tier decides goes by the default of the tier', t => {
  const packet = tcp('10.1.0.1', '10.1.0.2', 81);
  t.is(judge(pods, packet, [podA, podB]).why, 'deny: tier-default');
  const passing = { ...b, tiers: [makeTier(['allow-80'], { defaultAction: 'pass' })] };
  const policy = makeHostPolicy({ workloads: [a, passing], policies: [allow80], profiles: [open] });
  t.is(judge(policy, packet, [podA, podB]).verdict, 'allow');
});

test('pass skips the rest of its tier', t => {
  const policies = [
    makePolicy('passes', [makeRule('pass')]),
    makePolicy('denies', [makeRule('deny')]),
    makePolicy('allows', [makeRule('allow')]),
  ];
  const judged = (tiers: readonly string[][]) => {
    const to = makeWorkload('caliB', ['10.1.0.2/32'], { tiers: tiers.map(names => makeTier(names)) });
    const policy = makeHostPolicy({ workloads: [to], policies });
    return judge(policy, tcp('10.9.0.1', '10.1.0.2', 80), [eth0, podB]).why;
  };
  t.is(judged([['passes', 'denies'], ['allows']]), 'allow: allowed-all-the-way');
  t.is(judged([['denies', 'passes'], ['allows']]), 'deny: policy');
  t.is(judged([['passes', 'denies']]), 'deny: no-profile');
});

test('a staged policy decides nothing, and a tier of such alone has no default', t => {
  const staged = makePolicy('tried', [makeRule('deny')], { staged: true });
  const to = { ...b, tiers: [makeTier(['tried'])] };
  const policy = makeHostPolicy({ workloads: [to], policies: [staged], profiles: [open] });
  const { verdict, trace } = judge(policy, tcp('10.9.0.1', '10.1.0.2', 80), [eth0, podB]);
  t.is(verdict, 'allow');
  const step = trace.find(({ kind }) => kind === 'staged')!;
  t.deepEqual(step, {
    kind: 'staged',
    key: 'GlobalNetworkPolicy/tried',
    would: { rule: 0, action: 'deny' },
  });
});

test('profiles come after tiers: pass in one leaves it to the next, and one that does not exist denies', t => {
  const judged = (profiles: readonly string[]) => {
    const to = makeWorkload('caliB', ['10.1.0.2/32'], { profiles });
    const passes = makeProfile('passes', [makeRule('pass'), makeRule('deny')]);
    const policy = makeHostPolicy({ workloads: [to], profiles: [open, passes] });
    return judge(policy, tcp('10.9.0.1', '10.1.0.2', 80), [eth0, podB]).why;
  };
  t.is(judged(['passes', 'open']), 'allow: allowed-all-the-way');
  t.is(judged(['passes', 'gone', 'open']), 'deny: missing-profile');
  t.is(judged(['passes']), 'deny: no-profile');
  t.is(judged([]), 'deny: no-profile');
});

test('a workload sends from its own addresses, in no encapsulation, and not while it is disabled', t => {
  const out = (packet: Packet, more: Parameters<typeof judge>[3] = {}) =>
    judge(pods, packet, [podA, eth0], more).why;
  t.is(out(tcp('10.1.0.1', '10.9.0.1', 80)), 'allow: allowed-all-the-way');
  t.is(out(tcp('10.1.0.9', '10.9.0.1', 80), { connection: 'established' }), 'deny: spoofed');
  t.is(out(udp('10.1.0.1', '10.9.0.1', 4789)), 'deny: encapsulated');
  t.is(
    out(udp('10.1.0.1', '10.9.0.1', 4789), {
      settings: { encapsulatedFromWorkloads: { ipip: true, vxlan: true } },
    }),
    'allow: allowed-all-the-way',
  );
  t.is(out({ source: ip('10.1.0.1'), destination: ip('10.9.0.1'), protocol: 4 }), 'deny: encapsulated');
  const alsoNet = makeHostPolicy({
    workloads: [{ ...a, mayAlsoSendFrom: [net('10.1.0.8/30')] }],
    profiles: [open],
  });
  const spoofs = (spoofedSources: boolean) =>
    judge(alsoNet, tcp('10.1.0.9', '10.9.0.1', 80), [podA, eth0], { settings: { spoofedSources } }).why;
  t.is(spoofs(true), 'allow: allowed-all-the-way');
  t.is(spoofs(false), 'deny: spoofed');
  const disabled = makeHostPolicy({ workloads: [{ ...a, disabled: true }], profiles: [open] });
  t.is(judge(disabled, ping('10.1.0.1', '10.9.0.1'), [podA, eth0]).why, 'deny: disabled');
});

test('an interface that is named like a workload and is none is denied both ways', t => {
  const stranger: End = { kind: 'interface', name: 'caliX' };
  t.is(judge(pods, ping('10.1.0.7', '10.9.0.1'), [stranger, eth0]).why, 'deny: unknown-workload-interface');
  t.is(judge(pods, ping('10.9.0.1', '10.1.0.7'), [eth0, stranger]).why, 'deny: unknown-workload-interface');
});

test('known connections pass, invalid ones do not unless that is not looked at', t => {
  const packet = tcp('10.9.0.1', '10.1.0.2', 81);
  const judged = (connection: ConnectionState, dropInvalid = true) =>
    judge(pods, packet, [eth0, podB], { connection, settings: { dropInvalid } }).why;
  t.is(judged('established'), 'allow: allowed-all-the-way');
  t.is(judged('related'), 'allow: allowed-all-the-way');
  t.is(judged('invalid'), 'deny: invalid-connection');
  t.is(judged('invalid', false), 'deny: tier-default');
});

test('a connection that is cut is denied both ways where a policy asks for it, and is known elsewhere', t => {
  const cut = { connection: 'cut', settings: { flushOnDeny: true } } as const;
  const [there, back] = [tcp('10.1.0.1', '10.9.0.1', 80), tcp('10.9.0.1', '10.1.0.1', 40_000, 80)];
  t.is(judge(pods, there, [podA, eth0], cut).why, 'deny: cut-connection');
  t.is(judge(pods, back, [eth0, podA], cut).why, 'deny: cut-connection');
  t.is(judge(pods, there, [podA, process], cut).why, 'deny: cut-connection');
  t.is(judge(pods, back, [process, podA], cut).why, 'deny: cut-connection');
  t.is(judge(pods, there, [podA, eth0], { connection: 'cut' }).why, 'allow: allowed-all-the-way');
  const asking = makeHostPolicy({
    workloads: [a, b],
    policies: [{ ...allow80, flushOnDeny: true }],
    profiles: [open],
  });
  t.is(judge(asking, there, [podA, eth0], { connection: 'cut' }).why, 'allow: allowed-all-the-way');
  t.is(judge(asking, there, [podA, podB], { connection: 'cut' }).why, 'deny: cut-connection');
  t.is(judge(asking, there, [podB, eth0], { connection: 'cut' }).why, 'deny: spoofed');
});

test('between a workload and its host: the host reaches it, and it reaches the host as is set for all', t => {
  t.is(judge(pods, tcp('10.0.0.1', '10.1.0.2', 81), [process, podB]).why, 'allow: own-workload');
  const packet = tcp('10.1.0.1', '10.0.0.1', 81);
  t.is(judge(pods, packet, [podA, process]).why, 'allow: endpoint-to-host');
  t.is(
    judge(pods, packet, [podA, process], { settings: { endpointToHost: 'drop' } }).why,
    'deny: endpoint-to-host',
  );
  const answer = { connection: 'established', settings: { endpointToHost: 'drop' } } as const;
  t.is(judge(pods, packet, [podA, process], answer).why, 'allow: known-connection');
});

const shut = makePolicy('shut', [makeRule('deny')]);
const allows = makePolicy('allows', [makeRule('allow')]);

test('a host endpoint that denies everything keeps failsafe ports and neighbour discovery', t => {
  const policy = makeHostPolicy({
    hosts: [makeHost('*', { tiers: [makeTier(['shut'])] })],
    policies: [shut],
  });
  t.is(judge(policy, tcp('10.9.0.1', '10.0.0.1', 22), [eth0, process]).why, 'allow: failsafe');
  t.is(judge(policy, tcp('10.0.0.1', '10.9.0.1', 179), [process, eth0]).why, 'allow: failsafe');
  t.is(judge(policy, udp('10.9.0.1', '10.0.0.1', 68), [eth0, process]).why, 'allow: failsafe');
  t.is(judge(policy, udp('10.8.0.1', '10.0.0.1', 68), [eth0, process]).why, 'deny: policy');
  t.is(judge(policy, tcp('10.9.0.1', '10.0.0.1', 80), [eth0, process]).why, 'deny: policy');
  const solicitation = { source: ip('fe80::1'), destination: ip('fe80::2'), protocol: 58 };
  const discovery = { ...solicitation, icmp: { type: 135, code: 0 } };
  t.is(judge(policy, discovery, [eth0, process]).why, 'allow: neighbour-discovery');
  const lo: End = { kind: 'interface', name: 'lo' };
  t.is(judge(policy, tcp('127.0.0.1', '127.0.0.1', 80), [process, lo]).why, 'allow: nobody-concerned');
});

test("an interface's own endpoint comes before that of all", t => {
  const policy = makeHostPolicy({
    hosts: [
      makeHost('*', { tiers: [makeTier(['shut'])] }),
      makeHost('eth0', { tiers: [makeTier(['allows'])] }),
    ],
    policies: [shut, allows],
  });
  const packet = tcp('10.9.0.1', '10.0.0.1', 80);
  t.is(judge(policy, packet, [eth0, process]).why, 'allow: policy');
  t.is(judge(policy, packet, [{ kind: 'interface', name: 'eth1' }, process]).why, 'deny: policy');
});

test('forwarded packets are judged by policies that apply to them, without failsafes', t => {
  const host = makeHost('eth0', {
    tiers: [makeTier(['shut'])],
    forward: [makeTier(['shut'], { egress: [] })],
  });
  const policy = makeHostPolicy({ hosts: [host], policies: [shut] });
  const eth1: End = { kind: 'interface', name: 'eth1' };
  t.is(judge(policy, tcp('10.9.0.1', '10.8.0.1', 22), [eth0, eth1]).why, 'deny: policy');
  t.is(judge(policy, tcp('10.8.0.1', '10.9.0.1', 22), [eth1, eth0]).why, 'allow: nobody-concerned');
});

test('untracked policy and policy before DNAT decide for the host, and only rules of theirs deny', t => {
  const packet = tcp('10.9.0.1', '10.0.0.1', 80);
  for (const part of ['untracked', 'preDnat'] as const) {
    const judged = (name: string, packet: Packet) => {
      const host = makeHost('eth0', { tiers: [makeTier(['shut'])], [part]: [makeTier([name])] });
      const policy = makeHostPolicy({ hosts: [host], policies: [shut, allows, makePolicy('silent', [])] });
      return judge(policy, packet, [eth0, process]).why;
    };
    t.is(judged('allows', packet), 'allow: policy', part);
    t.is(judged('silent', tcp('10.9.0.1', '10.0.0.1', 22)), 'allow: failsafe', part);
    t.is(judged('shut', tcp('10.9.0.1', '10.0.0.1', 22)), 'allow: failsafe', part);
    t.is(judged('shut', packet), 'deny: policy', part);
  }
});

test('encapsulated packets come from nodes alone', t => {
  const tunnels = [
    { tunnel: 'vxlan', device: 'vxlan0', port: 4789, from: [net('10.0.0.2/32')], mtu: 1450 },
  ] as const;
  const judged = (source: string) =>
    judge(pods, udp(source, '10.0.0.1', 4789), [eth0, process], { settings: { tunnels } }).why;
  t.is(judged('10.0.0.2'), 'allow: tunnel-peer');
  t.is(judged('10.0.0.3'), 'deny: tunnel-stranger');
});

test('a workload whose interface is not named like those of workloads is not guarded, and the trace says so', t => {
  const named = makeWorkload('tap0', ['10.1.0.2/32'], { tiers: [makeTier(['deny'])] });
  const policies = [makePolicy('deny', [makeRule('deny')])];
  const every = makeHost('*', { forward: [makeTier(['deny'])] });
  const packet = tcp('10.9.0.1', '10.1.0.2', 80);
  const ends: readonly End[] = [
    { kind: 'workload', key: named.key },
    { kind: 'interface', name: 'tap0' },
  ];
  for (const end of ends) {
    const open = judge(makeHostPolicy({ workloads: [named], policies }), packet, [eth0, end]);
    t.is(open.why, 'allow: nobody-concerned');
    t.deepEqual(open.trace[0], { kind: 'unguarded', key: named.key, interfaceName: 'tap0' });
    const closed = makeHostPolicy({ workloads: [named], hosts: [every], policies });
    t.is(judge(closed, packet, [eth0, end]).verdict, 'deny', 'it is an interface like others');
    const guarded = { workloadInterfacePrefixes: ['cali', 'tap'] };
    const policy = makeHostPolicy({ workloads: [named], policies });
    t.is(judge(policy, packet, [eth0, end], { settings: guarded }).why, 'deny: policy');
  }
});
