/** SHELL: takes away what was enforced on this host: it is switched off, or leaves for good. */
import type { Clock } from '../../core/clock.js';
import { undoFilter } from '../../policy/apply/apply-once.js';
import { filterCommands } from '../../policy/apply/commands.js';
import type { FilterKernel } from '../../policy/apply/kernel.js';
import { CHAIN_PREFIX, SET_PREFIX } from '../../policy/rendered.js';

export type FilterRemoval =
  | { readonly kind: 'nothing' | 'removed' }
  | { readonly kind: 'failed'; readonly problem: string };

/** @param kernel by default this host's */
export async function removeFilter(clock: Clock, kernel = filterCommands()): Promise<FilterRemoval> {
  if (!(await holdsOurs(kernel))) return { kind: 'nothing' };
  try {
    await undoFilter({ kernel, clock });
    return { kind: 'removed' };
  } catch (error) {
    return { kind: 'failed', problem: (error as Error).message };
  }
}

/** What cannot be read holds nothing: a host without iptables is none that we have written to. */
async function holdsOurs(kernel: FilterKernel): Promise<boolean> {
  const chain = new RegExp(`^:${CHAIN_PREFIX}`, 'm');
  for (const backend of ['nft', 'legacy'] as const) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      if (chain.test(await kernel.saveTables(backend, family).catch(() => ''))) return true;
    }
  }
  return new RegExp(`^create ${SET_PREFIX}`, 'm').test(await kernel.saveSets().catch(() => ''));
}
