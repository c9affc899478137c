/** Live connections that would not be let through now. */
import test from 'ava';
import { type Fate, fateNow } from '../../../agent/filter/denied-connections.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { ConntrackEntry, ConntrackTuple } from '../../../linux/netlink/conntrack.js';
import {
  ip,
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  settings,
} from '../../policy/host-policies.js';

const policy = makeHostPolicy({
  workloads: [
    makeWorkload('cali1', ['10.0.0.1/32', 'fd00::1/128'], { profiles: ['open'] }),
    makeWorkload('cali2', ['10.0.0.2/32', 'fd00::2/128'], { tiers: [makeTier(['web'])], profiles: ['open'] }),
    makeWorkload('cali3', ['10.0.0.3/32', 'fd00::3/128'], { tiers: [makeTier(['no-echo'])] }),
    makeWorkload('cali4', ['10.0.0.4/32', 'fd00::4/128'], { tiers: [makeTier(['no-unreachable'])] }),
  ],
  policies: [
    makePolicy('web', [
      makeRule('allow', { protocol: 6 }, { destination: { ports: [{ min: 80, max: 80 }] } }),
    ]),
    makePolicy('no-echo', [
      makeRule('deny', { icmp: { type: 8, code: 0 } }),
      makeRule('deny', { icmp: { type: 128 } }),
      makeRule('allow'),
    ]),
    makePolicy('no-unreachable', [
      makeRule('deny', { icmp: { type: 3 } }),
      makeRule('deny', { icmp: { type: 8, code: 1 } }),
      makeRule('deny', { icmp: { type: 1 } }),
      makeRule('allow'),
    ]),
  ],
  profiles: [makeProfile('open', [makeRule('allow')])],
});

const places = {
  own: new Set([ip('192.0.2.1')]),
  towards: (address: IpAddress) => (address.startsWith('203.') ? undefined : 'eth0'),
};

const fateOf = fateNow(policy, { ...settings, flushOnDeny: true }, places);

function entry(
  source: string,
  destination: string,
  port: number,
  { reply = {}, protocol = 6 }: { reply?: Partial<ConntrackTuple>; protocol?: number } = {},
): ConntrackEntry {
  const icmp = undefined;
  return {
    family: source.includes(':') ? 'ipv6' : 'ipv4',
    original: {
      source: ip(source),
      destination: ip(destination),
      protocol,
      sourcePort: 40_000,
      destinationPort: port,
      icmp,
    },
    reply: {
      source: ip(destination),
      destination: ip(source),
      protocol,
      sourcePort: port,
      destinationPort: 40_000,
      icmp,
      ...reply,
    },
    mark: 0,
    name: { original: new Uint8Array(), id: undefined, zone: undefined },
  };
}

/** Of an echo request, and its answers. */
function ping(source: string, destination: string): ConntrackEntry {
  const family = source.includes(':') ? 'ipv6' : 'ipv4';
  const [protocol, request, answer] = family === 'ipv6' ? ([58, 128, 129] as const) : ([1, 8, 0] as const);
  const ways = { protocol, sourcePort: undefined, destinationPort: undefined };
  return {
    family,
    original: { ...ways, source: ip(source), destination: ip(destination), icmp: { type: request, code: 0 } },
    reply: { ...ways, source: ip(destination), destination: ip(source), icmp: { type: answer, code: 0 } },
    mark: 0,
    name: { original: new Uint8Array(), id: undefined, zone: undefined },
  };
}

for (const [what, connection, expected] of [
  ['to a workload, which its policy allows', entry('192.0.2.9', '10.0.0.2', 80), false],
  ['to a workload, which its policy denies', entry('192.0.2.9', '10.0.0.2', 81), true],
  ['of IPv6 likewise', entry('2001:db8::9', 'fd00::2', 81), true],
  ['of another protocol', entry('192.0.2.9', '10.0.0.2', 80, { protocol: 17 }), true],
  ['between two workloads, which the second denies', entry('10.0.0.1', '10.0.0.2', 81), true],
  ['between two workloads, which both allow', entry('10.0.0.1', '10.0.0.2', 80), false],
  ['from a workload that may', entry('10.0.0.1', '192.0.2.9', 81), false],
  ['from a workload that may not', entry('10.0.0.2', '192.0.2.9', 81), true],
  ['from the host to its own workload', entry('192.0.2.1', '10.0.0.2', 81), false],
  ['of the host, which no workload is part of', entry('192.0.2.1', '192.0.2.9', 81), false],
  ['of others, passing through', entry('192.0.2.9', '198.51.100.9', 81), false],
  [
    'that was translated to a workload’s port that is open',
    entry('192.0.2.9', '192.0.2.1', 8080, { reply: { source: ip('10.0.0.2'), sourcePort: 80 } }),
    false,
  ],
  [
    'that was translated to a workload’s port that is closed',
    entry('192.0.2.9', '192.0.2.1', 80, { reply: { source: ip('10.0.0.2'), sourcePort: 81 } }),
    true,
  ],
  [
    'of a workload that is masqueraded',
    entry('10.0.0.2', '192.0.2.9', 81, { reply: { destination: ip('192.0.2.1') } }),
    true,
  ],
  ['of a ping, and echo requests are denied', ping('192.0.2.9', '10.0.0.3'), true],
  ['of a ping of IPv6, and echo requests are denied', ping('2001:db8::9', 'fd00::3'), true],
  ['of a ping, and another type of ICMP is denied', ping('192.0.2.9', '10.0.0.4'), false],
  ['of a ping of IPv6, and another type of ICMPv6 is denied', ping('2001:db8::9', 'fd00::4'), false],
] as const) {
  test(`a connection ${what} ${expected ? 'is cut' : 'goes on'}`, t => {
    t.is(fateOf(connection), expected ? 'cut' : 'goes-on');
  });
}

