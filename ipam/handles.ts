/**
 * SHELL: the records of handles: in which blocks a handle's addresses may be. One is written before an address of the block is given out, and
 * removed after the last one is back: so nothing is ever given out that its handle does not lead to.
 */
import type { Prefix } from '../core/prefix.js';
import type { IPAMHandleResource } from '../core/resources/cluster-documents.js';
import { MARGAY_API } from '../core/resources/resource.js';
import type { Store } from '../store/port.js';
import { certain, Unavailable } from './context.js';
import { modify } from './modify.js';
import { handleId, handleName } from './names.js';

/** Undefined: there is none. @throws Unavailable */
export async function blocksOfHandle(store: Store, handle: string): Promise<readonly Prefix[] | undefined> {
  const found = await store.get(handleId(handle));
  if (found.kind === 'ok')
    return (found.value.resource as IPAMHandleResource).spec.blocks.map(({ cidr }) => cidr);
  if (found.error.kind === 'unavailable') throw new Unavailable(found.error.detail);
  return undefined;
}

/** @throws Unavailable */
export async function noteBlocks(store: Store, handle: string, cidrs: readonly Prefix[]): Promise<void> {
  certain(
    await modify<IPAMHandleResource>(store, handleId(handle), (found, uncertain) => {
      const known = found?.spec.blocks.map(({ cidr }) => cidr) ?? [];
      const missing = cidrs.filter(cidr => !known.includes(cidr));
      if (missing.length === 0 && !uncertain) return { kind: 'leave' };
      return { kind: 'put', resource: handleResource(handle, [...known, ...missing]) };
    }),
  );
}

/** The handle goes with the last of its blocks. @throws Unavailable */
export async function forgetBlocks(store: Store, handle: string, cidrs: readonly Prefix[]): Promise<void> {
  certain(
    await modify<IPAMHandleResource>(store, handleId(handle), found => {
      if (found === undefined) return { kind: 'leave' };
      const left = found.spec.blocks.map(({ cidr }) => cidr).filter(cidr => !cidrs.includes(cidr));
      if (left.length === 0) return { kind: 'delete' };
      if (left.length === found.spec.blocks.length) return { kind: 'leave' };
      return { kind: 'put', resource: handleResource(handle, left) };
    }),
  );
}

function handleResource(handle: string, cidrs: readonly Prefix[]): IPAMHandleResource {
  const metadata = { name: handleName(handle), labels: {}, annotations: {} };
  const blocks = cidrs.map(cidr => ({ cidr }));
  return { apiVersion: MARGAY_API, kind: 'IPAMHandle', metadata, spec: { handle, blocks } };
}
