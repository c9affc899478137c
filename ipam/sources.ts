/**
 * SHELL: the blocks out of which a request may be served, best first: the node's own, then new ones that it claims, then, where that is
 * allowed, those of other hosts. Why a source has run dry is said in words.
 */
import type { AddressFamily } from '../core/ip-address.js';
import { type Prefix, prefixContains, prefixFamily } from '../core/prefix.js';
import type { IPPoolResource } from '../core/resources/resource.js';
import { isConfirmed } from './affinities.js';
import { freeBlocks, hostOrder } from './block-order.js';
import { adoptBlock, claimBlock } from './claims.js';
import type { IpamContext } from './context.js';
import { isReserved } from './excluded.js';
import { choosePools, familyWords } from './pools.js';
import type { AllocationRequest } from './request.js';

/** Blocks of others that one request looks into. */
const MOST_BORROWED_FROM = 256;

type Pool = IPPoolResource['spec'];

/** @param reasons is added to while the sources are gone through @throws Unavailable */
export async function* sourceBlocks(
  context: IpamContext,
  request: AllocationRequest,
  family: AddressFamily,
  reasons: string[],
): AsyncGenerator<Prefix> {
  const { pools, reasons: refusals } = choosePools(context.documents, request, family);
  const own = ownBlocks(context, request.node);
  const fitting = own.filter(cidr => pools.some(pool => prefixContains(pool.cidr, cidr)));
  for (const cidr of fitting) if (await isOwned(context, request.node, cidr)) yield cidr;
  const claims = new Set<Prefix>();
  yield* newBlocks(context, request.node, pools, claims, reasons);
  const others = pools.length === 0 ? [] : borrowable(context, request, pools, reasons);
  for (const cidr of others) if (!claims.has(cidr)) yield cidr;
  if (request.use === 'Tunnel') yield* elsewhere(context, request, family, fitting);
  const { node } = request;
  if (fitting.length > 0) reasons.unshift(`${fitting.length} of ${node}'s own blocks have no free address`);
  reasons.push(...refusals);
}

/** Confirmed, and those that its record knows. In the order in which they are used. */
export function ownBlocks({ documents, durable, host }: IpamContext, node: string): readonly Prefix[] {
  const written = documents.affinitiesOf(node).filter(({ spec }) => isConfirmed(spec));
  const known = node === host ? [...durable.record.claims.keys()] : [];
  return [...new Set([...known, ...written.map(({ spec }) => spec.cidr)])];
}

/**
 * A person's block has a record from the first time on that an address of it is asked for. @returns false: the record says that it is
 * another's
 */
async function isOwned(context: IpamContext, node: string, cidr: Prefix): Promise<boolean> {
  if (node === context.host && context.durable.record.claims.has(cidr)) return true;
  return (await adoptBlock(context, node, cidr)).kind === 'claimed';
}

async function* newBlocks(
  context: IpamContext,
  node: string,
  pools: readonly Pool[],
  claims: Set<Prefix>,
  reasons: string[],
): AsyncGenerator<Prefix> {
  const { documents } = context;
  const { autoAllocateBlocks, maxBlocksPerHost } = documents.configuration;
  if (pools.length === 0) return;
  if (!autoAllocateBlocks) {
    reasons.push('no block is claimed by itself: autoAllocateBlocks is false');
    return;
  }
  for (const { cidr: pool, blockSize } of pools) {
    // Read when it is wanted: of what others claim meanwhile the watch tells.
    const taken = documents.affinities.map(({ cidr }) => cidr);
    for (const cidr of freeBlocks(pool, blockSize, node, [...taken, ...ownBlocks(context, node)])) {
      if (isReserved(documents, cidr)) continue;
      const had = new Set([...ownBlocks(context, node), ...claims]).size;
      if (had >= maxBlocksPerHost) {
        reasons.push(`${node} has ${had} blocks: more are not allowed (maxBlocksPerHost)`);
        return;
      }
      if ((await claimBlock(context, node, cidr)).kind === 'taken') continue;
      claims.add(cidr);
      yield cidr;
    }
    reasons.push(`no block of ${pool} is left to be claimed`);
  }
}

function borrowable(
  { documents }: IpamContext,
  { node, use }: AllocationRequest,
  pools: readonly Pool[],
  reasons: string[],
): readonly Prefix[] {
  // Nobody announces it but as a part of the host's own block.
  if (use === 'Tunnel') return [];
  if (documents.configuration.strictAffinity) {
    reasons.push('addresses of other hosts are not borrowed: strictAffinity is true');
    return [];
  }
  const others = documents.affinities.filter(
    affinity =>
      affinity.node !== node &&
      isConfirmed(affinity) &&
      pools.some(pool => prefixContains(pool.cidr, affinity.cidr)),
  );
  const looked = hostOrder(others, node, ({ cidr }) => cidr).slice(0, MOST_BORROWED_FROM);
  if (looked.length > 0) {
    const of = looked.length < others.length ? ` of ${others.length}` : '';
    reasons.push(`the ${looked.length}${of} blocks of other hosts that were looked at have no free address`);
  }
  return looked.map(({ cidr }) => cidr);
}

/** A tunnel's address serves out of any block of the host, also one that no pool has. */
async function* elsewhere(
  context: IpamContext,
  { node }: AllocationRequest,
  family: AddressFamily,
  tried: readonly Prefix[],
): AsyncGenerator<Prefix> {
  for (const cidr of ownBlocks(context, node)) {
    if (prefixFamily(cidr) !== family || tried.includes(cidr)) continue;
    if (await isOwned(context, node, cidr)) yield cidr;
  }
}

/** What is said where there is nothing to give. */
export function noneWords(family: AddressFamily, reasons: readonly string[]): readonly string[] {
  return reasons.length === 0 ? [`there is no free ${familyWords[family]} address`] : reasons;
}
