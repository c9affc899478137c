/**
 * SHELL: a request for addresses served: what its handle has already counts, the rest is taken from one block after the other. All of it is
 * given, or nothing: what was taken for a request that cannot be served whole goes back.
 */
import { type AddressFamily, addressFamily } from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixLength, prefixOf } from '../core/prefix.js';
import { type Affinity, isConfirmed } from './affinities.js';
import { allocationOf } from './block.js';
import { adoptBlock, claimBlock } from './claims.js';
import { type IpamContext, Unavailable } from './context.js';
import { blocksOfHandle } from './handles.js';
import { choosePools, familyWords } from './pools.js';
import type { AllocationOutcome, AllocationRequest, GivenAddress } from './request.js';
import { noneWords, ownBlocks, sourceBlocks } from './sources.js';
import { confirmTaken, otherUsers, readBlock, releaseFrom, takeFrom } from './take.js';

type Taken = { readonly addresses: readonly GivenAddress[]; readonly reasons: readonly string[] };

const families = ['ipv4', 'ipv6'] as const satisfies readonly AddressFamily[];

export async function allocate(context: IpamContext, request: AllocationRequest): Promise<AllocationOutcome> {
  try {
    return await serve(context, request);
  } catch (error) {
    if (error instanceof Unavailable)
      return { kind: 'unavailable', detail: error.message, reminder: error.reminder };
    throw error;
  }
}

async function serve(context: IpamContext, request: AllocationRequest): Promise<AllocationOutcome> {
  const before = await givenBefore(context, request.handle);
  const elsewhere = before.filter(({ node }) => node !== request.node);
  if (elsewhere.length > 0)
    return { kind: 'none', reasons: elsewhere.map(each => otherHostWords(request, each)) };
  const given: GivenAddress[] = [];
  const added: GivenAddress[] = [];
  const reasons: string[] = [];
  for (const family of families) {
    const had = before.filter(
      ({ address }) => addressFamily(address) === family && isWanted(request, address),
    );
    const wanted = request.count[family];
    const { addresses, reasons: why } =
      had.length >= wanted
        ? { addresses: [], reasons: [] }
        : await take(context, request, family, wanted - had.length);
    added.push(...addresses);
    given.push(...had.slice(0, wanted), ...addresses);
    if (had.length + addresses.length < wanted) reasons.push(...noneWords(family, why));
  }
  if (reasons.length === 0) return { kind: 'given', addresses: given };
  await giveBack(context, request, added);
  return { kind: 'none', reasons: [...new Set(reasons)] };
}

function otherHostWords({ handle }: AllocationRequest, { address, node }: GivenAddress): string {
  return `handle ${handle} has ${address} on ${node}: release it first`;
}

/** Everything that a handle has, by its record and by that of the host. @throws Unavailable */
export async function givenBefore(context: IpamContext, handle: string): Promise<readonly GivenAddress[]> {
  const given: GivenAddress[] = [];
  for (const cidr of await blocksOf(context, handle))
    given.push(...(await confirmTaken(context, handle, cidr)));
  return given;
}

/** Where addresses of a handle may be. @throws Unavailable */
export async function blocksOf(context: IpamContext, handle: string): Promise<readonly Prefix[]> {
  const known = [...context.durable.record.allocations.values()].filter(kept => kept.handle === handle);
  const noted = (await blocksOfHandle(context.store, handle)) ?? [];
  return [...new Set([...noted, ...known.map(({ block }) => block)])];
}

function isWanted({ address: wanted }: AllocationRequest, address: string): boolean {
  return wanted === undefined || wanted === address;
}

async function take(
  context: IpamContext,
  request: AllocationRequest,
  family: AddressFamily,
  count: number,
): Promise<Taken> {
  if (request.address !== undefined) return await takeExactly(context, request, request.address);
  const reasons: string[] = [];
  const addresses: GivenAddress[] = [];
  for await (const cidr of sourceBlocks(context, request, family, reasons)) {
    addresses.push(...(await takeFrom(context, request, cidr, count - addresses.length)));
    if (addresses.length === count) break;
  }
  return { addresses, reasons };
}

