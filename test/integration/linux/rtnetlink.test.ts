import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { RouteType } from '../../../linux/netlink/constants.js';
import { plainForm, type Route } from '../../../linux/netlink/route.js';
import { describeRefusal, type RouteOperation, Rtnetlink } from '../../../linux/netlink/rtnetlink.js';
import { ifindex, join, makeNamespace } from '../../support/network-namespace.js';

const PROTOCOL = 157;

function route(
  destination: string,
  gateway: string | undefined,
  index: number,
  more: Partial<Route> = {},
): Route {
  const hop = {
    gateway: gateway as IpAddress | undefined,
    ifindex: index,
    onlink: false,
    weight: 1,
    dead: false,
  };
  return {
    ...plainForm,
    cloned: false,
    destination: destination as Prefix,
    nextHops: [hop],
    metric: 1024,
    protocol: PROTOCOL,
    ...more,
  };
}

function to(kind: RouteOperation['kind'], form: Route): RouteOperation {
  return { kind, destination: form.destination, form };
}

function setUp(t: Parameters<typeof makeNamespace>[0]) {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  join(a, 'eth1', b, 'eth1');
  a.ip('address add 10.0.0.1/24 dev eth0');
  a.ip('address add 10.0.1.1/24 dev eth1');
  a.ip('-6 address add fd00::1/64 dev eth0 nodad');
  const kernel = new Rtnetlink({ networkNamespace: a.path });
  t.teardown(() => kernel.close());
  return { a, b, kernel, eth0: ifindex(a, 'eth0'), eth1: ifindex(a, 'eth1') };
}

test('every form of route is read back as it was written, and `ip` says the same', async t => {
  const { a, kernel, eth0, eth1 } = setUp(t);
  const legs = [
    { gateway: '10.0.0.2' as IpAddress, ifindex: eth0, onlink: false, weight: 1, dead: false },
    { gateway: '10.0.1.2' as IpAddress, ifindex: eth1, onlink: false, weight: 5, dead: false },
  ];
  const routes: readonly (readonly [Route, string])[] = [
    [route('10.1.0.0/16', '10.0.0.2', eth0), '10.1.0.0/16 via 10.0.0.2 dev eth0 proto 157 metric 1024'],
    [
      route('10.2.0.0/24', '192.0.2.9', eth0, {
        nextHops: [{ ...legs[0]!, gateway: '192.0.2.9' as IpAddress, onlink: true }],
      }),
      '10.2.0.0/24 via 192.0.2.9 dev eth0 proto 157 metric 1024 onlink',
    ],
    [
      route('10.3.0.0/24', undefined, 0, { nextHops: [], type: RouteType.blackhole }),
      'blackhole 10.3.0.0/24 proto 157 metric 1024',
    ],
    [
      route('10.4.0.0/24', '10.0.0.2', eth0, { preferredSource: '10.0.1.1' as IpAddress }),
      '10.4.0.0/24 via 10.0.0.2 dev eth0 proto 157 src 10.0.1.1 metric 1024',
    ],
    [
      route('10.5.0.0/24', '10.0.0.2', eth0, { mtu: 1400 }),
      '10.5.0.0/24 via 10.0.0.2 dev eth0 proto 157 metric 1024 mtu 1400',
    ],
    [
      route('10.6.0.0/24', undefined, 0, { nextHops: legs }),
      '10.6.0.0/24 proto 157 metric 1024 nexthop via 10.0.0.2 dev eth0 weight 1 nexthop via 10.0.1.2 dev eth1 weight 5',
    ],
    [
      route('10.7.0.9/32', undefined, eth1, { scope: 253 }),
      '10.7.0.9 dev eth1 proto 157 scope link metric 1024',
    ],
    [route('0.0.0.0/0', '10.0.0.2', eth0), 'default via 10.0.0.2 dev eth0 proto 157 metric 1024'],
  ];
  const refusals = await kernel.changeRoutes(routes.map(([one]) => to('create', one)));
  t.deepEqual([...refusals], []);
  const found = new Map(
    (await kernel.routes({ family: 'ipv4', protocol: PROTOCOL })).map(one => [one.destination, one]),
  );
  t.is(found.size, routes.length);
  const listed = a.ip('-4 route show proto 157');
  for (const [one, text] of routes) {
    t.deepEqual(found.get(one.destination), one);
    const selector = one.destination === '0.0.0.0/0' ? 'default' : one.destination;
    const shown = a.ip(`-4 route show exact ${selector}`).replaceAll(/\s+/g, ' ').trim();
    t.is(shown, text);
  }
  t.is(listed.split('\n').filter(line => /^\S/.test(line)).length, routes.length);
  t.deepEqual([...(await kernel.changeRoutes(routes.map(([one]) => to('delete', one))))], []);
  t.is(a.ip('-4 route show proto 157'), '');
});

