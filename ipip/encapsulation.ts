/**
 * How packets for a destination leave this host: a pure decision per next hop (the modes of Calico's IPPool).
 * Always: by tunnel; CrossSubnet: by tunnel unless the next hop is inside the node's own subnet; Never: plainly.
 */
import type { IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixContains, prefixContainsAddress, prefixLength } from '../core/prefix.js';
import type { Encapsulation, EncapsulationMode } from './desired.js';

export interface PoolModes {
  readonly cidr: Prefix;
  readonly ipipMode: EncapsulationMode;
  readonly vxlanMode: EncapsulationMode;
}

/** The most specific pool that covers a destination; outside every pool a route goes in plainly. */
export function poolOf(pools: readonly PoolModes[], destination: Prefix): PoolModes | undefined {
  let found: PoolModes | undefined;
  for (const pool of pools) {
    if (!prefixContains(pool.cidr, destination)) continue;
    if (found === undefined || prefixLength(pool.cidr) > prefixLength(found.cidr)) found = pool;
  }
  return found;
}

/** @param ownSubnet of the node's address; undefined: no next hop shares it */
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
