import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { type CheckedHost, type CheckFacts, type Path, pathsToCheck } from '../../../ipip/check/paths.js';
import type { TunnelKind } from '../../../ipip/desired.js';
import type { PoolModes, Reception, TunnelState } from '../../../ipip/encapsulation.js';

const address = (text: string) => text as Ipv4Address;
const prefixes = (...texts: string[]) => texts as readonly string[] as readonly Prefix[];
const never = { ipipMode: 'Never', vxlanMode: 'Never', udpMode: 'Never' } as const;
const pool = (cidr: string, modes: Partial<PoolModes> = {}): PoolModes => ({
  cidr: cidr as Prefix,
  ...never,
  ...modes,
});

const ready = { kind: 'ready' } as const;
const open = (mtu: number): TunnelState => ({ kind: 'open', ifindex: 7, mtu });

function host(name: string, more: Partial<CheckedHost> = {}): CheckedHost {
  const number = name.charCodeAt(0) - 96;
  return {
    name,
    address: address(`10.9.0.${number}`),
    receives: { ipip: ready, vxlan: ready, udp: ready },
    vtepMac: '02:00:00:00:00:01',
    tunnelAddress: address(`10.244.${number}.0`),
    blocks: prefixes(`10.244.${number}.0/24`),
    ...more,
  };
}

function facts(
  pools: readonly PoolModes[],
  hosts: readonly CheckedHost[],
  more: {
    readonly tunnels?: readonly (readonly [TunnelKind, TunnelState])[];
    readonly tunnelSource?: Ipv4Address | undefined;
    readonly problem?: CheckFacts['routeProblem'];
  } = {},
): CheckFacts {
  const tunnels = more.tunnels ?? [
    ['ipip', open(1480)],
    ['vxlan', open(1450)],
    ['udp', open(1472)],
  ];
  return {
    environment: {
      ownBlocks: prefixes('10.244.1.0/24'),
      connected: new Map(),
      underlayAddresses: [],
      pools,
      ownSubnets: { ipv4: '10.9.0.0/24' as Prefix, ipv6: undefined },
      preferredSources: { ipv4: address('10.9.0.1'), ipv6: undefined },
      tunnelSources: {
        ipv4: 'tunnelSource' in more ? more.tunnelSource : address('10.244.1.0'),
        ipv6: undefined,
      },
      tunnels: new Map(tunnels),
      remoteHosts: new Map(),
      metric: 1024,
      resolve: () => ({ kind: 'unreachable' }),
      workloads: new Map(),
    },
    addresses: { ipv4: address('10.9.0.1'), ipv6: undefined },
    underlayMtus: { ipv4: 1500, ipv6: undefined },
    hosts,
    routeProblem: more.problem ?? (() => undefined),
  };
}

const brief = ({ host: name, mode, todo }: Path) =>
  todo.kind === 'probe' ? [name, mode, todo.from, todo.to, todo.fullBytes] : [name, mode, todo.kind];

for (const [mode, modes, bytes] of [
  ['ipip', { ipipMode: 'Always' }, 1480],
  ['vxlan', { vxlanMode: 'Always' }, 1450],
  ['udp', { udpMode: 'Always' }, 1472],
] as const) {
  test(`through ${mode}: from tunnel address to tunnel address, as large as the device carries`, t => {
    const paths = pathsToCheck(facts([pool('10.244.0.0/16', modes)], [host('b'), host('c')]));
    t.deepEqual(paths.map(brief), [
      ['b', mode, '10.244.1.0', '10.244.2.0', bytes],
      ['c', mode, '10.244.1.0', '10.244.3.0', bytes],
    ]);
  });
}

test('plainly: from node to node, as large as the underlay carries', t => {
  const plain = [['b', 'none', '10.9.0.1', '10.9.0.2', 1500]];
  t.deepEqual(
    pathsToCheck(facts([pool('10.244.0.0/16')], [host('b', { tunnelAddress: undefined })])).map(brief),
    plain,
  );
  t.deepEqual(
    pathsToCheck(facts([pool('10.244.0.0/16', { ipipMode: 'CrossSubnet' })], [host('b')])).map(brief),
    plain,
  );
});

