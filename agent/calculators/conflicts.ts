/**
 * Contradictions between documents: two nodes with one address, overlapping blocks of different nodes, blocks of nobody, overlapping pools.
 *
 * Nothing is decided here, only said: both claims stay in force (whoever's route wins is BGP's affair), because dropping one
 * would cut off a host that may be the right one. Of two hosts with one address the one that came second takes its own claim back:
 * see `agent/lease/address-claim.ts`.
 */
import type { IpAddress } from '../../core/ip-address.js';
import {
  comparePrefixes,
  type Prefix,
  prefixAddress,
  prefixContains,
  prefixLength,
  prefixOf,
} from '../../core/prefix.js';
import { afterChange, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { nodeAddress } from './node-view.js';

interface Block {
  readonly name: string;
  readonly node: string;
  readonly cidr: Prefix;
}

interface Pool {
  readonly name: string;
  readonly cidr: Prefix;
}

export class ConflictsCalculator {
  readonly #addresses = new Map<string, readonly IpAddress[]>();
  readonly #blocks = new Map<string, Block>();
  /** Those that are not disabled. */
  readonly #pools = new Map<string, Pool>();
  /** Of {@link #addresses}, while they are what they were. */
  #index: ReadonlyMap<IpAddress, readonly string[]> | undefined;
  #conditions: readonly Condition[] = [];
  #dirty = false;

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (id.kind === 'Node') {
      this.#index = undefined;
      if (resource?.kind === 'Node') {
        const found = [nodeAddress(resource)?.address, nodeAddress(resource, 'ipv6')?.address];
        this.#addresses.set(
          id.name,
          found.filter(address => address !== undefined),
        );
      } else this.#addresses.delete(id.name);
    } else if (id.kind === 'BlockAffinity') {
      if (
        resource?.kind === 'BlockAffinity' &&
        resource.spec.state === 'confirmed' &&
        resource.spec.deleted !== true
      ) {
        this.#blocks.set(id.name, { name: id.name, node: resource.spec.node, cidr: resource.spec.cidr });
      } else this.#blocks.delete(id.name);
    } else if (id.kind === 'IPPool') {
      if (resource?.kind === 'IPPool' && !resource.spec.disabled) {
        this.#pools.set(id.name, { name: id.name, cidr: resource.spec.cidr });
      } else this.#pools.delete(id.name);
    } else return;
    this.#dirty = true;
  }

  /** Confirmed ones of a node. */
  blocksOf(nodeName: string): readonly Prefix[] {
    return [...this.#blocks.values()].filter(({ node }) => node === nodeName).map(({ cidr }) => cidr);
  }

  /** Names of nodes with that address, sorted. */
  nodesWith(address: IpAddress): readonly string[] {
    this.#index ??= nodesByAddress(this.#addresses);
    return this.#index.get(address) ?? [];
  }

  /** All contradictions, sorted; the same array while nothing changed. */
  flush(): readonly Condition[] {
    if (this.#dirty) {
      const found = [
        ...duplicateAddresses(nodesByAddress(this.#addresses)),
        ...overlappingBlocks([...this.#blocks.values()]),
        ...orphanBlocks(this.#blocks.values(), this.#addresses),
        ...overlappingPools([...this.#pools.values()]),
      ];
      this.#conditions = found.sort((a, b) => (a.key < b.key ? -1 : 1));
    }
    this.#dirty = false;
    return this.#conditions;
  }
}

function nodesByAddress(
  addresses: ReadonlyMap<string, readonly IpAddress[]>,
): ReadonlyMap<IpAddress, readonly string[]> {
  const nodes = new Map<IpAddress, string[]>();
  for (const [name, ofNode] of addresses) {
    for (const address of ofNode) {
      const names = nodes.get(address);
      if (names === undefined) nodes.set(address, [name]);
      else names.push(name);
    }
  }
  for (const names of nodes.values()) names.sort();
  return nodes;
}

function duplicateAddresses(nodes: ReadonlyMap<IpAddress, readonly string[]>): Condition[] {
  return [...nodes]
    .filter(([, names]) => names.length > 1)
    .map(([address, names]) => {
      const ids = names.map(name => `Node/${name}`);
      return condition(
        'error',
        'duplicate-address',
        ids,
        `${ids.join(' and ')} have the same address ${address}: a host that is no more goes by bgpctl node delete`,
      );
    });
}

/** Looks each block's shorter prefixes up: linear in blocks times the number of different lengths among them. */
function overlappingBlocks(blocks: readonly Block[]): Condition[] {
  const byPrefix = new Map<Prefix, Block[]>();
  for (const block of blocks) byPrefix.set(block.cidr, [...(byPrefix.get(block.cidr) ?? []), block]);
  const lengths = [...new Set(blocks.map(block => prefixLength(block.cidr)))];
  const found: Condition[] = [];
  for (const block of blocks) {
    const length = prefixLength(block.cidr);
    for (const shorter of lengths.filter(other => other <= length)) {
      const outer = shorter === length ? block.cidr : prefixOf(prefixAddress(block.cidr), shorter);
      for (const other of byPrefix.get(outer) ?? []) {
        const isTwin = other.cidr === block.cidr;
        if (other.node === block.node || (isTwin && other.name >= block.name)) continue;
        found.push(overlap(other, block));
      }
    }
  }
  return found;
}

function overlap(a: Block, b: Block): Condition {
  const [first, second] = comparePrefixes(a.cidr, b.cidr) <= 0 ? [a, b] : [b, a];
  return condition(
    'error',
    'overlapping-blocks',
    [`BlockAffinity/${first.name}`, `BlockAffinity/${second.name}`],
    `block ${first.cidr} of node ${first.node} overlaps ${second.cidr} of node ${second.node}`,
  );
}

function orphanBlocks(blocks: Iterable<Block>, nodes: ReadonlyMap<string, unknown>): Condition[] {
  return [...blocks]
    .filter(block => !nodes.has(block.node))
    .map(block =>
      condition(
        'warning',
        'orphan-block',
        [`BlockAffinity/${block.name}`],
        `block ${block.cidr} belongs to node ${block.node}, which does not exist`,
      ),
    );
}

/** Prefixes are nested or apart: of those in order, the ones that are still open hold the next. */
function overlappingPools(pools: readonly Pool[]): Condition[] {
  const found: Condition[] = [];
  const open: Pool[] = [];
  for (const pool of pools.toSorted((a, b) => comparePrefixes(a.cidr, b.cidr))) {
    while (open.length > 0 && !prefixContains(open.at(-1)!.cidr, pool.cidr)) open.pop();
    for (const around of open) {
      const [giving, idle] = around.name < pool.name ? [around, pool] : [pool, around];
      found.push(
        condition(
          'warning',
          'overlapping-pools',
          [`IPPool/${idle.name}`, `IPPool/${giving.name}`],
          `pool ${idle.name} (${idle.cidr}) overlaps pool ${giving.name} (${giving.cidr}), which comes first by name: no more addresses are given out of ${idle.name}`,
        ),
      );
    }
    open.push(pool);
  }
  return found;
}