test('IPv6 routes: gateway, multipath and blackhole', async t => {
  const { kernel, a, eth0, eth1 } = setUp(t);
  a.ip('-6 address add fd01::1/64 dev eth1 nodad');
  const legs = ['fd00::2', 'fd01::2'].map((gateway, i) => ({
    gateway: gateway as IpAddress,
    ifindex: [eth0, eth1][i]!,
    onlink: false,
    weight: 1,
    dead: false,
  }));
  const routes = [
    route('fd10::/64', 'fd00::2', eth0),
    route('fd11::/64', undefined, 0, { nextHops: legs }),
    route('fd12::/64', undefined, 0, { nextHops: [], type: RouteType.blackhole }),
  ];
  t.deepEqual([...(await kernel.changeRoutes(routes.map(one => to('create', one))))], []);
  const found = await kernel.routes({ family: 'ipv6', protocol: PROTOCOL });
  t.deepEqual(
    found.map(({ destination, type }) => [destination, type]),
    routes.map(({ destination, type }) => [destination, type]),
  );
  t.deepEqual(found[1]!.nextHops, legs);
  t.deepEqual([...(await kernel.changeRoutes(routes.map(one => to('delete', one))))], []);
  t.deepEqual(await kernel.routes({ family: 'ipv6', protocol: PROTOCOL }), []);
});

test('in a batch what the kernel refuses is told by its place, in its words, and the rest is done', async t => {
  const { kernel, eth0 } = setUp(t);
  const routes = [
    route('10.1.0.0/24', '10.0.0.2', eth0),
    route('10.2.0.0/24', '192.0.2.1', eth0),
    route('10.3.0.0/24', '10.0.0.2', eth0),
    route('10.1.0.0/24', '10.0.0.3', eth0),
    route('10.4.0.0/24', '10.0.0.2', 99),
  ];
  const refusals = await kernel.changeRoutes(routes.map(one => to('create', one)));
  t.deepEqual(
    [...refusals].map(([at, refusal]) => [at, describeRefusal(refusal)]),
    [
      [1, 'ENETUNREACH: Nexthop has invalid gateway'],
      [3, 'EEXIST'],
      [4, 'ENETUNREACH: Nexthop has invalid gateway'],
    ],
  );
  const found = await kernel.routes({ family: 'ipv4', protocol: PROTOCOL });
  t.deepEqual(
    found.map(({ destination }) => destination),
    ['10.1.0.0/24', '10.3.0.0/24'] as Prefix[],
  );
});

test("a refused last message ends the batch, and an other's route at the same key is not touched", async t => {
  const { a, kernel, eth0 } = setUp(t);
  a.ip('route add 10.1.0.0/24 via 10.0.0.9 metric 1024 proto static');
  const mine = route('10.1.0.0/24', '10.0.0.2', eth0);
  const created = await kernel.changeRoutes([to('create', mine)]);
  t.is(created.get(0)?.errno, 17);
  const deleted = await kernel.changeRoutes([to('delete', mine)]);
  t.is(deleted.get(0)?.errno, 3);
  t.regex(a.ip('route show 10.1.0.0/24'), /via 10\.0\.0\.9 dev eth0 proto static metric 1024/);
});

