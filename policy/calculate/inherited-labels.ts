/**
 * The labels by which selectors see a thing: its own, and those it takes over from what it belongs to, by name and whether or not that
 * exists yet. The listener is told the labels of a thing each time they are others.
 *
 * What stands earlier wins: facts (who and where a thing is), its own labels, then each of those it inherits from, in order.
 */
import type { Labels } from '../../core/selector.js';

export interface LabelledItem {
  /** Nobody may choose these. */
  readonly facts: Labels;
  readonly labels: Labels;
  /** Profiles, namespace and service account, by their keys. */
  readonly parents: readonly string[];
}

export class InheritedLabels<Item> {
  readonly #changed: (item: Item, labels: Labels) => void;
  readonly #items = new Map<Item, { of: LabelledItem; labels: Labels }>();
  readonly #parents = new Map<string, { labels: Labels | undefined; readonly children: Set<Item> }>();

  constructor(changed: (item: Item, labels: Labels) => void) {
    this.#changed = changed;
  }

  /** Things and those they inherit from; both 0 when everything has been removed. */
  get size(): { readonly items: number; readonly parents: number } {
    return { items: this.#items.size, parents: this.#parents.size };
  }

  setItem(item: Item, of: LabelledItem): void {
    const before = this.#items.get(item);
    for (const parent of of.parents) this.#parent(parent).children.add(item);
    if (before === undefined) {
      const labels = this.#labelsOf(of);
      this.#items.set(item, { of, labels });
      this.#changed(item, labels);
      return;
    }
    const kept = new Set(of.parents);
    for (const parent of before.of.parents) if (!kept.has(parent)) this.#leave(parent, item);
    before.of = of;
    this.#refresh(item, before);
  }

  deleteItem(item: Item): void {
    const entry = this.#items.get(item);
    for (const parent of entry?.of.parents ?? []) this.#leave(parent, item);
    this.#items.delete(item);
  }

  /** Undefined: it does not exist. */
  setParent(key: string, labels: Labels | undefined): void {
    const before = this.#parents.get(key)?.labels;
    if (sameLabels(before ?? {}, labels ?? {}) && (before === undefined) === (labels === undefined)) return;
    const parent = this.#parent(key);
    parent.labels = labels;
    for (const item of parent.children) this.#refresh(item, this.#items.get(item));
    this.#sweep(key);
  }

  labelsOf(item: Item): Labels | undefined {
    return this.#items.get(item)?.labels;
  }

  #refresh(item: Item, entry: { of: LabelledItem; labels: Labels } | undefined): void {
    if (entry === undefined) return;
    const labels = this.#labelsOf(entry.of);
    if (sameLabels(entry.labels, labels)) return;
    entry.labels = labels;
    this.#changed(item, labels);
  }

  #labelsOf({ facts, labels, parents }: LabelledItem): Labels {
    const all: Record<string, string> = {};
    for (let i = parents.length - 1; i >= 0; i--)
      Object.assign(all, this.#parents.get(parents[i] as string)?.labels);
    return Object.assign(all, labels, facts);
  }

  #parent(key: string): { labels: Labels | undefined; readonly children: Set<Item> } {
    let parent = this.#parents.get(key);
    if (parent === undefined) {
      parent = { labels: undefined, children: new Set() };
      this.#parents.set(key, parent);
    }
    return parent;
  }

  #leave(key: string, item: Item): void {
    this.#parents.get(key)?.children.delete(item);
    this.#sweep(key);
  }

  #sweep(key: string): void {
    const parent = this.#parents.get(key);
    if (parent?.labels === undefined && parent?.children.size === 0) this.#parents.delete(key);
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  let count = 0;
  for (const label in a) {
    if (a[label] !== b[label]) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}
