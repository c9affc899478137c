/**
 * Whether an address was ever in use by two at a time: by what allocators said, and by nothing that gives addresses out. From "has" to
 * "gives-back" a handle relies on its addresses, for sure; so whatever is found here is true.
 */
import type { LogEntry } from './allocator-log.js';

export interface Verdict {
  /** "ADDRESS: HANDLE and HANDLE". */
  readonly twice: readonly string[];
  /** Handles that were told other addresses than before while they had them. */
  readonly changed: readonly string[];
  readonly allocations: number;
  readonly releases: number;
  /** The most at a time. */
  readonly mostLive: number;
}

/** @param entries in the order of their times */
export function checkLive(entries: readonly LogEntry[]): Verdict {
  const holders = new Map<string, string>();
  const having = new Map<string, readonly string[]>();
  const twice: string[] = [];
  const changed: string[] = [];
  let [allocations, releases, mostLive] = [0, 0, 0];
  for (const { event, handle, addresses } of entries) {
    if (event === 'has') {
      const before = having.get(handle);
      if (before === undefined) allocations++;
      else if ([...before].sort().join() !== [...addresses].sort().join()) changed.push(handle);
      having.set(handle, addresses);
      for (const address of addresses) {
        const holder = holders.get(address);
        if (holder !== undefined && holder !== handle) twice.push(`${address}: ${holder} and ${handle}`);
        holders.set(address, handle);
      }
      mostLive = Math.max(mostLive, holders.size);
    } else if (event === 'gives-back') {
      if (having.delete(handle)) releases++;
      for (const address of addresses) if (holders.get(address) === handle) holders.delete(address);
    }
  }
  return { twice, changed, allocations, releases, mostLive };
}
