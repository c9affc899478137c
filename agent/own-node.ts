/**
 * This host's own Node document: made where there is none, also when it is deleted under a running agent; its address put right where
 * it was detected. Everything else in it is its author's.
 */
import { CALICO_API, type NodeResource, type Resource } from '../core/resources/resource.js';
import type { Store, StoreError } from '../store/port.js';
import { afterChange, type ResourceChange } from './calculators/calculator.js';
import type { NodeAddressChoice } from './node-address.js';

/** The document as it should be: the author's, with the address. */
export function ownNode(found: NodeResource | undefined, nodeName: string, address: string): NodeResource {
  const node: NodeResource = found ?? {
    apiVersion: CALICO_API,
    kind: 'Node',
    metadata: { name: nodeName, labels: {}, annotations: {} },
    spec: {},
  };
  return { ...node, spec: { ...node.spec, bgp: { ...node.spec.bgp, ipv4Address: address } } };
}

/**
 * What a change to a Node means for the host that it is of: deleted, or without an address, it is in force as it should be, so that
 * sessions live on while the store is put right; any other address is its author's will. Undefined if there is nothing to put right.
 */
export function mendedNode(
  change: ResourceChange,
  nodeName: string,
  choice: NodeAddressChoice,
): NodeResource | undefined {
  const { id, resource } = afterChange(change);
  if (id.kind !== 'Node' || id.name !== nodeName || choice.kind === 'refused') return undefined;
  const found = resource?.kind === 'Node' ? resource : undefined;
  return found?.spec.bgp?.ipv4Address === undefined ? ownNode(found, nodeName, choice.address) : undefined;
}

/** The document where it was written anew, undefined where it is right as it is, else what is wrong, in words. */
export async function ensureOwnNode(
  store: Store,
  nodeName: string,
  choice: NodeAddressChoice & { kind: 'chosen' },
): Promise<Resource | string | undefined> {
  const found = await store.get({ kind: 'Node', name: nodeName });
  if (found.kind === 'ok') {
    const { resource, revision } = found.value;
    if (resource.kind !== 'Node' || resource.spec.bgp?.ipv4Address === choice.address) return undefined;
    return outcomeOf(await store.update(ownNode(resource, nodeName, choice.address), revision));
  }
  if (found.error.kind !== 'not-found') return describeStoreError(found.error);
  return outcomeOf(await store.create(ownNode(undefined, nodeName, choice.address)));
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
