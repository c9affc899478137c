import test from 'ava';
import { uplinksOf } from '../../ipip/uplinks.js';
import type { InterfaceAddress } from '../../linux/netlink/address.js';
import type { Link } from '../../linux/netlink/link.js';
import { routeOf } from '../support/fake-kernel.js';

const names = ['lo', 'eth0', 'eth1', 'eth2', 'cali0'];
const links = names.map((name, i) => ({ name, ifindex: i + 1, loopback: name === 'lo' }) as Link);
const [RA, PERMANENT] = [9, 0x80];

function by(destination: string, ifindex: number, protocol = 3) {
  const nextHops = [{ gateway: undefined, ifindex, onlink: false, weight: 1, dead: false }];
  return routeOf(destination, { nextHops, protocol });
}

const address = (text: string, ifindex: number, flags: number, scope = 0) =>
  ({ address: text, ifindex, flags, scope, prefixLength: 64 }) as InterfaceAddress;

test('uplinks are what a router has told of, what has an address with a lifetime, and where default routes lead', t => {
  const routes = [by('::/0', 2, RA), by('0.0.0.0/0', 3), by('fd10::2/128', 5), by('fe80::/64', 5)];
  const addresses = [
    address('fd00::1', 4, 0),
    address('fd10::1', 5, PERMANENT),
    address('fe80::5', 5, 0, 253),
    address('::1', 1, 0),
  ];
  t.deepEqual(uplinksOf({ links, addresses, routes }), ['eth0', 'eth1', 'eth2']);
  t.deepEqual(uplinksOf({ links, addresses: [], routes: [] }), []);
});
