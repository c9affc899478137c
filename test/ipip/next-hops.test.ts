import test from 'ava';
import { type IpAddress, zonedAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { NextHopWatch } from '../../ipip/next-hop-watch.js';
import { NextHopResolver, type Resolution } from '../../ipip/next-hops.js';
import type { Link } from '../../linux/netlink/link.js';
import { routeOf } from '../support/fake-kernel.js';

const ip = (text: string) => text as IpAddress;

function hop(gateway: string | undefined, ifindex: number, more: { dead?: boolean; onlink?: boolean } = {}) {
  return {
    gateway: gateway as IpAddress | undefined,
    ifindex,
    onlink: false,
    weight: 1,
    dead: false,
    ...more,
  };
}

function resolver(...routes: Parameters<typeof routeOf>[]): NextHopResolver {
  const one = new NextHopResolver();
  one.replaceRoutes(routes.map(route => routeOf(...route)));
  return one;
}

test('a next hop inside a connected prefix is a neighbour on its interface', t => {
  const one = resolver(['10.0.0.0/24', { nextHops: [hop(undefined, 2)] }]);
  t.deepEqual(one.resolve(ip('10.0.0.7')), { kind: 'connected', ifindex: 2 });
  t.deepEqual(one.resolve(ip('10.0.1.7')), { kind: 'unreachable' });
});

test('one behind a router goes by that router', t => {
  const one = resolver(
    ['10.0.0.0/24', { nextHops: [hop(undefined, 2)] }],
    ['0.0.0.0/0', { nextHops: [hop('10.0.0.1', 2)] }],
    ['172.16.0.0/12', { nextHops: [hop('169.254.1.1', 3, { onlink: true })] }],
  );
  t.deepEqual(one.resolve(ip('192.0.2.1')), {
    kind: 'via',
    gateway: ip('10.0.0.1'),
    ifindex: 2,
    onlink: false,
  });
  t.deepEqual(one.resolve(ip('172.17.0.1')), {
    kind: 'via',
    gateway: ip('169.254.1.1'),
    ifindex: 3,
    onlink: true,
  });
});

test('the most specific route decides, then the lowest metric, and one that leads nowhere is a decision', t => {
  const one = resolver(
    ['0.0.0.0/0', { nextHops: [hop('10.0.0.1', 2)] }],
    ['10.1.0.0/16', { nextHops: [hop('10.0.0.9', 4)], metric: 200 }],
    ['10.1.0.0/16', { nextHops: [hop('10.0.0.8', 3)], metric: 100 }],
    ['10.2.0.0/16', { type: 6 }],
    ['10.3.0.0/16', { nextHops: [hop('10.0.0.8', 3, { dead: true }), hop('10.0.0.9', 4)] }],
    ['10.4.0.0/16', { nextHops: [hop('10.0.0.8', 3, { dead: true })] }],
  );
  t.like(one.resolve(ip('10.1.2.3')), { ifindex: 3 });
  t.is(one.resolve(ip('10.2.2.3')).kind, 'unreachable');
  t.like(one.resolve(ip('10.3.2.3')), { ifindex: 4 });
  t.is(one.resolve(ip('10.4.2.3')).kind, 'unreachable');
});

test('IPv6 next hops go by IPv6 routes', t => {
  const one = resolver(
    ['10.0.0.0/24', { nextHops: [hop(undefined, 2)] }],
    ['fd00::/64', { nextHops: [hop(undefined, 5)] }],
  );
  t.deepEqual(one.resolve(ip('fd00::1')), { kind: 'connected', ifindex: 5 });
});

test('connected prefixes are the routes without a gateway, but for a default one', t => {
  const one = resolver(
    ['10.0.0.0/24', { nextHops: [hop(undefined, 2)] }],
    ['10.9.0.0/24', { nextHops: [hop('10.0.0.1', 2)] }],
    ['0.0.0.0/0', { nextHops: [hop(undefined, 2)] }],
    ['10.8.0.0/24', { type: 6 }],
  );
  t.deepEqual([...one.connected()], [['10.0.0.0/24' as Prefix, 2]]);
});

test('whoever watches next hops is told of each once, then of changes only', t => {
  const watch = new NextHopWatch();
  const down = new Set<string>(['10.0.0.2']);
  const resolve = (nextHop: IpAddress): Resolution =>
    down.has(nextHop) ? { kind: 'unreachable' } : { kind: 'connected', ifindex: 1 };
  let name = 'eth0';
  const news = () => watch.news(resolve, () => name);
  const up = (address: string) => ({ nextHop: ip(address), reachable: true, interface: name });
  watch.watch([ip('10.0.0.1'), ip('10.0.0.2')]);
  t.deepEqual(news(), [up('10.0.0.1'), { nextHop: ip('10.0.0.2'), reachable: false, interface: undefined }]);
  t.deepEqual(news(), []);
  down.delete('10.0.0.2');
  t.deepEqual(news(), [up('10.0.0.2')]);
  watch.watch([ip('10.0.0.2')]);
  watch.watch([ip('10.0.0.1'), ip('10.0.0.2')]);
  t.deepEqual(news(), [up('10.0.0.1')]);
  // The same link under another name, or another link.
  name = 'eth1';
  t.deepEqual(news(), [up('10.0.0.2'), up('10.0.0.1')]);
});

test('a link-local next hop is a neighbour on the link that it is named with, while that is up', t => {
  const one = resolver(['fe80::/64', { nextHops: [hop(undefined, 2)] }]);
  const links = [
    { name: 'eth0', ifindex: 2, up: true },
    { name: 'eth1', ifindex: 3, up: false },
  ];
  one.replaceLinks(links as unknown as readonly Link[]);
  const at = (interfaceName: string) => one.resolve(zonedAddress('fe80::1' as IpAddress, interfaceName));
  t.deepEqual(at('eth0'), { kind: 'connected', ifindex: 2 });
  t.is(at('eth1').kind, 'unreachable');
  t.is(at('eth2').kind, 'unreachable');
  t.is(one.resolve(ip('fe80::1')).kind, 'unreachable', 'on which link is not said');
});
