/**
 * How packets for a destination leave this host: a pure decision per next hop (the modes of Calico's IPPool).
 * Always: by tunnel; CrossSubnet: by tunnel unless the next hop is inside the node's own subnet; Never: plainly.
 */
import type { IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress } from '../core/prefix.js';
import type { Encapsulation, EncapsulationMode } from './desired.js';

export interface PoolModes {
  readonly cidr: Prefix;
  readonly ipipMode: EncapsulationMode;
  readonly vxlanMode: EncapsulationMode;
}

/**
 * @param pool that covers the destination; outside every pool a route goes in plainly
 * @param ownSubnet of the node's address; undefined: no next hop shares it
 */
export function encapsulationFor(
  pool: PoolModes | undefined,
  nextHop: IpAddress,
  ownSubnet: Prefix | undefined,
): Encapsulation {
  if (pool === undefined) return 'none';
  const applies = (mode: EncapsulationMode) => {
    switch (mode) {
      case 'Always':
        return true;
      case 'CrossSubnet':
        return ownSubnet === undefined || !prefixContainsAddress(ownSubnet, nextHop);
      case 'Never':
        return false;
    }
  };
  if (applies(pool.ipipMode)) return 'ipip';
  return applies(pool.vxlanMode) ? 'vxlan' : 'none';
}
