/**
 * This host's own Node document: made where there is none, its address put right where it was detected. Everything else in it is its
 * author's.
 */
import { CALICO_API, type NodeResource, type Resource } from '../core/resources/resource.js';
import type { Store, StoreError } from '../store/port.js';
import type { NodeAddressChoice } from './node-address.js';

/** The document where it was written anew, undefined where it is right as it is, else what is wrong, in words. */
export async function ensureOwnNode(
  store: Store,
  nodeName: string,
  choice: NodeAddressChoice & { kind: 'chosen' },
): Promise<Resource | string | undefined> {
  const id = { kind: 'Node', name: nodeName } as const;
  const found = await store.get(id);
  if (found.kind === 'ok') {
    const { resource, revision } = found.value;
    if (resource.kind !== 'Node' || resource.spec.bgp?.ipv4Address === choice.address) return undefined;
    const updated: NodeResource = {
      ...resource,
      spec: { ...resource.spec, bgp: { ...resource.spec.bgp, ipv4Address: choice.address } },
    };
    return outcomeOf(await store.update(updated, revision));
  }
  if (found.error.kind !== 'not-found') return describeStoreError(found.error);
  const created: NodeResource = {
    apiVersion: CALICO_API,
    kind: 'Node',
    metadata: { name: nodeName, labels: {}, annotations: {} },
    spec: { bgp: { ipv4Address: choice.address } },
  };
  return outcomeOf(await store.create(created));
}

function outcomeOf(result: Awaited<ReturnType<Store['create']>>): Resource | string | undefined {
  if (result.kind === 'ok') return result.value.resource;
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