test('of a connection with somebody whom nobody knows the way to, nothing is known', t => {
  t.is(fateOf(entry('203.0.113.1', '10.0.0.2', 81)), 'unknown');
  t.is(
    fateOf(entry('203.0.113.1', '192.0.2.9', 81)),
    'goes-on',
    'and where no workload is part of it, nobody asks',
  );
});

// ---------------------------------------------------------------- who asks for it

const asked = (
  forAll: boolean,
  policies: readonly ReturnType<typeof makePolicy>[],
  more: Parameters<typeof makeHostPolicy>[0] = {},
): Fate => {
  const workloads = [
    makeWorkload('cali1', ['10.0.0.1/32'], {
      tiers: [
        makeTier(['first'], { name: 'first', defaultAction: 'pass' }),
        makeTier(['one', 'other'], { egress: [] }),
      ],
      profiles: ['open'],
    }),
  ];
  const profiles = [makeProfile('open', [makeRule('allow')])];
  const fate = fateNow(
    makeHostPolicy({ workloads, policies, profiles, ...more }),
    { ...settings, flushOnDeny: forAll },
    places,
  );
  return fate(entry('192.0.2.9', '10.0.0.1', 80));
};
const silent = makePolicy('first', [makeRule('log'), makeRule('pass')], { flushOnDeny: true });
const one = (rules: readonly ReturnType<typeof makeRule>[], flushOnDeny?: boolean) =>
  makePolicy('one', rules, { flushOnDeny });
const other = (flushOnDeny?: boolean) => makePolicy('other', [makeRule('log')], { flushOnDeny });
const deny = [makeRule('deny')];

for (const [what, forAll, policies, expected] of [
  ['the policy whose rule denies asks for it', false, [silent, one(deny, true), other()], 'cut'],
  ['only another policy asks for it', false, [silent, one(deny), other(true)], 'goes-on'],
  ['it is set for all', true, [silent, one(deny), other()], 'cut'],
  [
    'it is set for all but for the policy whose rule denies',
    true,
    [silent, one(deny, false), other()],
    'goes-on',
  ],
  ['a policy of a tier that denies by default asks for it', false, [silent, one([]), other(true)], 'cut'],
  ['no policy of a tier that denies by default asks for it', false, [silent, one([]), other()], 'goes-on'],
  [
    'every policy of a tier that denies by default says no',
    true,
    [silent, one([], false), other(false)],
    'goes-on',
  ],
  [
    'one policy of a tier that denies by default does not say no',
    true,
    [silent, one([], false), other()],
    'cut',
  ],
] as const) {
  test(`where ${what}, a denied connection ${expected === 'cut' ? 'is cut' : 'goes on'}`, t => {
    t.is(asked(forAll, policies), expected);
  });
}

test('what no policy decides is cut where it is set for all', t => {
  const workloads = [makeWorkload('cali1', ['10.0.0.1/32'], { tiers: [makeTier(['first'])] })];
  t.is(asked(true, [silent], { workloads }), 'cut');
  t.is(asked(false, [silent], { workloads }), 'goes-on');
});

test('what a host endpoint’s policy denies is ended: the interface is a guess', t => {
  const hosts = [makeHost('eth0', { forward: [makeTier(['one'])] })];
  const workloads = [makeWorkload('cali1', ['10.0.0.1/32'], { profiles: ['open'] })];
  t.is(asked(false, [one(deny, true)], { workloads, hosts }), 'ended');
  t.is(asked(false, [one(deny)], { workloads, hosts }), 'goes-on');
});
