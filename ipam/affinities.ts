/** Whose blocks are whose, by the documents, found by host and by what they overlap with: a cluster has thousands (pure but for what it is told). */
import {
  type Prefix,
  prefixAddress,
  prefixContains,
  prefixFamily,
  prefixLength,
  prefixOf,
} from '../core/prefix.js';
import type { BlockAffinityResource } from '../core/resources/resource.js';

export type Affinity = BlockAffinityResource['spec'];

export class Affinities {
  readonly #byName = new Map<string, BlockAffinityResource>();
  readonly #byNode = new Map<string, Map<string, BlockAffinityResource>>();
  /** By family and length, then by CIDR: several may say that they have one. */
  readonly #byLength = new Map<string, Map<Prefix, number>>();

  /** Undefined: it is deleted. */
  set(name: string, affinity: BlockAffinityResource | undefined): void {
    const before = this.#byName.get(name);
    if (before !== undefined) this.#forget(name, before);
    if (affinity === undefined) return;
    this.#byName.set(name, affinity);
    const { node, cidr } = affinity.spec;
    const ofNode = this.#byNode.get(node) ?? new Map<string, BlockAffinityResource>();
    this.#byNode.set(node, ofNode.set(name, affinity));
    const ofLength = this.#byLength.get(lengthKey(cidr)) ?? new Map<Prefix, number>();
    this.#byLength.set(lengthKey(cidr), ofLength.set(cidr, (ofLength.get(cidr) ?? 0) + 1));
  }

  get(name: string): BlockAffinityResource | undefined {
    return this.#byName.get(name);
  }

  get all(): readonly BlockAffinityResource[] {
    return [...this.#byName.values()];
  }

  of(node: string): readonly BlockAffinityResource[] {
    return [...(this.#byNode.get(node)?.values() ?? [])];
  }

  /** Blocks around a block and inside it, and not the same. */
  overlapping(block: Prefix): readonly Prefix[] {
    const length = prefixLength(block);
    return [...this.#byLength].flatMap(([key, blocks]): Prefix[] => {
      const [family, text] = key.split(' ') as [string, string];
      const other = Number(text);
      if (family !== prefixFamily(block) || other === length) return [];
      if (other > length) return [...blocks.keys()].filter(inner => prefixContains(block, inner));
      const outer = prefixOf(prefixAddress(block), other);
      return blocks.has(outer) ? [outer] : [];
    });
  }

  #forget(name: string, { spec }: BlockAffinityResource): void {
    const { node, cidr } = spec;
    this.#byName.delete(name);
    this.#byNode.get(node)?.delete(name);
    if (this.#byNode.get(node)?.size === 0) this.#byNode.delete(node);
    const ofLength = this.#byLength.get(lengthKey(cidr));
    const left = (ofLength?.get(cidr) ?? 0) - 1;
    if (left > 0) ofLength?.set(cidr, left);
    else ofLength?.delete(cidr);
    if (ofLength?.size === 0) this.#byLength.delete(lengthKey(cidr));
  }
}

/** Nobody is on his way to it, or away from it. */
export function isConfirmed({ state, deleted }: Affinity): boolean {
  return state === 'confirmed' && deleted !== true;
}

function lengthKey(cidr: Prefix): string {
  return `${prefixFamily(cidr)} ${prefixLength(cidr)}`;
}
