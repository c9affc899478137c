/**
 * Whether this host may announce itself by an address that other nodes have, too (pure). The one that came second does not: it would take
 * the first one's sessions and routes away. Who has announced itself by the address is the first to whoever has not; between two that
 * both have, the older claim counts. A host that nobody has seen renew its lease for as long as that lasts is in nobody's way.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { isLapsed, type LeaseSight } from './lease-sight.js';

export interface AddressClaim {
  readonly node: string;
  /** Of its host. */
  readonly instance: string;
  readonly address: IpAddress;
  /** Its own Node says so already. */
  readonly established: boolean;
  /** By its lease; undefined: it does not stand there. */
  readonly sinceUnixMs: number | undefined;
}

/** Another node with the same address. */
export interface AddressRival {
  readonly node: string;
  /** Of its name: `none`, where it has none (written by hand, or of another kind of agent); undefined: it could not be read yet. */
  readonly lease: LeaseSight | 'none' | undefined;
}

export type AddressMove = 'announce' | 'wait' | 'refuse';

export function addressMove(claim: AddressClaim, rival: AddressRival): AddressMove {
  const { lease } = rival;
  if (lease === 'none') return claim.established ? 'announce' : 'refuse';
  if (lease === undefined) return claim.established ? 'announce' : 'wait';
  // Silent, or this host under the name that it had before.
  if (isLapsed(lease) || (lease.spec.instance === claim.instance && !lease.renewed)) return 'announce';
  if (!claim.established) return lease.renewed ? 'refuse' : 'wait';
  return lease.renewed && isOlder(claim, rival.node, lease) ? 'refuse' : 'announce';
}

function isOlder({ node, address, sinceUnixMs }: AddressClaim, rival: string, { spec }: LeaseSight): boolean {
  const theirs = spec.addresses?.find(one => one.address === address)?.sinceUnixMs;
  if (theirs === undefined) return false;
  if (sinceUnixMs === undefined || theirs === sinceUnixMs) return rival < node;
  return theirs < sinceUnixMs;
}
