import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Encapsulation, EncapsulationMode } from '../../ipip/desired.js';
import { encapsulationFor } from '../../ipip/encapsulation.js';

const ownSubnet = '10.0.0.0/24' as Prefix;
const inside = '10.0.0.7' as IpAddress;
const outside = '10.0.1.7' as IpAddress;

/** ipipMode, vxlanMode: inside the own subnet, outside of it. */
const table: readonly (readonly [EncapsulationMode, EncapsulationMode, Encapsulation, Encapsulation])[] = [
  ['Never', 'Never', 'none', 'none'],
  ['Always', 'Never', 'ipip', 'ipip'],
  ['CrossSubnet', 'Never', 'none', 'ipip'],
  ['Never', 'Always', 'vxlan', 'vxlan'],
  ['Never', 'CrossSubnet', 'none', 'vxlan'],
];

for (const [ipipMode, vxlanMode, near, far] of table) {
  test(`IPIP ${ipipMode}, VXLAN ${vxlanMode}: ${near} inside the node's subnet, ${far} outside`, t => {
    const pool = { cidr: '10.244.0.0/16' as Prefix, ipipMode, vxlanMode };
    t.is(encapsulationFor(pool, inside, ownSubnet), near);
    t.is(encapsulationFor(pool, outside, ownSubnet), far);
    t.is(encapsulationFor(pool, inside, undefined), far, 'a subnet that is not known is not shared');
  });
}

test('outside every pool a route goes in plainly', t => {
  t.is(encapsulationFor(undefined, outside, ownSubnet), 'none');
});
