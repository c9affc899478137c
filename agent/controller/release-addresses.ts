/** What address management holds for a host that is deleted. */
import { releaseHost } from '../../ipam/release-host.js';
import type { Store } from '../../store/port.js';

/** Resolves to how many addresses were given back. @throws Error what is in the way */
export function releaseAddressesOf(store: Store, node: string): Promise<number> {
  return releaseHost(store, node, Date.now);
}
