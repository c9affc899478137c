import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { type IpAddress, zonedAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { Dataplane } from '../../../ipip/dataplane.js';
import type { HostIntent } from '../../../ipip/kernel-facts.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';

/** Plain routes of IPv6, and those of IPv4 by IPv6 neighbours, in the kernel. */

const intent: HostIntent = {
  ownBlocks: ['fd10:0:0:1::/64' as Prefix],
  pools: [{ cidr: 'fd10::/48' as Prefix, ipipMode: 'Never', vxlanMode: 'Never', udpMode: 'Never' }],
  ownSubnets: { ipv4: undefined, ipv6: 'fd00::/64' as Prefix },
  preferredSources: { ipv4: undefined, ipv6: 'fd00::1' as IpAddress },
  underlayAddresses: [],
  workloads: new Map([['fd10:0:0:1::2/128' as Prefix, 'cali0']]),
  remoteHosts: [],
  tunnels: undefined,
  externalNodes: [],
  workloadInterfacePrefixes: ['cali'],
};

function host(t: ExecutionContext): NetworkNamespace {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  join(a, 'eth1', b, 'eth1');
  a.ip('address add fd00::1/64 dev eth0 nodad');
  b.ip('address add fd00::2/64 dev eth0 nodad');
  return a;
}

interface Seen {
  readonly nextHops: Map<IpAddress, boolean>;
}

function start(t: ExecutionContext, on: NetworkNamespace): { dataplane: Dataplane; seen: Seen } {
  const seen: Seen = { nextHops: new Map() };
  const dataplane = new Dataplane({
    clock: systemClock,
    metric: 1024,
    networkNamespace: on.path,
    tunnelHost: {
      looseReversePath: () => undefined,
      settleChecksums: () => undefined,
      guardOf: () => 'in-place',
    },
    handler: {
      nextHops: statuses => {
        for (const { nextHop, reachable } of statuses) seen.nextHops.set(nextHop, reachable);
      },
      ownAddresses: () => {},
      looked: () => {},
      tunnelsChanged: () => {},
      changed: () => {},
      log: (_, message, detail) => t.log(message, detail),
    },
  });
  t.teardown(() => dataplane.close());
  return { dataplane, seen };
}

const via = (...nextHops: IpAddress[]) => ({ nextHops, origin: 'ibgp' }) as const;
const ip = (text: string) => text as IpAddress;
const onEth0 = zonedAddress('fe80::2' as never, 'eth0');
const onEth1 = zonedAddress('fe80::2' as never, 'eth1');

/** By one next hop, by two, by a link-local one, by two link-local ones that differ in nothing but their link. */
function announce(dataplane: Dataplane): void {
  dataplane.setBest('fd10:0:0:2::/64' as Prefix, via(ip('fd00::2')));
  dataplane.setBest('fd10:0:0:3::/64' as Prefix, via(ip('fd00::2'), ip('fd00::3')));
  dataplane.setBest('fd10:0:0:4::/64' as Prefix, via(onEth1));
  dataplane.setBest('fd10:0:0:5::/64' as Prefix, via(onEth0, onEth1));
  dataplane.flush();
}

/** A multipath route's legs are on lines of their own. */
const ours = (on: NetworkNamespace, family = '-6') =>
  on
    .ip(`${family} route show proto 157`)
    .replaceAll(/\n\t/g, ' ')
    .split('\n')
    .map(line =>
      line
        .replaceAll(/ +/g, ' ')
        .replace(/ pref medium/, '')
        .trim(),
    )
    .filter(line => line !== '')
    .sort();

const expected = [
  'blackhole fd10:0:0:1::/64 dev lo metric 1024',
  'fd10:0:0:2::/64 via fd00::2 dev eth0 src fd00::1 metric 1024',
  'fd10:0:0:3::/64 src fd00::1 metric 1024 nexthop via fd00::2 dev eth0 weight 1 nexthop via fd00::3 dev eth0 weight 1',
  'fd10:0:0:4::/64 via fe80::2 dev eth1 src fd00::1 metric 1024',
  'fd10:0:0:5::/64 src fd00::1 metric 1024 nexthop via fe80::2 dev eth0 weight 1 nexthop via fe80::2 dev eth1 weight 1',
];
/** Every repair must be done within this. */
const REPAIR_MS = 1500;

async function settled(t: ExecutionContext, on: NetworkNamespace, wanted = expected): Promise<void> {
  const done = await eventually(() => normal(ours(on)) === normal(wanted), REPAIR_MS);
  t.true(done, ours(on).join('\n'));
}

/** The kernel tells what a multipath route's legs have in common in an order of its own. */
function normal(lines: readonly string[]): string {
  return lines
    .map(line =>
      line
        .split(' nexthop ')
        .map((part, i) => (i === 0 ? part.split(' ').sort().join(' ') : part))
        .join(' nexthop '),
    )
    .sort()
    .join('\n');
}

/** What `ip -6 monitor` hears of our routes while something happens: an observer from outside. */
async function assertNoWrites(t: ExecutionContext, on: NetworkNamespace, during: () => Promise<void>) {
  const monitor = spawn('ip', ['-6', '-n', on.name, 'monitor', 'route']);
  let heard = '';
  monitor.stdout.setEncoding('utf8').on('data', chunk => {
    heard += chunk;
  });
  on.ip('-6 route add 2001:db8::1/128 dev lo');
  await eventually(() => heard.includes('2001:db8::1'));
  heard = '';
  await during();
  on.ip('-6 route delete 2001:db8::1/128 dev lo');
  t.true(await eventually(() => heard.includes('2001:db8::1')));
  monitor.kill();
  t.deepEqual(
    heard.split('\n').filter(line => line.includes('proto 157')),
    [],
  );
}

test('one next hop, several, link-local ones, and a blackhole; a second start writes nothing', async t => {
  const a = host(t);
  const first = start(t, a);
  first.dataplane.setIntent(intent);
  announce(first.dataplane);
  await settled(t, a);
  first.dataplane.close();
  await assertNoWrites(t, a, async () => {
    const second = start(t, a);
    second.dataplane.setIntent(intent);
    announce(second.dataplane);
    second.dataplane.allowDeletions();
    await eventually(() => second.dataplane.status().programmed === 5);
    await new Promise(resolve => setTimeout(resolve, 1500));
    t.deepEqual(second.dataplane.status(), { programmed: 5, pending: 0, stale: 0, refused: [] });
  });
});

test('drift is repaired: a leg taken from a multipath route, one added to it, a route altered, all flushed', async t => {
  const a = host(t);
  a.ip('-6 route add fd77::/64 via fd00::7');
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane);
  await settled(t, a);
  a.ip('-6 route delete fd10:0:0:3::/64 via fd00::3 dev eth0 metric 1024');
  await settled(t, a);
  a.ip('-6 route append fd10:0:0:3::/64 via fd00::66 dev eth0 metric 1024 proto 157');
  await settled(t, a);
  a.ip('-6 route delete fd10:0:0:5::/64 via fe80::2 dev eth0 metric 1024');
  await settled(t, a);
  a.ip('-6 route replace fd10:0:0:2::/64 via fd00::66 metric 1024 proto 157');
  await settled(t, a);
  a.ip('-6 route delete blackhole fd10:0:0:1::/64');
  await settled(t, a);
  a.ip('-6 route flush proto 157');
  await settled(t, a);
  dataplane.allowDeletions();
  a.ip('-6 route add fd10:0:0:99::/64 via fd00::66 metric 1024 proto 157');
  t.true(await eventually(() => normal(ours(a)) === normal(expected), 2 * REPAIR_MS));
  t.regex(a.ip('-6 route show fd77::/64'), /via fd00::7/);
});

