/**
 * What does not fit together in the records of addresses (pure): `bgpctl ipam check`. Each kind has a stable name, and says who puts it right.
 * What is under way while the records are read may show as one of them: only what stays is one.
 */
import type { IpAddress } from '../core/ip-address.js';
import { comparePrefixes, type Prefix, prefixContains, prefixContainsAddress } from '../core/prefix.js';
import type { IPAMHandleResource } from '../core/resources/cluster-documents.js';
import { isLeft, useOf } from './address-use.js';
import type { Affinity } from './affinities.js';
import type { Block } from './block.js';
import type { IpamDocuments } from './documents.js';

export type InconsistencyName = keyof typeof cures;

export interface Inconsistency {
  readonly name: InconsistencyName;
  /** One sentence. */
  readonly message: string;
  readonly address?: IpAddress;
  readonly handle?: string;
  readonly block?: Prefix;
  readonly node?: string;
  /** Of an address, for `bgpctl ipam release --from-report`. */
  readonly sequence?: number;
}

export interface Records {
  readonly documents: IpamDocuments;
  readonly blocks: readonly Block[];
  readonly handles: readonly IPAMHandleResource['spec'][];
}

/** By whom it is put right, and when. */
export const cures = {
  'leaked-address': 'the controller releases it after 15 minutes',
  'address-of-gone-host': 'the controller releases it after 15 minutes',
  'kept-on-gone-host': 'release it: bgpctl ipam release --handle',
  'address-in-two-blocks': 'release one of them',
  'address-outside-block': 'release it',
  'used-without-allocation': 'assign it: bgpctl ipam assign --ip',
  'used-twice': 'give one of them another address',
  'address-without-handle': 'the controller writes the handle',
  'handle-without-address': 'the controller removes it after 15 minutes',
  'block-without-affinity': 'its host, or the controller, writes the affinity',
  'affinity-of-another': 'delete the BlockAffinity, or release what is in use in the block',
  'unfinished-claim': 'its host finishes it; the controller, where the host is gone',
  'overlapping-blocks': 'delete the BlockAffinity of one of them',
} as const satisfies Readonly<Record<string, string>>;

export function inconsistencies(records: Records): readonly Inconsistency[] {
  return [
    ...ofAddresses(records),
    ...ofUsers(records),
    ...ofHandles(records),
    ...ofAffinities(records),
    ...ofOverlaps(records),
  ];
}

function ofAddresses({ documents, blocks }: Records): Inconsistency[] {
  const found: Inconsistency[] = [];
  const seen = new Map<IpAddress, Prefix>();
  for (const block of blocks) {
    for (const allocation of block.allocations) {
      const { address, handle, node, sequence } = allocation;
      const subject = { address, handle, node, block: block.cidr, sequence };
      const add = (name: InconsistencyName, message: string) => found.push({ name, message, ...subject });
      const use = useOf(allocation, documents, name => !documents.hasNode(name));
      if (use === 'unused') add('leaked-address', `${address} on ${node} (${handle}) has no endpoint`);
      if (isLeft(use) && use !== 'unused')
        add('address-of-gone-host', `${address} (${handle}) is of ${node}, which has no Node`);
      if (use === 'kept' && !documents.hasNode(node))
        add('kept-on-gone-host', `${address} (${handle}) is kept on ${node}, which has no Node`);
      const other = seen.get(address);
      if (other !== undefined)
        add('address-in-two-blocks', `${address} is given out in ${other} and in ${block.cidr}`);
      if (!prefixContainsAddress(block.cidr, address))
        add('address-outside-block', `${address} (${handle}) is not in ${block.cidr}, whose record has it`);
      seen.set(address, block.cidr);
    }
  }
  return found;
}

/** Endpoints whose addresses nobody gave out, in a block that a person keeps, are that person's affair. */
function ofUsers({ documents, blocks }: Records): Inconsistency[] {
  const given = new Set(blocks.flatMap(({ allocations }) => allocations.map(({ address }) => address)));
  const byHand = documents.affinities
    .filter(({ cidr }) => blocks.find(block => block.cidr === cidr)?.claimedUnixMs === undefined)
    .map(({ cidr }) => cidr);
  const found: Inconsistency[] = [];
  for (const [address, users] of documents.usedAddresses) {
    const names = [...users].sort().join(' and ');
    if (users.size > 1)
      found.push({ name: 'used-twice', message: `${address} is in use by ${names}`, address });
    const inPool = documents.pools.some(({ spec }) => prefixContainsAddress(spec.cidr, address));
    if (given.has(address) || !inPool || byHand.some(cidr => prefixContainsAddress(cidr, address))) continue;
    const message = `${address} is in use by ${names}, and not given out to anybody`;
    found.push({ name: 'used-without-allocation', message, address });
  }
  return found;
}

function ofHandles({ blocks, handles }: Records): Inconsistency[] {
  const noted = new Map(
    handles.map(({ handle, blocks: cidrs }) => [handle, new Set(cidrs.map(({ cidr }) => cidr))]),
  );
  const having = new Set<string>();
  const found: Inconsistency[] = [];
  for (const { cidr, allocations } of blocks) {
    for (const { address, handle, node } of allocations) {
      having.add(handle);
      if (noted.get(handle)?.has(cidr) === true) continue;
      const message = `the record of handle ${handle} does not lead to its address ${address}`;
      found.push({ name: 'address-without-handle', message, address, handle, node, block: cidr });
    }
  }
  for (const { handle } of handles) {
    if (having.has(handle)) continue;
    found.push({ name: 'handle-without-address', message: `handle ${handle} has no address`, handle });
  }
  return found;
}

function ofAffinities({ documents, blocks }: Records): Inconsistency[] {
  const found: Inconsistency[] = [];
  const byCidr = new Map(blocks.map(block => [block.cidr, block]));
  const claims = new Set(documents.affinities.map(({ node, cidr }) => `${node} ${cidr}`));
  for (const { cidr, node } of blocks) {
    if (node === undefined || claims.has(`${node} ${cidr}`)) continue;
    const message = `block ${cidr} is ${node}'s, and no BlockAffinity says so`;
    found.push({ name: 'block-without-affinity', message, block: cidr, node });
  }
  for (const { cidr, node, state } of documents.affinities) {
    const owner = byCidr.get(cidr)?.node;
    if (state !== 'confirmed') {
      const message = `the claim of ${node} on block ${cidr} is ${state}`;
      found.push({ name: 'unfinished-claim', message, block: cidr, node });
    } else if (owner !== undefined && owner !== node) {
      const message = `a BlockAffinity gives block ${cidr} to ${node}, and it is ${owner}'s`;
      found.push({ name: 'affinity-of-another', message, block: cidr, node });
    }
  }
  return found;
}

/** Blocks are nested or apart: of those in order, the ones that are still open hold the next. */
function ofOverlaps({ documents }: Records): Inconsistency[] {
  const found: Inconsistency[] = [];
  const open: Affinity[] = [];
  for (const affinity of documents.affinities.toSorted((a, b) => comparePrefixes(a.cidr, b.cidr))) {
    const { cidr, node } = affinity;
    while (open.length > 0 && !prefixContains(open.at(-1)!.cidr, cidr)) open.pop();
    const around = open.at(-1);
    if (around !== undefined && around.cidr !== cidr) {
      const message = `block ${cidr} of ${node} lies in ${around.cidr} of ${around.node}`;
      found.push({ name: 'overlapping-blocks', message, block: cidr, node });
    }
    open.push(affinity);
  }
  return found;
}
