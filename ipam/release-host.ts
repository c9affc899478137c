/** SHELL: everything that a host has, given back for it: of one that is deleted from the cluster. */
import type { Store } from '../store/port.js';
import { giveUpBlock } from './claims.js';
import { readRecords } from './collect.js';
import type { IpamContext } from './context.js';
import { passingRecord } from './host-record.js';
import { KEPT_BY } from './request.js';
import { releaseFrom } from './take.js';

/**
 * Its addresses, but for those that somebody keeps, are free; its blocks are nobody's. A host that comes back learns from the blocks that
 * this was done by right. @returns how many addresses @throws Unavailable
 */
export async function releaseHost(store: Store, node: string, nowUnixMs: () => number): Promise<number> {
  const { documents, blocks } = await readRecords(store);
  const context: IpamContext = { host: '', store, documents, durable: passingRecord(), nowUnixMs };
  let count = 0;
  for (const { cidr, node: owner, allocations } of blocks) {
    if (allocations.some(allocation => allocation.node === node)) {
      const released = await releaseFrom(
        context,
        cidr,
        allocation => allocation.node === node && allocation.attributes[KEPT_BY] === undefined,
      );
      count += released.length;
    }
    if (owner === node) await giveUpBlock(context, node, cidr, () => true);
  }
  return count;
}

/** What a host that is released leaves in use, because somebody keeps it. @throws Unavailable */
export async function keptAddressesOf(store: Store, node: string): Promise<readonly string[]> {
  const { blocks } = await readRecords(store);
  return blocks.flatMap(({ allocations }) =>
    allocations.filter(allocation => allocation.node === node).map(({ address }) => address),
  );
}