test('a route turns from one next hop to several, to a blackhole and back, in place', async t => {
  const a = host(t);
  const { dataplane } = start(t, a);
  const prefix = 'fd10:0:0:2::/64' as Prefix;
  dataplane.setIntent({ ...intent, ownBlocks: [] });
  const one = 'fd10:0:0:2::/64 via fd00::2 dev eth0 src fd00::1 metric 1024';
  const two =
    'fd10:0:0:2::/64 src fd00::1 metric 1024 nexthop via fd00::2 dev eth0 weight 1 nexthop via fd00::3 dev eth0 weight 1';
  const go = async (nextHops: readonly string[], wanted: string) => {
    dataplane.setBest(prefix, via(...nextHops.map(ip)));
    dataplane.flush();
    await settled(t, a, [wanted]);
  };
  await go(['fd00::2'], one);
  await go(['fd00::2', 'fd00::3'], two);
  await go(['fd00::2'], one);
  dataplane.setIntent({ ...intent, ownBlocks: [prefix] });
  await settled(t, a, ['blackhole fd10:0:0:2::/64 dev lo metric 1024']);
  dataplane.setIntent({ ...intent, ownBlocks: [] });
  await settled(t, a, [one]);
  await go(['fd00::2', 'fd00::3'], two);
  dataplane.setIntent({ ...intent, ownBlocks: [prefix] });
  await settled(t, a, ['blackhole fd10:0:0:2::/64 dev lo metric 1024']);
});

