/**
 * This host's own Node document: made where there is none, its address put right where it was detected. Everything else in it is its
 * author's.
 */
import { CALICO_API, type NodeResource } from '../core/resources/resource.js';
import type { Store, StoreError } from '../store/port.js';
import type { NodeAddressChoice } from './node-address.js';

/** Undefined if all is well, else what is wrong, in words. Tried again with the next change of the store. */
export async function ensureOwnNode(
  store: Store,
  nodeName: string,
  choice: NodeAddressChoice & { kind: 'chosen' },
): Promise<string | undefined> {
  const id = { kind: 'Node', name: nodeName } as const;
  const found = await store.get(id);
  if (found.kind === 'ok') {
    const { resource, revision } = found.value;
    if (resource.kind !== 'Node' || resource.spec.bgp?.ipv4Address === choice.address) return undefined;
    const updated: NodeResource = {
      ...resource,
      spec: { ...resource.spec, bgp: { ...resource.spec.bgp, ipv4Address: choice.address } },
    };
    return problemOf(await store.update(updated, revision));
  }
  if (found.error.kind !== 'not-found') return describeStoreError(found.error);
  const created: NodeResource = {
    apiVersion: CALICO_API,
    kind: 'Node',
    metadata: { name: nodeName, labels: {}, annotations: {} },
    spec: { bgp: { ipv4Address: choice.address } },
  };
  return problemOf(await store.create(created));
}

function problemOf(result: Awaited<ReturnType<Store['create']>>): string | undefined {
  if (result.kind === 'ok') return undefined;
  // Somebody else was quicker: the change that they made will come to us.
  if (result.error.kind === 'already-exists' || result.error.kind === 'conflict') return undefined;
  return describeStoreError(result.error);
}

/** One sentence for people. */
export function describeStoreError(error: StoreError): string {
  switch (error.kind) {
    case 'already-exists':
      return 'it exists already';
    case 'not-found':
      return 'there is none of that name';
    case 'conflict':
      return 'somebody else has changed it meanwhile: read it again';
    case 'unavailable':
      return `${error.operation}: ${error.detail}`;
  }
}