/** Reserved addresses and those that cool down, too: whoever names one knows why. */
async function takeExactly(
  context: IpamContext,
  request: AllocationRequest,
  address: NonNullable<AllocationRequest['address']>,
): Promise<Taken> {
  const family = addressFamily(address);
  const none = (...reasons: string[]) => ({ addresses: [], reasons });
  const { pools, reasons } = choosePools(
    context.documents,
    { ...request, pools: request.pools ?? allPools(context) },
    family,
  );
  const pool = pools.find(({ cidr }) => prefixContainsAddress(cidr, address));
  const written = context.documents.affinities
    .filter(({ cidr }) => prefixContainsAddress(cidr, address))
    .toSorted((a, b) => prefixLength(b.cidr) - prefixLength(a.cidr))[0];
  // A tunnel's address serves out of any block of the host, also one that no pool has.
  const isElsewhere = request.use === 'Tunnel' && written?.node === request.node;
  const prefix = written?.cidr ?? (pool === undefined ? undefined : prefixOf(address, pool.blockSize));
  if (prefix === undefined || (pool === undefined && !isElsewhere)) {
    return none(`no ${familyWords[family]} pool that gives addresses contains ${address}`, ...reasons);
  }
  const users = otherUsers(context, request, address);
  if (users.length > 0) return none(`${address} is in use by ${users.join(' and ')}`);
  const why =
    written === undefined || written.node === request.node
      ? await own(context, request, prefix)
      : await others(context, written);
  if (why !== undefined) return none(`${address}: ${why}`);
  const addresses = await takeFrom(context, request, prefix, 1);
  if (addresses.length > 0) return { addresses, reasons: [] };
  const block = await readBlock(context, prefix);
  const stored = block === undefined ? undefined : allocationOf(block, address);
  const holder = stored ?? context.durable.record.allocations.get(address);
  if (holder !== undefined) return none(`${address} is in use by handle ${holder.handle} on ${holder.node}`);
  return none(`${address} is in block ${prefix} of ${block?.node ?? 'nobody'}, and strictAffinity is true`);
}

/** The block of an address becomes the node's, where it is nobody's. @returns why the node may not have an address of it */
async function own(
  context: IpamContext,
  { node }: AllocationRequest,
  cidr: Prefix,
): Promise<string | undefined> {
  const { autoAllocateBlocks, maxBlocksPerHost } = context.documents.configuration;
  const mine = ownBlocks(context, node);
  const block = await readBlock(context, cidr);
  if (block?.node !== undefined && (block.node !== node || mine.includes(cidr))) return undefined;
  if (!mine.includes(cidr)) {
    if (!autoAllocateBlocks) return `its block ${cidr} is nobody's, and autoAllocateBlocks is false`;
    if (mine.length >= maxBlocksPerHost)
      return `its block ${cidr} is nobody's, and ${node} has ${mine.length} blocks already (maxBlocksPerHost)`;
  }
  // Whoever has it now, the address may be borrowed from.
  await claimBlock(context, node, cidr);
  return undefined;
}

/** The block of an address is another host's: its record is made where a person gave it and nobody has asked yet. */
async function others(context: IpamContext, affinity: Affinity): Promise<string | undefined> {
  const { node, cidr } = affinity;
  if (!isConfirmed(affinity)) return `${node}'s claim on its block ${cidr} is ${affinity.state}`;
  if ((await readBlock(context, cidr)) === undefined) await adoptBlock(context, node, cidr);
  return undefined;
}

function allPools({ documents }: IpamContext): readonly string[] {
  return documents.pools.map(({ metadata }) => metadata.name);
}

async function giveBack(
  context: IpamContext,
  { handle }: AllocationRequest,
  added: readonly GivenAddress[],
): Promise<void> {
  for (const { address, block, sequence } of added) {
    await releaseFrom(
      context,
      block,
      allocation =>
        allocation.handle === handle && allocation.address === address && allocation.sequence === sequence,
    );
  }
}
