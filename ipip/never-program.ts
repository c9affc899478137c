/** Best routes that must not reach the kernel, and why (pure). */
import { addressBits, type IpAddress, withoutZone } from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixFamily, prefixLength } from '../core/prefix.js';
import type { CoveringPrefixes } from './covering-prefixes.js';
import type { RouteRefusal } from './desired.js';

export interface Surroundings {
  readonly ownBlocks: CoveringPrefixes<Prefix>;
  /** Prefixes of this host's interfaces, with the interface's name. */
  readonly connected: ReadonlyMap<Prefix, string>;
  /** Addresses of peers and nodes: what carries them must not itself be carried. */
  readonly underlayAddresses: readonly IpAddress[];
}

/** @param tunnelledTo other ends of the tunnels that the route's packets would leave by; none: they leave plainly */
export function refusal(
  destination: Prefix,
  tunnelledTo: readonly IpAddress[],
  { ownBlocks, connected, underlayAddresses }: Surroundings,
): RouteRefusal | undefined {
  // A single address of ours that another host announces is borrowed or has moved there.
  const block = isHostPrefix(destination) ? undefined : ownBlocks.covering(destination);
  if (block !== undefined) return { kind: 'inside-own-block', block };
  const interfaceName = connected.get(destination);
  if (interfaceName !== undefined) return { kind: 'equals-connected-prefix', interfaceName };
  if (tunnelledTo.length === 0) return undefined;
  const carries = (one: IpAddress) => prefixContainsAddress(destination, one);
  const address = tunnelledTo.map(withoutZone).find(carries) ?? underlayAddresses.find(carries);
  return address === undefined ? undefined : { kind: 'would-carry-peer-address', address };
}

/** A /32 or /128. */
export function isHostPrefix(prefix: Prefix): boolean {
  return prefixLength(prefix) === addressBits(prefixFamily(prefix));
}
