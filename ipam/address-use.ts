/** Whether anybody is known to use an allocated address (pure). What nobody has said anything of counts as used. */
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';
import type { IpamDocuments } from './documents.js';
import { tunnelNode } from './names.js';
import { KEPT_BY, WORKLOAD_ATTRIBUTES } from './request.js';

export type AddressUse =
  /** By a document: an endpoint, or a node inside tunnels. */
  | 'used'
  /** Somebody keeps it, and gives it back himself. */
  | 'kept'
  /** Nothing says what it is for. */
  | 'unknown'
  /** It was given to a workload that has no endpoint. */
  | 'unused'
  /** Its host is gone for good. */
  | 'host-gone';

/** @param isGone that there is no such host any more, and not only that it is silent */
export function useOf(
  { address, handle, node, attributes }: IPAMAllocation,
  documents: IpamDocuments,
  isGone: (node: string) => boolean,
): AddressUse {
  if (attributes[KEPT_BY] !== undefined) return 'kept';
  const isLive = (host: string | undefined) => host === undefined || !isGone(host);
  if (documents.usersOf(address).some(user => isLive(documents.hostOf(user)))) return 'used';
  const tunnels = tunnelNode(handle);
  if (isGone(tunnels ?? node)) return 'host-gone';
  // It is written into the Node once it is given out.
  if (tunnels !== undefined) return 'used';
  return WORKLOAD_ATTRIBUTES.some(name => attributes[name] !== undefined) ? 'unused' : 'unknown';
}

export function isLeft(use: AddressUse): boolean {
  return use === 'unused' || use === 'host-gone';
}