test('thousands of routes in several batches, dumped whole and by protocol', async t => {
  const { a, kernel, eth0 } = setUp(t);
  a.ip('route add 10.99.0.0/16 via 10.0.0.9 proto 99');
  const routes = Array.from({ length: 5000 }, (_, i) =>
    route(`10.${100 + (i >> 8)}.${i & 255}.0/24`, '10.0.0.2', eth0),
  );
  const wrong = route('10.200.0.0/24', '192.0.2.1', eth0);
  const refusals = await kernel.changeRoutes(
    [...routes, wrong, ...routes.slice(0, 1)].map(one => to('create', one)),
  );
  t.deepEqual(
    [...refusals].map(([at, { errno }]) => [at, errno]),
    [
      [5000, 101],
      [5001, 17],
    ],
  );
  t.is((await kernel.routes({ family: 'ipv4', protocol: PROTOCOL })).length, 5000);
  t.is((await kernel.routes({ family: 'ipv4' })).length, 5000 + 3);
  t.is(a.ip('-4 route show proto 157').trim().split('\n').length, 5000);
});

test('links and addresses are what `ip -json` says', async t => {
  const { a, kernel } = setUp(t);
  const links = JSON.parse(a.ip('-json -details link show')) as {
    ifindex: number;
    ifname: string;
    mtu: number;
    linkinfo?: { info_kind: string };
  }[];
  t.deepEqual(
    (await kernel.links()).map(({ ifindex: index, name, mtu, kind }) => ({ index, name, mtu, kind })),
    links.map(link => ({
      index: link.ifindex,
      name: link.ifname,
      mtu: link.mtu,
      kind: link.linkinfo?.info_kind ?? '',
    })),
  );
  const addresses = JSON.parse(a.ip('-json address show')) as {
    ifindex: number;
    addr_info: { local: string; prefixlen: number }[];
  }[];
  const text = (index: number, address: string, length: number) => `${index} ${address}/${length}`;
  t.deepEqual(
    (await kernel.addresses()).map(one => text(one.ifindex, one.address, one.prefixLength)).sort(),
    addresses.flatMap(one => one.addr_info.map(i => text(one.ifindex, i.local, i.prefixlen))).sort(),
  );
});

test('a link is taken down and up, its MTU changed; addresses, neighbours and rules are added', async t => {
  const { a, kernel, eth0 } = setUp(t);
  t.deepEqual([...(await kernel.changeLinks([{ ifindex: eth0, up: false, mtu: 1400 }]))], []);
  const down = (await kernel.links()).find(link => link.ifindex === eth0)!;
  t.like(down, { up: false, mtu: 1400, loopback: false });
  t.deepEqual([...(await kernel.changeLinks([{ ifindex: eth0, up: true }]))], []);
  t.true((await kernel.links()).find(link => link.ifindex === eth0)!.up);
  const address = { ifindex: eth0, address: '10.9.0.1' as IpAddress, prefixLength: 24, scope: 0, flags: 0 };
  t.is((await kernel.addAddresses([address])).size, 0);
  t.regex(a.ip('address show dev eth0'), /inet 10\.9\.0\.1\/24/);
  const neighbour = {
    ifindex: eth0,
    address: '10.9.0.2' as IpAddress,
    linkLayerAddress: '02:00:00:00:00:05',
    state: 0x80,
  };
  t.is((await kernel.addNeighbours([neighbour])).size, 0);
  t.regex(a.ip('neighbour show dev eth0'), /10\.9\.0\.2 lladdr 02:00:00:00:00:05 PERMANENT/);
  t.deepEqual(
    (await kernel.neighbours()).find(one => one.address === neighbour.address),
    neighbour,
  );
  const rule = { family: 'ipv4', priority: 1500, table: 1000, mark: 0x10, mask: 0x10, action: 1 } as const;
  t.is((await kernel.addRules([rule])).size, 0);
  t.deepEqual(
    (await kernel.rules('ipv4')).find(one => one.priority === 1500),
    rule,
  );
  t.regex(a.ip('rule show'), /1500:\s+from all fwmark 0x10\/0x10 lookup 1000/);
});

test('a closed connection fails what is asked of it', async t => {
  const { kernel } = setUp(t);
  const pending = kernel.links();
  kernel.close();
  await t.throwsAsync(pending);
  await t.throwsAsync(kernel.links());
});

test('a host without a single route has none: its tables do not exist yet', async t => {
  const kernel = new Rtnetlink({ networkNamespace: makeNamespace(t).path });
  t.teardown(() => kernel.close());
  t.deepEqual(await kernel.routes({ family: 'ipv4' }), []);
  t.deepEqual(await kernel.routes({ family: 'ipv6' }), []);
});