test('across subnets: by the tunnel', t => {
  const far = host('b', { address: address('10.9.1.2') });
  const paths = pathsToCheck(facts([pool('10.244.0.0/16', { ipipMode: 'CrossSubnet' })], [far]));
  t.deepEqual(paths.map(brief), [['b', 'ipip', '10.244.1.0', '10.244.2.0', 1480]]);
});

test('a host without pods is reached plainly, whatever the pools want', t => {
  const empty = host('b', { tunnelAddress: undefined, blocks: [] });
  const paths = pathsToCheck(facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [empty]));
  t.deepEqual(paths.map(brief), [['b', 'none', '10.9.0.1', '10.9.0.2', 1500]]);
});

test('this host without a block: from its node’s address', t => {
  const paths = pathsToCheck(
    facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [host('b')], { tunnelSource: undefined }),
  );
  t.deepEqual(paths.map(brief), [['b', 'ipip', '10.9.0.1', '10.244.2.0', 1480]]);
});

test('a host that cannot receive is not probed; the words are its own', t => {
  const cannot: Reception = { kind: 'unavailable', reason: 'this kernel has no ipip' };
  const [path] = pathsToCheck(
    facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [host('b', { receives: { ipip: cannot } })]),
  );
  t.deepEqual(brief(path!), ['b', 'ipip', 'refused']);
  t.true(path?.todo.kind === 'refused' && path.todo.why.includes('this kernel has no ipip'));
});

test('a host that has not opened the new mode is probed through the old one', t => {
  const paths = pathsToCheck(
    facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [host('b', { receives: { vxlan: ready } })]),
  );
  t.deepEqual(paths.map(brief), [['b', 'vxlan', '10.244.1.0', '10.244.2.0', 1450]]);
});

test('a tunnel that this host cannot open is refused', t => {
  const tunnels = [['ipip', { kind: 'unavailable', reason: 'no module' }]] as const;
  const [path] = pathsToCheck(
    facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [host('b')], { tunnels }),
  );
  t.deepEqual(brief(path!), ['b', 'ipip', 'refused']);
});

test('pools of different modes: a way each; the one that nobody answers on is named', t => {
  const pools = [
    pool('10.244.0.0/16', { ipipMode: 'Always' }),
    pool('10.245.0.0/16', { vxlanMode: 'Always' }),
    pool('10.246.0.0/16'),
  ];
  const blocks = prefixes('10.246.2.0/24', '10.244.2.0/24', '10.245.2.0/24', '10.244.12.0/24', 'fd00::/64');
  const paths = pathsToCheck(facts(pools, [host('b', { blocks })]));
  t.deepEqual(paths.map(brief), [
    ['b', 'none', '10.9.0.1', '10.9.0.2', 1500],
    ['b', 'ipip', '10.244.1.0', '10.244.2.0', 1480],
    ['b', 'vxlan', 'other-pool'],
  ]);
});

test('a host that has not said its tunnel address is a finding', t => {
  const [path] = pathsToCheck(
    facts([pool('10.244.0.0/16', { ipipMode: 'Always' })], [host('b', { tunnelAddress: undefined })]),
  );
  t.deepEqual(brief(path!), ['b', 'ipip', 'no-address']);
});

test('a destination without a route: of every block, and of that mode alone', t => {
  const pools = [pool('10.244.0.0/16', { ipipMode: 'Always' }), pool('10.246.0.0/16')];
  const blocks = prefixes('10.244.2.0/24', '10.244.12.0/24', '10.246.2.0/24');
  const problem = (destination: Prefix) => (destination === '10.244.12.0/24' ? 'gone' : undefined);
  const paths = pathsToCheck(facts(pools, [host('b', { blocks })], { problem }));
  t.deepEqual(paths.map(brief), [
    ['b', 'ipip', 'no-route'],
    ['b', 'none', '10.9.0.1', '10.9.0.2', 1500],
  ]);
});
