/**
 * SHELL: addresses taken out of one block, and given back: the handle's record first, the block's by compare-and-swap, then the host's own
 * record, and only then whoever asked hears of it.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { IPAMAllocation, IPAMBlockResource } from '../core/resources/cluster-documents.js';
import { allocationOf, type Block, blockResource, touched, withAllocations, withReleased } from './block.js';
import { certain, type IpamContext, keep, Unavailable } from './context.js';
import { excludedFrom } from './excluded.js';
import { freeAddresses } from './free-addresses.js';
import { forgetBlocks, noteBlocks } from './handles.js';
import type { RecordEntry } from './host-record.js';
import { modify } from './modify.js';
import { blockId, tunnelNode } from './names.js';
import type { AllocationRequest, GivenAddress } from './request.js';

/** Undefined: it has no record. @throws Unavailable */
export async function readBlock(
  { store }: Pick<IpamContext, 'store'>,
  cidr: Prefix,
): Promise<Block | undefined> {
  const found = await store.get(blockId(cidr));
  if (found.kind === 'ok') return (found.value.resource as IPAMBlockResource).spec;
  if (found.error.kind === 'unavailable') throw new Unavailable(found.error.detail);
  return undefined;
}

/**
 * What addresses the request gets out of the block, given as it is; an address that its handle has there already is not given again.
 * @param count at most
 */
export function takeable(
  context: IpamContext,
  request: AllocationRequest,
  block: Block,
  count: number,
): readonly IpAddress[] {
  const { documents, durable, nowUnixMs } = context;
  // What the store has forgotten and this host has not is no less in use.
  const isKept = (used: IpAddress) => {
    const kept = durable.record.allocations.get(used);
    return kept !== undefined && kept.handle !== request.handle;
  };
  if (block.node !== request.node && documents.configuration.strictAffinity) return [];
  const { address } = request;
  if (address !== undefined)
    return allocationOf(block, address) === undefined && !isKept(address) ? [address] : [];
  return freeAddresses(block, count, {
    nowUnixMs: nowUnixMs(),
    cooldownMs: documents.configuration.ipCooldownSeconds * 1000,
    excluded: excludedFrom(documents, block.cidr),
    isUsed: used => isKept(used) || otherUsers(context, request, used).length > 0,
  });
}

/** @param have addresses that the handle has in this block already @returns those that it got @throws Unavailable */
export async function takeFrom(
  context: IpamContext,
  request: AllocationRequest,
  cidr: Prefix,
  count: number,
): Promise<readonly GivenAddress[]> {
  const { store, nowUnixMs } = context;
  const read = await readBlock(context, cidr);
  if (read === undefined || takeable(context, request, read, count).length === 0) return [];
  await noteBlocks(store, request.handle, [cidr]);
  const had = new Set(handleAddresses(read, request.handle));
  const { resource } = certain(
    await modify<IPAMBlockResource>(
      store,
      blockId(cidr),
      (found, uncertain) => {
        if (found === undefined) return { kind: 'leave' };
        // What a write of an unknown end gave is ours, and is written again to be sure.
        const got = handleAddresses(found.spec, request.handle).filter(address => !had.has(address)).length;
        const more = takeable(context, request, found.spec, count - got);
        if (more.length === 0 || count === got)
          return uncertain && got > 0
            ? { kind: 'put', resource: blockResource(touched(found.spec, nowUnixMs())) }
            : { kind: 'leave' };
        return {
          kind: 'put',
          resource: blockResource(withAllocations(found.spec, more, request, nowUnixMs())),
        };
      },
      context.host,
    ),
  );
  const taken = (resource?.spec.allocations ?? []).filter(
    ({ address, handle }) => handle === request.handle && !had.has(address),
  );
  // Somebody else was quicker: the handle has nothing there.
  if (taken.length === 0 && had.size === 0) await forgetBlocks(store, request.handle, [cidr]);
  await remember(context, cidr, taken);
  return taken.map(({ address, node, sequence }) => ({ address, block: cidr, node, sequence }));
}

/** What the handle has in the block, known to be so by a write. @throws Unavailable */
export async function confirmTaken(
  context: IpamContext,
  handle: string,
  cidr: Prefix,
): Promise<readonly GivenAddress[]> {
  const { resource } = certain(
    await modify<IPAMBlockResource>(context.store, blockId(cidr), found =>
      found === undefined || handleAddresses(found.spec, handle).length === 0
        ? { kind: 'leave' }
        : { kind: 'put', resource: blockResource(touched(found.spec, context.nowUnixMs())) },
    ),
  );
  const taken = (resource?.spec.allocations ?? []).filter(allocation => allocation.handle === handle);
  await remember(context, cidr, taken);
  return taken.map(({ address, node, sequence }) => ({ address, block: cidr, node, sequence }));
}

/** Those of a block that `isReleased` says; their handles forget the block. @returns what was there @throws Unavailable */
export async function releaseFrom(
  context: IpamContext,
  cidr: Prefix,
  isReleased: (allocation: IPAMAllocation) => boolean,
): Promise<readonly IPAMAllocation[]> {
  const { store, nowUnixMs } = context;
  const gone = new Map<IpAddress, IPAMAllocation>();
  const { resource } = certain(
    await modify<IPAMBlockResource>(store, blockId(cidr), (found, uncertain) => {
      const wanted = found?.spec.allocations.filter(isReleased) ?? [];
      for (const allocation of wanted) gone.set(allocation.address, allocation);
      if (found === undefined || (wanted.length === 0 && !(uncertain && gone.size > 0)))
        return { kind: 'leave' };
      return { kind: 'put', resource: blockResource(withReleased(found.spec, isReleased, nowUnixMs())) };
    }),
  );
  const handles = new Set([...gone.values()].map(({ handle }) => handle));
  for (const handle of handles) {
    if (resource === undefined || handleAddresses(resource.spec, handle).length === 0)
      await forgetBlocks(store, handle, [cidr]);
  }
  await forget(context, [...gone.keys()]);
  return [...gone.values()];
}

async function remember(
  context: IpamContext,
  block: Prefix,
  allocations: readonly IPAMAllocation[],
): Promise<void> {
  const known = context.durable.record.allocations;
  const entries = allocations
    .filter(({ address, sequence }) => known.get(address)?.sequence !== sequence)
    .map((allocation): RecordEntry => ({ kind: 'allocated', allocation: { ...allocation, block } }));
  await keep(context, entries);
}

async function forget(context: IpamContext, addresses: readonly IpAddress[]): Promise<void> {
  const { record } = context.durable;
  const entries = addresses.flatMap((address): RecordEntry[] => [
    ...(record.allocations.has(address) ? [{ kind: 'released', address } as const] : []),
    ...(record.lost.has(address) ? [{ kind: 'settled', what: address } as const] : []),
  ]);
  await keep(context, entries);
}

/** Who has it by a document, other than the handle itself. */
export function otherUsers(
  { documents }: IpamContext,
  { handle }: AllocationRequest,
  address: IpAddress,
): readonly string[] {
  const node = tunnelNode(handle);
  return documents.usersOf(address).filter(user => node === undefined || user !== `Node/${node}`);
}

function handleAddresses(block: Block, handle: string): readonly IpAddress[] {
  return block.allocations.filter(allocation => allocation.handle === handle).map(({ address }) => address);
}
