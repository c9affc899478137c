/** SHELL: addresses released, by handle, by address, or by what they were for. What is not there is released already. */

import type { IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixOf } from '../core/prefix.js';
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';
import { blocksOf } from './allocate.js';
import { type IpamContext, keep, Unavailable } from './context.js';
import type { ReleaseOutcome, ReleaseRequest } from './request.js';
import { ownBlocks } from './sources.js';
import { releaseFrom } from './take.js';

export async function release(context: IpamContext, request: ReleaseRequest): Promise<ReleaseOutcome> {
  try {
    return await releaseAll(context, request);
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'unavailable', detail: error.message };
    throw error;
  }
}

async function releaseAll(context: IpamContext, request: ReleaseRequest): Promise<ReleaseOutcome> {
  const { address } = request;
  const released: IPAMAllocation[] = [];
  let other: IPAMAllocation | undefined;
  for (const cidr of await blocksToLookInto(context, request)) {
    released.push(
      ...(await releaseFrom(context, cidr, allocation => {
        if (matches(request, allocation)) return true;
        if (allocation.address === address) other = allocation;
        return false;
      })),
    );
  }
  await settle(context, request);
  if (released.length === 0 && other !== undefined) return { kind: 'refused', allocation: other };
  return { kind: 'released', addresses: released.map(allocation => allocation.address) };
}

function matches(
  { handle, address, sequence, attributes }: ReleaseRequest,
  allocation: IPAMAllocation,
): boolean {
  if (handle === undefined && address === undefined && attributes === undefined) return false;
  return (
    (handle === undefined || handle === allocation.handle) &&
    (address === undefined || address === allocation.address) &&
    (sequence === undefined || sequence === allocation.sequence) &&
    Object.entries(attributes ?? {}).every(([name, value]) => allocation.attributes[name] === value)
  );
}

async function blocksToLookInto(
  context: IpamContext,
  { handle, address }: ReleaseRequest,
): Promise<readonly Prefix[]> {
  if (address !== undefined) return blocksAround(context, address);
  if (handle !== undefined) return await blocksOf(context, handle);
  // By attributes alone: what this host has given out, or has in blocks of its own.
  return [...new Set([...context.durable.record.blocks, ...ownBlocks(context, context.host)])];
}

/** Which block an address is in depends on who made it. */
function blocksAround({ documents, durable }: IpamContext, address: IpAddress): readonly Prefix[] {
  const holds = (cidr: Prefix) => prefixContainsAddress(cidr, address);
  const pools = documents.pools.filter(({ spec }) => holds(spec.cidr));
  return [
    ...new Set([
      ...documents.affinities.map(({ cidr }) => cidr).filter(holds),
      ...[...durable.record.blocks].filter(holds),
      ...pools.map(({ spec }) => prefixOf(address, spec.blockSize)),
    ]),
  ];
}

/** Whoever gives up an address that was lost to another has no claim on it any more. */
async function settle(context: IpamContext, { handle, address }: ReleaseRequest): Promise<void> {
  const settled = [...context.durable.record.lost.values()].filter(
    lost => lost.handle !== undefined && (lost.handle === handle || lost.what === address),
  );
  await keep(
    context,
    settled.map(({ what }) => ({ kind: 'settled', what })),
  );
}
