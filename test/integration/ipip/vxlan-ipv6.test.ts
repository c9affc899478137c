import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { IpAddress, Ipv6Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { Dataplane } from '../../../ipip/dataplane.js';
import { guardFirewall } from '../../../ipip/guard-firewall.js';
import type { HostIntent } from '../../../ipip/kernel-facts.js';
import { TunnelGuard } from '../../../ipip/tunnel-guard.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

/** Hosts with IPv6 alone, whose pods' packets travel by VXLAN over a network that knows nothing of them. */

const PORT = 4789;
const mac = (host: number) => `02:00:00:00:00:0${host}`;
const node = (host: number) => `fd00::${host}` as Ipv6Address;
const block = (host: number) => `fd10:0:0:${host}::/64` as Prefix;
/** First of its block: the host's own inside its tunnels. */
const inside = (host: number) => `fd10:0:0:${host}::` as Ipv6Address;
const pod = (host: number) => `fd10:0:0:${host}::2`;

function intent(host: number, others: readonly number[]): HostIntent {
  return {
    ownBlocks: [block(host)],
    pools: [{ cidr: 'fd10::/48' as Prefix, ipipMode: 'Never', vxlanMode: 'Always', udpMode: 'Never' }],
    ownSubnets: { ipv4: undefined, ipv6: 'fd00::/64' as Prefix },
    preferredSources: { ipv4: undefined, ipv6: node(host) },
    underlayAddresses: others.map(node),
    workloads: new Map(),
    remoteHosts: others.map(other => ({
      name: `host-${other}`,
      address: node(other),
      receives: { 'vxlan-v6': { kind: 'ready' } },
      vtepMac: mac(other),
    })),
    tunnels: {
      local: undefined,
      address: undefined,
      ipip: undefined,
      vxlan: undefined,
      'vxlan-v6': {
        ...{ vni: 4096, port: PORT, mac: mac(host), mtu: undefined },
        ...{ local: node(host), address: inside(host) },
      },
      udp: undefined,
      mayRemove: true,
    },
    externalNodes: [],
    workloadInterfacePrefixes: ['cali'],
  };
}

/** Hosts on one switch; each has its pod's address on its loopback. */
function hosts(t: ExecutionContext, count: number): readonly NetworkNamespace[] {
  const network = makeNamespace(t);
  network.ip('link add br0 type bridge');
  network.ip('link set br0 up');
  return Array.from({ length: count }, (_, i) => {
    const host = makeNamespace(t);
    join(host, 'eth0', network, `port${i}`);
    network.ip(`link set port${i} master br0`);
    host.ip(`address add ${node(i + 1)}/64 dev eth0 nodad`);
    host.ip(`address add ${pod(i + 1)}/128 dev lo nodad`);
    return host;
  });
}

function start(t: ExecutionContext, on: NetworkNamespace): Dataplane {
  const dataplane = new Dataplane({
    clock: systemClock,
    metric: 1024,
    networkNamespace: on.path,
    tunnelHost: {
      looseReversePath: () => 'nothing of IPv6 is asked for',
      settleChecksums: () => undefined,
      guardOf: () => 'in-place',
    },
    handler: {
      nextHops: () => {},
      ownAddresses: () => {},
      looked: () => {},
      tunnelsChanged: () => {},
      changed: () => {},
      log: (_, message, detail) => t.log(message, detail),
    },
  });
  t.teardown(() => dataplane.close());
  return dataplane;
}

function announce(dataplane: Dataplane, others: readonly number[]): void {
  for (const other of others) dataplane.setBest(block(other), { nextHops: [node(other)], origin: 'ibgp' });
  dataplane.flush();
}

function reaches(from: NetworkNamespace, source: string, target: string, bytes = 56): boolean {
  const words = `netns exec ${from.name} ping -6 -c1 -W0.3 -q -M do -s ${bytes} -I ${source} ${target}`;
  return spawnSync('ip', words.split(' ')).status === 0;
}

/** Undefined if this kernel has it. */
function lacking(on: NetworkNamespace): string | undefined {
  try {
    on.ip('link add try6 type vxlan id 1 dstport 4790 local fd00::1');
    on.ip('link delete try6');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test('three hosts reach each other’s pods, small and full, by devices that a second start leaves alone', async t => {
  const all = hosts(t, 3);
  const missing = lacking(all[0]!);
  if (missing !== undefined) return skip(t, missing);
  const numbers = all.map((_, i) => i + 1);
  const others = (host: number) => numbers.filter(other => other !== host);
  const planes = all.map((host, i) => {
    const dataplane = start(t, host);
    dataplane.setIntent(intent(i + 1, others(i + 1)));
    announce(dataplane, others(i + 1));
    return dataplane;
  });
  t.true(await eventually(() => planes.every(one => one.tunnels()[0]?.state === 'open')));
  t.true(
    await eventually(() => planes.every(one => one.status().pending === 0 && one.status().programmed === 3)),
  );
  for (const [i, from] of all.entries()) {
    for (const to of others(i + 1)) {
      const answered = await eventually(() => reaches(from, pod(i + 1), pod(to)), 10_000, 200);
      t.true(answered, `${i + 1} to ${to}`);
      // 1500 less 70, less ICMPv6 (8) and IPv6 (40).
      const full = await eventually(() => reaches(from, inside(i + 1), inside(to), 1430 - 48), 10_000, 200);
      t.true(full, `${i + 1} to ${to}, full`);
      t.false(reaches(from, inside(i + 1), inside(to), 1430 - 47), 'one octet more');
    }
  }
  const [first] = all as [NetworkNamespace];
  const device = first.ip('-d link show dev margay.vxlan-v6');
  t.regex(device, /mtu 1430 .*vxlan id 4096 local fd00::1 .*dstport 4789.* nolearning/s);
  t.regex(
    first.ip('-6 route show fd10:0:0:2::/64'),
    /via fe80::ff:fe00:2 dev margay\.vxlan-v6 proto 157 src fd10:0:0:1:: metric 1024 mtu 1430/,
  );
  t.regex(
    first.run('bridge', 'fdb', 'show', 'dev', 'margay.vxlan-v6'),
    /02:00:00:00:00:02 dst fd00::2 self permanent/,
  );
  t.regex(
    first.ip('-6 neigh show dev margay.vxlan-v6 nud permanent'),
    /fe80::ff:fe00:2 lladdr 02:00:00:00:00:02 PERMANENT/,
  );

  // Addresses are looked for twice by the kernel before they are sure (RFC 4862 section 5.4).
  t.true(await eventually(() => !/tentative/.test(first.ip('-6 addr')), 10_000, 200));
  planes[0]!.close();
  const before = [device, first.ip('-6 route'), first.ip('-6 addr')].join('\n');
  const second = start(t, first);
  second.setIntent(intent(1, [2, 3]));
  announce(second, [2, 3]);
  second.allowDeletions();
  t.true(await eventually(() => second.status().programmed === 3));
  await new Promise(resolve => setTimeout(resolve, 1500));
  t.deepEqual(second.status(), { programmed: 3, pending: 0, stale: 0, refused: [] });
  t.is(
    [first.ip('-d link show dev margay.vxlan-v6'), first.ip('-6 route'), first.ip('-6 addr')].join('\n'),
    before,
  );
});

test('what others break of it is repaired: its address, its MTU, an entry, the device itself', async t => {
  const [a, b] = hosts(t, 2) as [NetworkNamespace, NetworkNamespace];
  const missing = lacking(a);
  if (missing !== undefined) return skip(t, missing);
  const [one, two] = [start(t, a), start(t, b)];
  one.setIntent(intent(1, [2]));
  two.setIntent(intent(2, [1]));
  announce(one, [2]);
  announce(two, [1]);
  const works = () => reaches(a, pod(1), pod(2));
  t.true(await eventually(works, 10_000, 200));
  a.ip(`address delete ${inside(1)}/128 dev margay.vxlan-v6`);
  t.true(await eventually(() => a.ip('-6 addr show dev margay.vxlan-v6').includes(`${inside(1)}/128`), 5000));
  a.ip('link set margay.vxlan-v6 mtu 1300');
  t.true(await eventually(() => a.ip('link show dev margay.vxlan-v6').includes('mtu 1430'), 5000));
  a.ip('link delete margay.vxlan-v6');
  t.true(await eventually(works, 10_000, 200));
  a.ip('link set margay.vxlan-v6 down');
  t.true(await eventually(works, 10_000, 200));
});

test('the guard lets VXLAN of known hosts in, and of no others; cleanup of IPv4 leaves it alone', async t => {
  const [a, b] = hosts(t, 2) as [NetworkNamespace, NetworkNamespace];
  const missing = lacking(a);
  if (missing !== undefined) return skip(t, missing);
  const [one, two] = [start(t, a), start(t, b)];
  one.setIntent(intent(1, [2]));
  two.setIntent(intent(2, [1]));
  announce(one, [2]);
  announce(two, [1]);
  const works = () => reaches(b, pod(2), pod(1));
  t.true(await eventually(works, 10_000, 200));
  const guard = (family: 'ipv4' | 'ipv6') => {
    const firewall = guardFirewall(['ip', 'netns', 'exec', a.name]);
    const log = (_: string, message: string, detail: string) => t.log(message, detail);
    const started = new TunnelGuard({ clock: systemClock, firewall, family, log, changed: () => {} });
    t.teardown(() => started.close());
    return started;
  };
  const six = guard('ipv6');
  const receives = [{ kind: 'vxlan', port: PORT }] as const;
  const nobody = { knownHosts: [], externalNodes: [], workloadInterfacePrefixes: ['cali'] };
  six.setIntent({ ...nobody, receives });
  if (!(await six.programmed())) return skip(t, six.problems()[0]!.message);
  t.false(works(), 'nobody is known');
  six.setIntent({ ...nobody, knownHosts: ['10.0.0.2' as IpAddress, node(2)], receives });
  t.true(await six.programmed());
  t.true(works());
  t.deepEqual([...six.state().knownHosts], [node(2)]);
  t.regex(a.run('ipset', 'save', 'margay-hosts6'), /^create margay-hosts6 hash:net family inet6 /);
  const four = guard('ipv4');
  four.setIntent({ ...nobody, knownHosts: ['10.0.0.2' as IpAddress], receives });
  t.true(await four.programmed());
  four.setIntent({ ...nobody, receives: [] });
  t.true(await four.programmed());
  t.is(a.run('ipset', 'list', '-n').trim(), 'margay-hosts6');
  six.setIntent({ ...nobody, externalNodes: ['fd00::/64' as Prefix], receives });
  t.true(await six.programmed());
  t.true(works(), 'a network is known');
  six.setIntent({ ...nobody, receives: [] });
  t.true(await six.programmed());
  t.is(a.run('ipset', 'list', '-n').trim(), '');
});