test('another program that has our key keeps it and is named, until it lets go', async t => {
  const a = host(t);
  a.ip('-6 route add fd10:0:0:2::/64 via fd00::66 metric 1024 proto static');
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane);
  await settled(
    t,
    a,
    expected.filter(line => !line.startsWith('fd10:0:0:2::')),
  );
  t.true(await eventually(() => dataplane.status().refused.length === 1, REPAIR_MS));
  t.is(dataplane.status().refused[0]!.destination, 'fd10:0:0:2::/64' as Prefix);
  t.regex(a.ip('-6 route show fd10:0:0:2::/64'), /via fd00::66 dev eth0 proto static metric 1024/);
  a.ip('-6 route delete fd10:0:0:2::/64 proto static');
  await settled(t, a);
});

test('a link that goes down takes its routes, and a link-local next hop with it; they come back with it', async t => {
  const a = host(t);
  a.run('sysctl', '-qw', 'net.ipv6.conf.eth0.keep_addr_on_down=1');
  const { dataplane, seen } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane);
  dataplane.watchNextHops([ip('fd00::2'), onEth0, onEth1, ip('2001:db8::1'), ip('fe80::2')]);
  await settled(t, a);
  const reachable = () => [...seen.nextHops].filter(([, is]) => is).map(([nextHop]) => nextHop);
  t.deepEqual(reachable(), ['fd00::2', 'fe80::2%eth0', 'fe80::2%eth1']);
  a.ip('link set eth0 down');
  await settled(t, a, [
    expected[0]!,
    expected[3]!,
    'fd10:0:0:5::/64 via fe80::2 dev eth1 src fd00::1 metric 1024',
  ]);
  t.deepEqual(reachable(), ['fe80::2%eth1']);
  a.ip('link set eth0 up');
  await settled(t, a);
  t.deepEqual(reachable(), ['fd00::2', 'fe80::2%eth0', 'fe80::2%eth1']);
});

test('IPv4 goes by IPv6 neighbours, global and link-local, alone and in a multipath route', async t => {
  const a = host(t);
  a.ip('address add 10.0.0.1/32 dev lo');
  const { dataplane } = start(t, a);
  const v4: HostIntent = {
    ...intent,
    ownBlocks: [],
    pools: [{ cidr: '10.244.0.0/16' as Prefix, ipipMode: 'Never', vxlanMode: 'Never', udpMode: 'Never' }],
    preferredSources: { ipv4: ip('10.0.0.1'), ipv6: undefined },
  };
  dataplane.setIntent(v4);
  const best = (one: Dataplane) => {
    one.setBest('10.244.2.0/24' as Prefix, via(ip('fd00::2')));
    one.setBest('10.244.3.0/24' as Prefix, via(onEth1));
    one.setBest('10.244.4.0/24' as Prefix, via(onEth0, onEth1));
    one.flush();
  };
  best(dataplane);
  const wanted = [
    '10.244.2.0/24 via inet6 fd00::2 dev eth0 src 10.0.0.1 metric 1024',
    '10.244.3.0/24 via inet6 fe80::2 dev eth1 src 10.0.0.1 metric 1024',
    '10.244.4.0/24 src 10.0.0.1 metric 1024 nexthop via inet6 fe80::2 dev eth0 weight 1 nexthop via inet6 fe80::2 dev eth1 weight 1',
  ];
  const done = await eventually(() => normal(ours(a, '-4')) === normal(wanted), REPAIR_MS);
  t.true(done, ours(a, '-4').join('\n'));
  dataplane.close();
  const second = start(t, a);
  second.dataplane.setIntent(v4);
  best(second.dataplane);
  second.dataplane.allowDeletions();
  t.true(await eventually(() => second.dataplane.status().programmed === 3));
  t.deepEqual(second.dataplane.status(), { programmed: 3, pending: 0, stale: 0, refused: [] });
});
