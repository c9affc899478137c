/** What stands in the tables beside policies' rules: hooks, trees, guards, sets, NAT. */
import test from 'ava';
import type { AddressFamily } from '../../../core/ip-address.js';
import type { HostPolicy } from '../../../policy/model.js';
import { allocateMarks } from '../../../policy/render/marks.js';
import { renderFilter } from '../../../policy/render/render.js';
import type { RenderedFilter, TableName } from '../../../policy/rendered.js';
import type { FilterSettings } from '../../../policy/settings.js';
import {
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  net,
  settings,
  tcp,
} from '../host-policies.js';
import { Simulator, type Way } from './simulator.js';

const nothing = makeHostPolicy({});

function render(policy: HostPolicy, more: Partial<FilterSettings> = {}): RenderedFilter {
  return renderFilter(policy, { ...settings, ...more });
}

function tableOf(filter: RenderedFilter, table: TableName, family: AddressFamily = 'ipv4') {
  return filter.tables.find(one => one.table === table && one.family === family)!;
}

function chainOf(
  filter: RenderedFilter,
  name: string,
  table: TableName = 'filter',
  family: AddressFamily = 'ipv4',
) {
  return tableOf(filter, table, family)
    .chains.get(name)
    ?.rules.map(({ text }) => text);
}

const open = makeProfile('open', [makeRule('allow')]);

test('without endpoints: unknown workload interfaces are dropped, and bits that packets bring along are cleared', t => {
  const filter = render(nothing);
  t.is(filter.tables.length, 8);
  t.deepEqual(chainOf(filter, 'mgy-from-wl'), ['-j DROP']);
  t.deepEqual(chainOf(filter, 'mgy-to-wl'), ['-j DROP']);
  t.deepEqual(chainOf(filter, 'mgy-INPUT'), ['-i cali+ -g mgy-wl-to-host']);
  t.deepEqual(chainOf(filter, 'mgy-FORWARD'), [
    '-j MARK --set-xmark 0x0/0x10000',
    '-i cali+ -j MARK --set-xmark 0x0/0x10000',
    '-i cali+ -j mgy-from-wl',
    '-i cali+ -m mark --mark 0x0/0x10000 -j DROP',
    '-o cali+ -j MARK --set-xmark 0x0/0x10000',
    '-o cali+ -j mgy-to-wl',
    '-o cali+ -m mark --mark 0x0/0x10000 -j DROP',
    '-m mark --mark 0x10000/0x10000 -j ACCEPT',
  ]);
  t.deepEqual(chainOf(filter, 'mgy-PREROUTING', 'raw'), ['-j MARK --set-xmark 0x0/0xffff0000']);
  t.is(tableOf(filter, 'nat').chains.size, 0);
  t.is(tableOf(filter, 'mangle').chains.size, 0);
});

test('hooks stand first or last, as is set; that of raw is always first', t => {
  for (const [hooks, place] of [
    ['insert', 'first'],
    ['append', 'last'],
  ] as const) {
    const filter = render(nothing, { hooks });
    t.deepEqual(
      tableOf(filter, 'filter').hooks.map(hook => [hook.chain, hook.place, hook.rules[0]!.text]),
      [
        ['INPUT', place, '-j mgy-INPUT'],
        ['FORWARD', place, '-j mgy-FORWARD'],
      ],
    );
    t.deepEqual(new Set(tableOf(filter, 'raw').hooks.map(hook => hook.place)), new Set(['first']));
  }
});

