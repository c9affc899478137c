/** SHELL: whether a host that is being deleted has come back meanwhile: its lease is not as it was. */
import type { Store } from '../../store/port.js';
import { describeStoreError } from '../../store/results.js';
import { nodeLeaseName } from '../lease/lease-document.js';

/** To be asked before each step: a reason to stop, in words. */
export async function leaseGuard(store: Store, node: string): Promise<() => Promise<string | undefined>> {
  const look = async () => {
    const found = await store.get({ kind: 'Lease', name: nodeLeaseName(node) });
    if (found.kind === 'ok') return { revision: found.value.revision };
    return found.error.kind === 'not-found'
      ? { revision: 'none' }
      : { problem: describeStoreError(found.error) };
  };
  const first = await look();
  return async () => {
    const now = await look();
    const problem = first.problem ?? now.problem;
    if (problem !== undefined) return `its lease cannot be read: ${problem}`;
    return now.revision === first.revision ? undefined : `${node} has come back: it has renewed its lease`;
  };
}
