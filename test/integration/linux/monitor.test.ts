import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import {
  type KernelChange,
  KernelMonitor,
  type KernelMonitorOptions,
} from '../../../linux/netlink/monitor.js';
import { eventually } from '../../support/eventually.js';
import { ifindex, join, makeNamespace } from '../../support/network-namespace.js';

function setUp(t: Parameters<typeof makeNamespace>[0], options: KernelMonitorOptions = {}) {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  a.ip('address add 10.0.0.1/24 dev eth0');
  const changes: KernelChange[] = [];
  const monitor = new KernelMonitor(some => changes.push(...some), { ...options, networkNamespace: a.path });
  t.teardown(() => monitor.close());
  return { a, b, changes, monitor, eth0: ifindex(a, 'eth0') };
}

function describe(change: KernelChange): string {
  switch (change.kind) {
    case 'route':
      return `route ${change.route.destination} ${change.gone}`;
    case 'address':
      return `address ${change.address.address} ${change.gone}`;
    case 'link':
      return `link ${change.link.name} ${change.link.ifindex} ${change.link.mtu}`;
    case 'neighbour':
      return `neighbour ${change.neighbour.address} ${change.gone}`;
    case 'fdb':
      return `fdb ${change.entry.linkLayerAddress} ${change.entry.destination} ${change.gone}`;
    case 'resynchronise':
      return change.kind;
  }
}

test('routes, addresses and links of either family are told as they come and go', async t => {
  const { a, changes, eth0 } = setUp(t);
  a.ip('route add 10.1.0.0/24 via 10.0.0.2 proto 157');
  a.ip('route delete 10.1.0.0/24');
  a.ip('address add 10.2.0.1/24 dev eth0');
  a.ip('-6 address add fd00::1/64 dev eth0 nodad');
  a.ip('link set eth0 mtu 1400');
  const seen = () => changes.map(describe);
  const wanted = [
    'route 10.1.0.0/24 false',
    'route 10.1.0.0/24 true',
    'address 10.2.0.1 false',
    'address fd00::1 false',
    `link eth0 ${eth0} 1400`,
  ];
  t.true(await eventually(() => wanted.every(one => seen().includes(one))), seen().join('\n'));
});

test('a link that goes down takes its routes without a word of them, and says so itself', async t => {
  const { a, changes } = setUp(t);
  a.ip('route add 10.1.0.0/24 via 10.0.0.2 proto 157');
  await eventually(() => changes.length > 0);
  changes.length = 0;
  a.ip('link set eth0 down');
  t.true(await eventually(() => changes.some(change => change.kind === 'link' && !change.link.up)));
  t.is(a.ip('route show proto 157'), '');
  t.false(changes.some(change => change.kind === 'route' && change.route.protocol === 157));
});

test('an overflow of the socket is told, and the monitor goes on', async t => {
  const { a, changes } = setUp(t);
  // Nobody reads while this synchronous command floods the socket: tens of thousands of notifications of a kilobyte each.
  const lines = Array.from({ length: 40_000 }, (_, i) => `11.${i >> 8}.${i & 255}.0/24 via 10.0.0.2`);
  a.ipBatch(lines.map(line => `route add ${line}`));
  t.true(await eventually(() => changes.some(change => change.kind === 'resynchronise'), 10_000));
  t.like(
    changes.find(change => change.kind === 'resynchronise'),
    { reason: 'ENOBUFS' },
  );
  await sleep(50);
  changes.length = 0;
  a.ip('route add 10.50.0.0/24 via 10.0.0.2');
  t.true(await eventually(() => changes.some(change => change.kind === 'route')));
});

for (const neighbours of [true, false]) {
  test(`permanent neighbours and forwarding databases are ${neighbours ? '' : 'not '}told${neighbours ? ', address resolution is not' : ' unasked'}`, async t => {
    const { a, b, changes } = setUp(t, neighbours ? { neighbours } : {});
    b.ip('address add 10.0.0.2/24 dev eth0');
    a.ip('link add mgy.vxlan up type vxlan id 4096 dstport 4789 local 10.0.0.1 nolearning');
    a.ip('neighbour replace 10.9.0.2 lladdr 66:00:00:00:00:01 dev mgy.vxlan nud permanent');
    a.run('bridge', ...'fdb add 66:00:00:00:00:01 dev mgy.vxlan dst 10.0.0.9 self permanent'.split(' '));
    a.run('ping', '-c', '1', '10.0.0.2');
    t.regex(a.ip('neighbour show 10.0.0.2'), /REACHABLE/);
    a.run('bridge', ...'fdb del 66:00:00:00:00:01 dev mgy.vxlan dst 10.0.0.9'.split(' '));
    a.ip('neighbour delete 10.9.0.2 dev mgy.vxlan');
    a.ip('link set mgy.vxlan mtu 1300');
    const seen = () => changes.map(describe);
    t.true(
      await eventually(() => seen().some(one => /^link mgy.vxlan \d+ 1300/.test(one))),
      seen().join('\n'),
    );
    t.deepEqual(
      seen().filter(one => /^(neighbour (?!f)|fdb)/.test(one)),
      neighbours
        ? [
            'neighbour 10.9.0.2 false',
            'fdb 66:00:00:00:00:01 10.0.0.9 false',
            'fdb 66:00:00:00:00:01 10.0.0.9 true',
            'neighbour 10.9.0.2 true',
          ]
        : [],
    );
  });
}