test('the chain of a workload: what it may not send, its connections, tiers, profiles, and the end', t => {
  const workload = makeWorkload('cali1', ['10.1.0.1/32'], {
    tiers: [makeTier(['p', 'q'], { name: 'security', defaultAction: 'pass' }), makeTier(['q'])],
    profiles: ['open', 'gone', 'open'],
  });
  const policies = [makePolicy('p', [makeRule('allow')]), makePolicy('q', [], { staged: true })];
  const filter = render(makeHostPolicy({ workloads: [workload], policies, profiles: [open] }));
  const jump = (chain: string) => chain.replace(/(mgy-p[io]-)\S+/, '$1POLICY');
  t.deepEqual(chainOf(filter, 'mgy-fw-cali1')!.map(jump), [
    '! -s 10.1.0.1/32 -j DROP',
    '-p 4 -j DROP',
    '-p udp -m multiport --dports 4789 -j DROP',
    '-j MARK --set-xmark 0x0/0x30000',
    '-m conntrack --ctstate RELATED,ESTABLISHED -j MARK --set-xmark 0x10000/0x10000',
    '-m mark --mark 0x10000/0x10000 -j RETURN',
    '-m conntrack --ctstate INVALID -j DROP',
    '-j MARK --set-xmark 0x0/0x20000',
    '-m mark --mark 0x0/0x30000 -j mgy-po-POLICY',
    '-m mark --mark 0x0/0x30000 -j mgy-po-POLICY',
    '-m mark --mark 0x10000/0x10000 -j RETURN',
    '-j MARK --set-xmark 0x0/0x20000',
    '-j mgy-po-POLICY',
    '-j mgy-pro-open',
    '-m mark --mark 0x10000/0x10000 -j RETURN',
    '-j DROP',
  ]);
  t.deepEqual(
    chainOf(filter, 'mgy-fw-cali1', 'filter', 'ipv6')!.slice(0, 1),
    ['-j DROP'],
    'it has no IPv6 address',
  );
  t.is(chainOf(filter, 'mgy-tw-cali1')![0], '-j MARK --set-xmark 0x0/0x30000');
});

test('chains of policies and profiles are shared, and say whose packets go through them', t => {
  const workloads = ['cali1', 'cali2', 'cali3'].map((name, i) =>
    makeWorkload(name, [`10.1.0.${i}/32`], { tiers: i === 2 ? [] : [makeTier(['p'])], profiles: ['open'] }),
  );
  const policies = [makePolicy('p', [])];
  const filter = render(makeHostPolicy({ workloads, policies, profiles: [open] }));
  const chains = [...tableOf(filter, 'filter').chains.values()];
  const keys = workloads.map(({ key }) => key);
  t.deepEqual(chains.find(({ name }) => name.startsWith('mgy-pi-'))!.endpoints, keys.slice(0, 2));
  t.deepEqual(chains.find(({ name }) => name === 'mgy-pri-open')!.endpoints, keys);
  t.deepEqual(chains.find(({ name }) => name === 'mgy-tw-cali3')!.endpoints, keys.slice(2));
  t.deepEqual(chains.find(({ name }) => name === 'mgy-from-wl')!.endpoints, [], 'the way of every packet');
});

test('what has not changed is the same list of rules again, and what depends on something else that has is not', t => {
  const workload = makeWorkload('cali1', ['10.1.0.1/32'], { tiers: [makeTier(['p'])], profiles: ['open'] });
  const parts = { workloads: [workload], policies: [makePolicy('p', [makeRule('deny')])], profiles: [open] };
  const rulesOf = (policy: HostPolicy, name: RegExp) =>
    [...tableOf(renderFilter(policy, settings), 'filter').chains.values()].find(one => name.test(one.name))!
      .rules;
  const before = makeHostPolicy(parts);
  for (const name of [/^mgy-tw-/, /^mgy-pi-/, /^mgy-pri-/])
    t.is(rulesOf(before, name), rulesOf(makeHostPolicy(parts), name), String(name));
  const staged = makeHostPolicy({ ...parts, policies: [{ ...parts.policies[0]!, staged: true }] });
  t.is(rulesOf(staged, /^mgy-tw-/).length, rulesOf(before, /^mgy-tw-/).length - 2);
  const without = makeHostPolicy({ ...parts, profiles: [] });
  t.deepEqual(rulesOf(without, /^mgy-tw-/).at(-1)!.comments, ['no such profile: open']);
  t.deepEqual(rulesOf(before, /^mgy-tw-/).at(-1)!.comments, ['no profile allowed']);
});

