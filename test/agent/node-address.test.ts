import test from 'ava';
import { type AddressWish, chooseNodeAddress, type HostAddresses } from '../../agent/node-address.js';
import type { InterfaceAddress } from '../../linux/netlink/address.js';
import type { Link } from '../../linux/netlink/link.js';
import { plainForm, type Route } from '../../linux/netlink/route.js';

const names = ['lo', 'eth0', 'eth1', 'docker0', 'margay.vxlan'];
const ifindex = (name: string) => names.indexOf(name) + 1;
const AUTODETECT: AddressWish = { kind: 'autodetect' };
const SECONDARY = 0x01;
const LINK_SCOPE = 253;
/** RTPROT_BOOT: whoever set the host up. */
const BOOT = 3;

function link(name: string, more: Partial<Link> = {}): Link {
  const found = { ifindex: ifindex(name), name, mtu: 1500, up: true, carrier: true, loopback: name === 'lo' };
  const plain = { kind: '', masterIfindex: 0, alias: '', linkLayerAddress: '', tunnel: undefined };
  return { ...found, ...plain, ...more };
}

function address(name: string, text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const [own, length] = text.split('/');
  const entry = { ifindex: ifindex(name), address: own as never, prefixLength: Number(length) };
  return { ...entry, scope: 0, flags: 0, ...more };
}

function defaultRoute(metric: number, ...through: readonly string[]): Route {
  const nextHops = through.map(name => ({
    gateway: '10.0.0.254' as never,
    ifindex: ifindex(name),
    onlink: false,
    weight: 1,
    dead: false,
  }));
  return { ...plainForm, protocol: BOOT, destination: '0.0.0.0/0' as never, cloned: false, metric, nextHops };
}

const host: HostAddresses = {
  links: names.map(name => link(name)),
  addresses: [
    address('lo', '127.0.0.1/8', { scope: 254 }),
    address('eth0', '10.0.0.1/24'),
    address('eth1', '192.0.2.1/25'),
    address('docker0', '172.17.0.1/16'),
  ],
  routes: [defaultRoute(100, 'eth1')],
};

/** The address, or the candidates that were named. */
function choice(wish: AddressWish, changes: Partial<HostAddresses> = {}): string | readonly string[] {
  const found = chooseNodeAddress({ ...host, ...changes }, 'ipv4', wish);
  if (found.kind === 'chosen') return found.address;
  return [...found.reason.matchAll(/(\S+) \((\w+)\)/g)].map(match => `${match[1]} ${match[2]}`);
}

const all = ['10.0.0.1/24 eth0', '192.0.2.1/25 eth1', '172.17.0.1/16 docker0'];

test("the default route's interface has it, with the length of its subnet", t => {
  t.is(choice(AUTODETECT), '192.0.2.1/25');
  const found = chooseNodeAddress(host, 'ipv4', AUTODETECT);
  t.true(found.reason.includes('eth1'));
});

test('of several default routes the one with the lowest metric counts', t => {
  t.is(
    choice(AUTODETECT, { routes: [defaultRoute(200, 'eth0'), defaultRoute(100, 'eth1')] }),
    '192.0.2.1/25',
  );
  t.is(choice(AUTODETECT, { routes: [defaultRoute(0, 'eth0'), defaultRoute(100, 'eth1')] }), '10.0.0.1/24');
});

test('several legs, or several default routes of one metric: refused with the candidates', t => {
  t.deepEqual(choice(AUTODETECT, { routes: [defaultRoute(100, 'eth0', 'eth1')] }), all);
  t.deepEqual(choice(AUTODETECT, { routes: [defaultRoute(0, 'eth0'), defaultRoute(0, 'eth1')] }), all);
  t.is(choice(AUTODETECT, { routes: [defaultRoute(0, 'eth0', 'eth0')] }), '10.0.0.1/24');
});

test('no default route: the only address, else refused', t => {
  t.deepEqual(choice(AUTODETECT, { routes: [] }), all);
  t.is(choice(AUTODETECT, { routes: [], addresses: host.addresses.slice(0, 2) }), '10.0.0.1/24');
  t.deepEqual(choice(AUTODETECT, { routes: [], addresses: [] }), []);
  // A blackhole leads nowhere.
  t.deepEqual(choice(AUTODETECT, { routes: [defaultRoute(0)] }), all);
});

test('the address of a tunnel of ours is none of the node’s', t => {
  const addresses = [...host.addresses.slice(0, 2), address('margay.vxlan', '10.65.0.0/32')];
  t.is(choice(AUTODETECT, { routes: [], addresses }), '10.0.0.1/24');
});

