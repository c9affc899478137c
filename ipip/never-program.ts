/** Best routes that must not reach the kernel, and why (pure). */
import type { IpAddress } from '../core/ip-address.js';
import { addressBits } from '../core/ip-address.js';
import {
  type Prefix,
  prefixContains,
  prefixContainsAddress,
  prefixFamily,
  prefixLength,
} from '../core/prefix.js';
import type { Encapsulation, RouteRefusal } from './desired.js';

export interface Surroundings {
  readonly ownBlocks: readonly Prefix[];
  /** Prefixes of this host's interfaces, with the interface's name. */
  readonly connected: ReadonlyMap<Prefix, string>;
  /** Addresses of peers and nodes: what carries them must not itself be carried. */
  readonly underlayAddresses: readonly IpAddress[];
}

export function refusal(
  destination: Prefix,
  encapsulation: Encapsulation,
  surroundings: Surroundings,
): RouteRefusal | undefined {
  const host = prefixLength(destination) === addressBits(prefixFamily(destination));
  // A single address of ours that another host announces is borrowed or has moved there.
  const block = host ? undefined : surroundings.ownBlocks.find(own => prefixContains(own, destination));
  if (block !== undefined) return { kind: 'inside-own-block', block };
  const interfaceName = surroundings.connected.get(destination);
  if (interfaceName !== undefined) return { kind: 'equals-connected-prefix', interfaceName };
  if (encapsulation === 'none') return undefined;
  const address = surroundings.underlayAddresses.find(one => prefixContainsAddress(destination, one));
  return address === undefined ? undefined : { kind: 'would-carry-peer-address', address };
}
