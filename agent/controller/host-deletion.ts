/**
 * SHELL: a host deleted from the cluster with all that it had, one document after the other. Whoever is stopped in between is followed by
 * the next, who finds what is left by the host's lease.
 */
import type { Resource, ResourceId } from '../../core/resources/resource.js';
import { formatResourceId, resourceIdOf } from '../../core/resources/resource.js';
import type { Store, StoreError } from '../../store/port.js';
import { describeStoreError } from '../../store/results.js';
import { nodeLeaseName } from '../lease/lease-document.js';

/** Each with what it waits for. */
export const deletionOrder = [
  ['WorkloadEndpoint', 'nobody is to be sent to a workload whose address is about to be given to another'],
  ['addresses', 'they go back to their pools when no document says any more who has them'],
  ['BlockAffinity', 'a block is given to another host when nothing in it is in use'],
  ['NodeStatus', 'it says nothing without a Node'],
  ['NodeReport', 'the same'],
  ['Node', 'peers let go of a host of which nothing else is left'],
  ['Lease', 'last: by it whoever goes on after an interruption knows that the host was one of the cluster'],
] as const;

type Step = (typeof deletionOrder)[number][0];

export interface HostDeletion {
  readonly store: Store;
  readonly node: string;
  /** Gives back what the host has of addresses and blocks; resolves to how many addresses that were. @throws Error what is in the way */
  readonly releaseAddresses: (node: string) => Promise<number>;
  /** Asked before each step; a reason to stop, in words. */
  readonly stopped: () => Promise<string | undefined>;
  /** Another one is left as it is: the lease of a host that is still to hear of it. */
  readonly keepLease?: boolean;
}

export interface Deleted {
  readonly kind: string;
  readonly count: number;
}

export interface DeletionResult {
  /** In the order in which it was done. */
  readonly deleted: readonly Deleted[];
  /** Why it was not done to the end; undefined: it was. */
  readonly problem: string | undefined;
}

export async function deleteHost(deletion: HostDeletion): Promise<DeletionResult> {
  const deleted: Deleted[] = [];
  for (const [step] of deletionOrder) {
    if (step === 'Lease' && deletion.keepLease === true) continue;
    const problem = await deletion.stopped();
    if (problem !== undefined) return { deleted, problem };
    try {
      const count = await take(step, deletion);
      if (count > 0) deleted.push({ kind: step, count });
    } catch (error) {
      return { deleted, problem: (error as Error).message };
    }
  }
  return { deleted, problem: undefined };
}

async function take(step: Step, { store, node, releaseAddresses }: HostDeletion): Promise<number> {
  switch (step) {
    case 'addresses':
      return await releaseAddresses(node);
    case 'WorkloadEndpoint':
    case 'BlockAffinity':
      return await deleteAll(store, step, node);
    case 'NodeStatus':
    case 'NodeReport':
    case 'Node':
      return await deleteOne(store, { kind: step, name: node }, () => true);
    case 'Lease':
      return await deleteOne(store, { kind: step, name: nodeLeaseName(node) }, () => true);
  }
}

async function deleteAll(
  store: Store,
  kind: 'WorkloadEndpoint' | 'BlockAffinity',
  node: string,
): Promise<number> {
  const listed = await store.list(kind);
  if (listed.kind === 'error') throw new Error(describeStoreError(listed.error));
  const isOfHost = (resource: Resource) =>
    (resource.kind === 'WorkloadEndpoint' || resource.kind === 'BlockAffinity') &&
    resource.spec.node === node;
  let count = 0;
  for (const { resource } of listed.value) {
    if (isOfHost(resource)) count += await deleteOne(store, resourceIdOf(resource), isOfHost);
  }
  return count;
}

/** What has become another host's meanwhile stays. */
async function deleteOne(
  store: Store,
  id: ResourceId,
  isMeant: (resource: Resource) => boolean,
): Promise<number> {
  for (;;) {
    const found = await store.get(id);
    if (found.kind === 'error') {
      if (found.error.kind === 'not-found') return 0;
      throw failed(id, found.error);
    }
    if (!isMeant(found.value.resource)) return 0;
    const result = await store.delete(id, found.value.revision);
    if (result.kind === 'ok') return 1;
    if (result.error.kind === 'not-found') return 0;
    // The lease alone is written again and again: by a host that is back.
    if (result.error.kind !== 'conflict' || id.kind === 'Lease') throw failed(id, result.error);
  }
}

function failed(id: ResourceId, error: StoreError): Error {
  return new Error(`${formatResourceId(id)}: ${describeStoreError(error)}`);
}