test('an interface with several addresses, or none, is refused with the candidates', t => {
  const addresses = [...host.addresses, address('eth1', '198.51.100.1/24')];
  t.deepEqual(choice(AUTODETECT, { addresses }), [...all, '198.51.100.1/24 eth1']);
  t.deepEqual(choice(AUTODETECT, { addresses: host.addresses.slice(0, 2) }), ['10.0.0.1/24 eth0']);
});

test('secondary, link-local and IPv6 addresses are none, nor those of links that are down', t => {
  const more = [
    address('eth1', '192.0.2.2/25', { flags: SECONDARY }),
    address('eth1', '169.254.0.9/16', { scope: LINK_SCOPE }),
    address('eth1', '2001:db8::1/64'),
  ];
  t.is(choice(AUTODETECT, { addresses: [...host.addresses, ...more] }), '192.0.2.1/25');
  const links = host.links.map(one => (one.name === 'docker0' ? { ...one, up: false } : one));
  t.deepEqual(choice(AUTODETECT, { links, routes: [] }), all.slice(0, 2));
});

test('a configured interface', t => {
  t.is(choice({ kind: 'interface', name: 'eth0' }), '10.0.0.1/24');
  t.deepEqual(choice({ kind: 'interface', name: 'eth7' }), all);
  t.deepEqual(choice({ kind: 'interface', name: 'lo' }), all);
});

test('a configured address: with its length, with that of the interface, or refused where nobody knows it', t => {
  const wish = (text: string, prefixLength?: number): AddressWish => ({
    kind: 'address',
    address: text as never,
    prefixLength,
  });
  t.is(choice(wish('10.0.0.1')), '10.0.0.1/24');
  t.is(choice(wish('10.0.0.1', 16)), '10.0.0.1/16');
  // Behind a load balancer, say.
  t.is(choice(wish('203.0.113.1', 32)), '203.0.113.1/32');
  t.deepEqual(choice(wish('203.0.113.1')), all);
});

// ---------------------------------------------------------------- IPv6

const [TEMPORARY, DAD_FAILED, DEPRECATED, TENTATIVE] = [0x01, 0x08, 0x20, 0x40];

function ipv6Default(...through: readonly string[]): Route {
  const route = defaultRoute(1024, ...through);
  return { ...route, destination: '::/0' as never };
}

function ipv6Choice(
  wish: AddressWish,
  addresses: readonly InterfaceAddress[],
  routes: readonly Route[] = [],
) {
  return chooseNodeAddress({ ...host, addresses: [...host.addresses, ...addresses], routes }, 'ipv6', wish);
}

test("IPv6: the default route's interface has it, and none that is there for a while only", t => {
  const addresses = [
    address('eth0', 'fd00::1/64'),
    address('eth1', 'fe80::1/64', { scope: LINK_SCOPE }),
    address('eth1', '2001:db8::1/64', { flags: TENTATIVE }),
    address('eth1', '2001:db8::7/64', { flags: TEMPORARY }),
    address('eth1', '2001:db8::8/64', { flags: DEPRECATED }),
    address('eth1', '2001:db8::9/64', { flags: DAD_FAILED }),
  ];
  const found = ipv6Choice(AUTODETECT, addresses, [defaultRoute(0, 'eth0'), ipv6Default('eth1')]);
  t.like(found, { kind: 'chosen', address: '2001:db8::1/64' });
  t.like(ipv6Choice(AUTODETECT, addresses.slice(0, 1)), { kind: 'chosen', address: 'fd00::1/64' });
});

test('IPv6: nobody is asked to act where there is none, and told why where there are several', t => {
  t.deepEqual(ipv6Choice(AUTODETECT, []), { kind: 'none', reason: '' });
  const several = ipv6Choice(AUTODETECT, [address('eth0', 'fd00::1/64'), address('eth1', 'fd01::1/64')]);
  t.is(several.kind, 'none');
  t.regex(several.reason, /fd00::1\/64 \(eth0\), fd01::1\/64 \(eth1\)/);
});

test('IPv6: what is configured and not there is refused', t => {
  const one = [address('eth0', 'fd00::1/64')];
  t.like(ipv6Choice({ kind: 'interface', name: 'eth0' }, one), { kind: 'chosen', address: 'fd00::1/64' });
  t.is(ipv6Choice({ kind: 'interface', name: 'eth1' }, one).kind, 'refused');
  const wish = { kind: 'address', address: 'fd09::1' as never } as const;
  t.is(ipv6Choice({ ...wish, prefixLength: undefined }, one).kind, 'refused');
  t.like(ipv6Choice({ ...wish, prefixLength: 56 }, one), { address: 'fd09::1/56' });
});

test('off is no address, for either family', t => {
  for (const family of ['ipv4', 'ipv6'] as const)
    t.is(chooseNodeAddress(host, family, { kind: 'off' }).kind, 'none');
});