test('many interfaces are found by a tree, a few rules each, whatever their names', t => {
  const names = Array.from({ length: 300 }, (_, i) => `cali${(i * 7919).toString(16)}`);
  const all = [...new Set([...names, 'cali', 'cali1', 'cali1+', 'cali"'])];
  const workloads = all.map((name, i) => makeWorkload(name, [`10.1.${i >> 8}.${i & 255}/32`]));
  const policy = makeHostPolicy({ workloads });
  const filter = render(policy);
  const tree = [...tableOf(filter, 'filter').chains.values()].filter(({ name }) =>
    name.startsWith('mgy-from-wl'),
  );
  t.true(tree.length > 1);
  for (const { rules } of tree) t.true(rules.length <= 18, `${rules.length} rules`);
  const leaves = tree.flatMap(({ rules }) =>
    rules.map(({ text }) => /^-i (\S+) -g (mgy-fw-\S+)$/.exec(text)),
  );
  const found = leaves.flatMap(leaf => (leaf === null ? [] : [leaf[1]!])).toSorted();
  t.deepEqual(found, all.filter(name => !/[+"]/.test(name)).toSorted());
});

const shut = makePolicy('shut', [makeRule('deny')]);
const hosts = (more: Parameters<typeof makeHost>[1]) =>
  makeHostPolicy({ hosts: [makeHost('eth0', more), makeHost('*')], policies: [shut] });

test('untracked policy and policy before DNAT have tables of their own, with failsafes and without defaults', t => {
  const filter = render(
    hosts({ untracked: [makeTier(['shut'])], preDnat: [makeTier(['shut'], { egress: [] })] }),
  );
  const [raw, mangle] = (['raw', 'mangle'] as const).map(table => chainOf(filter, 'mgy-fh-eth0', table)!);
  for (const rules of [raw!, mangle!]) {
    t.is(rules[1], '-j mgy-failsafe-in');
    t.is(rules[2], '-m mark --mark 0x20000/0x20000 -j RETURN');
    t.false(rules.some(text => text.endsWith('-j DROP')));
  }
  t.deepEqual(chainOf(filter, 'mgy-from-hep', 'raw'), [
    '-i eth0 -g mgy-fh-eth0',
    '-i cali+ -j RETURN',
    '-i lo -j RETURN',
    '-j RETURN',
  ]);
  t.true(
    chainOf(filter, 'mgy-failsafe-in', 'raw')!.some(text =>
      text.startsWith('-p tcp -m multiport --sports 179 '),
    ),
  );
  t.true(
    chainOf(filter, 'mgy-PREROUTING', 'raw')!.includes('-m mark --mark 0x10000/0x10000 -j CT --notrack'),
  );
  t.is(
    chainOf(filter, 'mgy-PREROUTING', 'mangle')![0],
    '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
  );
});

test('failsafe ports with a network are of its family, and IPv6 keeps its neighbours', t => {
  const filter = render(hosts({}));
  t.deepEqual(chainOf(filter, 'mgy-failsafe-in'), [
    '-p tcp -m multiport --dports 22 -j MARK --set-xmark 0x10000/0x10000',
    '-s 10.9.0.0/16 -p udp -m multiport --dports 68 -j MARK --set-xmark 0x10000/0x10000',
  ]);
  const six = chainOf(filter, 'mgy-failsafe-in', 'filter', 'ipv6')!;
  t.is(six.length, 1 + 8);
  t.true(six.includes('-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j MARK --set-xmark 0x10000/0x10000'));
});

test('tunnels: packets of nodes first, of nobody else, and segments that fit', t => {
  const tunnels = [
    { tunnel: 'ipip', device: 'mgy-ipip', from: [net('10.0.0.2/32'), net('10.7.0.0/16')], mtu: 1480 },
    { tunnel: 'vxlan-v6', device: 'mgy-vx6', port: 4790, from: [net('fd00::2/128')], mtu: 1430 },
  ] as const;
  const filter = render(hosts({}), { tunnels });
  t.deepEqual(chainOf(filter, 'mgy-INPUT')!.slice(1, 3), [
    '-p 4 -m set --match-set mgy4_from-mgy-ipip src -j ACCEPT',
    '-p 4 -j DROP',
  ]);
  t.deepEqual(chainOf(filter, 'mgy-INPUT', 'filter', 'ipv6')!.slice(1, 3), [
    '-p udp -m multiport --dports 4790 -m set --match-set mgy6_from-mgy-vx6 src -j ACCEPT',
    '-p udp -m multiport --dports 4790 -j DROP',
  ]);
  t.deepEqual(
    filter.sets.map(({ name, members }) => [name, [...members]]),
    [
      ['mgy4_from-mgy-ipip', ['10.0.0.2', '10.7.0.0/16']],
      ['mgy6_from-mgy-vx6', ['fd00::2']],
    ],
  );
  t.true(
    chainOf(filter, 'mgy-FORWARD', 'mangle', 'ipv6')!.includes(
      '-o mgy-ipip -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1420',
    ),
  );
});

test('sets hold what is of their family: everything by halves, hosts without a length, ports by name', t => {
  const sets = [
    {
      id: 'n',
      kind: 'nets',
      what: '',
      members: new Set([net('0.0.0.0/0'), net('10.0.0.1/32'), net('::/0')]),
    },
    { id: 'p', kind: 'ports', what: '', members: new Set(['10.0.0.1,6:80', 'fd00::1,17:53']) },
  ] as const;
  const rendered = render(makeHostPolicy({ sets }), { maxSetSize: 100 }).sets;
  t.deepEqual(
    rendered.map(({ type, family, members, maxElements }) => [type, family, [...members], maxElements]),
    [
      ['hash:net', 'ipv4', ['0.0.0.0/1', '128.0.0.0/1', '10.0.0.1'], 100],
      ['hash:ip,port', 'ipv4', ['10.0.0.1,tcp:80'], 100],
      ['hash:net', 'ipv6', ['::/1', '8000::/1'], 100],
      ['hash:ip,port', 'ipv6', ['fd00::1,udp:53'], 100],
    ],
  );
});

test('what leaves the pools is masqueraded, with an address, ports and interfaces as they are set', t => {
  const pools = [
    { cidr: net('10.1.0.0/16'), masquerade: true },
    { cidr: net('10.2.0.0/16'), masquerade: false },
  ];
  const nat = { pools, exclusions: [net('10.0.0.1/32')] };
  const filter = render(nothing, { nat });
  const goesOut = '-m set --match-set mgy4_nat-from src -m set ! --match-set mgy4_nat-not-to dst';
  t.deepEqual(chainOf(filter, 'mgy-POSTROUTING', 'nat'), [`${goesOut} -j MASQUERADE --random-fully`]);
  t.is(tableOf(filter, 'nat', 'ipv6').chains.size, 0);
  t.deepEqual(
    filter.sets.map(({ members }) => [...members]),
    [['10.1.0.0/16'], ['10.1.0.0/16', '10.2.0.0/16', '10.0.0.1']],
  );
  const address = '10.0.0.9' as FilterSettings['nat']['address'] & string;
  const more = { ...nat, address, ports: { min: 1000, max: 2000 }, interfaces: 'eth+' };
  t.deepEqual(chainOf(render(nothing, { nat: more }), 'mgy-POSTROUTING', 'nat'), [
    `-o eth+ -p tcp ${goesOut} -j SNAT --to-source 10.0.0.9:1000-2000 --random-fully`,
    `-o eth+ -p udp ${goesOut} -j SNAT --to-source 10.0.0.9:1000-2000 --random-fully`,
    `-o eth+ ${goesOut} -j SNAT --to-source 10.0.0.9 --random-fully`,
  ]);
});

test('only families that are filtered are rendered', t => {
  const filter = render(nothing, { families: ['ipv4'] });
  t.is(filter.tables.length, 4);
});

// ---------------------------------------------------------------- when somebody empties chains

const workload = makeWorkload('cali1', ['10.1.0.1/32'], { profiles: ['open'] });
const pod = makeHostPolicy({ workloads: [workload], profiles: [open] });
const forwarded: Way = {
  ...{ in: 'eth0', out: 'eth1', state: 'NEW', dnat: false, mark: 0 },
  ...{ connectionMark: 0, restores: false },
};
const fromPod: Way = { ...forwarded, in: 'cali1' };

function emptied(filter: RenderedFilter, table: TableName, which: RegExp, hooks = false): RenderedFilter {
  const tables = filter.tables.map(one => {
    if (one.table !== table) return one;
    const chains = [...one.chains].map(
      ([name, chain]) => [name, which.test(name) ? { ...chain, rules: [] } : chain] as const,
    );
    return { ...one, chains: new Map(chains), hooks: hooks ? [] : one.hooks };
  });
  return { ...filter, tables };
}

test('a chain of a workload, or of the way to it, that was emptied opens nothing', t => {
  const filter = render(pod);
  const packet = tcp('10.1.0.1', '10.9.0.1', 80);
  t.true(new Simulator(filter).passes(packet, fromPod));
  for (const chain of [/^mgy-from-wl/, /^mgy-fw-/, /^mgy-pro-/]) {
    const simulator = new Simulator(emptied(filter, 'filter', chain));
    t.false(simulator.passes(packet, fromPod), String(chain));
    t.false(simulator.passes(packet, { ...fromPod, out: undefined }), `${chain} to the host`);
  }
  const back = tcp('10.9.0.1', '10.1.0.1', 80);
  const toPod: Way = { ...forwarded, out: 'cali1' };
  t.true(new Simulator(filter).passes(back, toPod));
  for (const chain of [/^mgy-to-wl/, /^mgy-tw-/, /^mgy-pri-/])
    t.false(new Simulator(emptied(filter, 'filter', chain)).passes(back, toPod), String(chain));
});

test('failClosedForwarding: with filter emptied nothing is forwarded, and what the host sends and gets goes on', t => {
  const filter = render(pod, { failClosedForwarding: true });
  const packet = tcp('10.9.0.1', '10.8.0.1', 80);
  t.true(new Simulator(filter).passes(packet, forwarded), 'what is nobody’s goes on');
  const flushes = [
    emptied(filter, 'filter', /^/, true),
    emptied(filter, 'filter', /^/),
    emptied(filter, 'filter', /^mgy-FORWARD$/),
  ];
  for (const flushed of flushes) {
    const simulator = new Simulator(flushed);
    for (const way of [forwarded, fromPod, { ...forwarded, state: 'ESTABLISHED' as const }])
      t.false(simulator.passes(packet, way));
    t.true(simulator.passes(packet, { ...forwarded, in: undefined }));
    t.true(simulator.passes(packet, { ...forwarded, out: undefined }));
  }
  const unguarded = new Simulator(emptied(filter, 'mangle', /^/, true));
  t.true(unguarded.passes(packet, forwarded), 'without mangle, filter goes on alone');
  t.true(
    new Simulator(emptied(render(pod), 'filter', /^/, true)).passes(packet, fromPod),
    'and without the guard it is open',
  );
});

// ---------------------------------------------------------------- connections that are cut

const established: Way = { ...fromPod, state: 'ESTABLISHED' };

test('flushOnDeny: chains drop what has the mark, of the workloads that it is for, and packets of the host to them', t => {
  const asking = makePolicy('asking', [makeRule('allow')], { flushOnDeny: true });
  const cut = makeWorkload('cali1', ['10.1.0.1/32'], { tiers: [makeTier(['asking'], { egress: [] })] });
  const workloads = [cut, makeWorkload('cali2', ['10.1.0.2/32'])];
  const filter = render(makeHostPolicy({ workloads, policies: [asking] }));
  const dropped = '-m connmark --mark 0x200000/0x200000 -j DROP';
  const known = '-m conntrack --ctstate RELATED,ESTABLISHED -j MARK --set-xmark 0x10000/0x10000';
  for (const chain of ['mgy-fw-cali1', 'mgy-tw-cali1']) {
    const rules = chainOf(filter, chain)!;
    t.is(rules.indexOf(dropped) + 1, rules.indexOf(known), chain);
    t.true(rules.includes(dropped), chain);
  }
  for (const chain of ['mgy-fw-cali2', 'mgy-tw-cali2']) t.false(chainOf(filter, chain)!.includes(dropped));
  t.deepEqual(chainOf(filter, 'mgy-OUTPUT'), [`-o cali+ ${dropped}`]);
  t.true(
    chainOf(render(makeHostPolicy({ workloads }), { flushOnDeny: true }), 'mgy-fw-cali2')!.includes(dropped),
  );
  const staged = { ...asking, staged: true };
  t.is(chainOf(render(makeHostPolicy({ workloads, policies: [staged] })), 'mgy-OUTPUT'), undefined);
});

test('what is the mark of a connection and somebody restores on its packets opens nothing', t => {
  for (const markMask of [0xffff0000, 0x1f]) {
    for (const failClosedForwarding of [false, true]) {
      const more = { markMask, failClosedForwarding };
      const { cut } = allocateMarks(markMask);
      const marked: Way = { ...established, connectionMark: cut, restores: true };
      const packet = tcp('10.1.0.1', '10.9.0.1', 80);
      t.false(new Simulator(render(pod, { ...more, flushOnDeny: true })).passes(packet, marked));
      t.true(new Simulator(render(pod, more)).passes(packet, marked), 'nor does it close what is not cut');
      const shut = makeHostPolicy({ workloads: [makeWorkload('cali1', ['10.1.0.1/32'])] });
      const fresh: Way = { ...marked, state: 'NEW' };
      for (const way of [fresh, { ...fresh, out: undefined }, { ...fresh, in: 'eth0', out: 'cali1' }])
        t.false(new Simulator(render(shut, more)).passes(packet, way));
    }
  }
});

test('the guard’s mark is taken away before it is set, and set no more before nobody takes it away', t => {
  const order = (failClosedForwarding: boolean) =>
    render(pod, { failClosedForwarding })
      .tables.filter(({ family }) => family === 'ipv4')
      .map(({ table }) => table);
  const comes = (tables: readonly string[], one: string) => tables.indexOf(one);
  const [on, off] = [order(true), order(false)];
  t.true(comes(on, 'filter') < comes(on, 'mangle'));
  t.true(comes(off, 'mangle') < comes(off, 'filter'));
  for (const tables of [on, off]) t.is(comes(tables, 'raw'), 0, 'it clears what others read');
});

test('of any number of workloads on one interface the first by key has its chains, whatever their order', t => {
  const workloads = Array.from({ length: 12 }, (_, i) =>
    makeWorkload('cali1', [`10.65.0.${i + 1}/32`], { key: `WorkloadEndpoint/default/w${i + 10}` }),
  );
  for (const given of [workloads, workloads.toReversed()]) {
    const filter = render(makeHostPolicy({ workloads: given }));
    t.deepEqual(chainOf(filter, 'mgy-from-wl'), ['-i cali1 -g mgy-fw-cali1', '-j DROP']);
    t.is(chainOf(filter, 'mgy-fw-cali1')![0], '! -s 10.65.0.1/32 -j DROP');
    const { endpoints } = tableOf(filter, 'filter').chains.get('mgy-tw-cali1')!;
    t.deepEqual(endpoints, ['WorkloadEndpoint/default/w10']);
  }
});
