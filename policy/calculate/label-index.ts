/**
 * Which things are selected by which selectors, kept up to date from both sides: things come, go and change their labels, selectors
 * are watched and given up, and whoever watches is told each time a thing begins or ceases to be selected.
 *
 * Equal selectors (by canonical form) are one, however many watch them. What a change may concern is looked up, not tried out: things
 * stand under their labels, selectors under labels without which they select nothing; only a selector that has no such labels is tried
 * for everything.
 */
import { type LabelRequirement, requiredLabels } from '../../core/selector/required-labels.js';
import { type Labels, matchesSelector, type Selector } from '../../core/selector.js';
import { LabelShelf } from './label-shelf.js';

/** A selector and its canonical form. */
export interface SharedSelector {
  readonly canonical: string;
  readonly selector: Selector;
}

export interface SelectionListener<Watcher, Item> {
  selected(watcher: Watcher, item: Item): void;
  unselected(watcher: Watcher, item: Item): void;
}

interface SelectorEntry<Watcher, Item> {
  readonly selector: Selector;
  readonly watchers: Set<Watcher>;
  readonly items: Set<Item>;
  readonly places: readonly LabelRequirement[] | undefined;
}

interface ItemEntry<Watcher, Item> {
  labels: Labels;
  readonly selectors: Set<SelectorEntry<Watcher, Item>>;
}

/** How much worse it is to stand under a label than under a value of it: more things come by. */
const ANY_VALUE = 100;

export class LabelIndex<Watcher, Item> {
  readonly #listener: SelectionListener<Watcher, Item>;
  readonly #items = new Map<Item, ItemEntry<Watcher, Item>>();
  readonly #selectors = new Map<string, SelectorEntry<Watcher, Item>>();
  /** Under labels that a selector has asked for, as long as there are selectors: few of the labels that things have. */
  readonly #itemsByLabel = new LabelShelf<Item>();
  readonly #askedLabels = new Set<string>();
  readonly #selectorsByLabel = new LabelShelf<SelectorEntry<Watcher, Item>>();
  /** Those that may select a thing whatever labels it has. */
  readonly #unplaced = new Set<SelectorEntry<Watcher, Item>>();

  constructor(listener: SelectionListener<Watcher, Item>) {
    this.#listener = listener;
  }

  /** Things and selectors that are known; both 0 when everything has been removed. */
  get size(): { readonly items: number; readonly selectors: number; readonly places: number } {
    return {
      items: this.#items.size,
      selectors: this.#selectors.size,
      places:
        this.#askedLabels.size + this.#itemsByLabel.size + this.#selectorsByLabel.size + this.#unplaced.size,
    };
  }

  // -------------------------------------------------------------- things

  setItem(item: Item, labels: Labels): void {
    let entry = this.#items.get(item);
    if (entry === undefined) {
      entry = { labels: {}, selectors: new Set() };
      this.#items.set(item, entry);
    }
    const before = entry.labels;
    if (before === labels) return;
    entry.labels = labels;
    for (const label of this.#askedLabels)
      this.#move(item, label, valueUnder(before, label), valueUnder(labels, label));
    for (const selector of entry.selectors)
      if (!matchesSelector(selector.selector, labels)) this.#unselect(selector, item, entry);
    for (const selector of this.#candidateSelectors(labels))
      if (!entry.selectors.has(selector) && matchesSelector(selector.selector, labels))
        this.#select(selector, item, entry);
  }

  deleteItem(item: Item): void {
    const entry = this.#items.get(item);
    if (entry === undefined) return;
    for (const selector of entry.selectors) this.#unselect(selector, item, entry);
    for (const label of this.#askedLabels)
      this.#move(item, label, valueUnder(entry.labels, label), undefined);
    this.#items.delete(item);
  }

  /** Everybody who watches a selector that selects the thing. */
  *watchersOf(item: Item): Generator<Watcher> {
    for (const selector of this.#items.get(item)?.selectors ?? []) yield* selector.watchers;
  }

  // -------------------------------------------------------------- selectors

  /** The watcher is told at once of every thing that is selected. */
  watch(watcher: Watcher, shared: SharedSelector): void {
    const entry = this.#selectors.get(shared.canonical) ?? this.#place(shared);
    if (entry.watchers.has(watcher)) return;
    entry.watchers.add(watcher);
    for (const item of entry.items) this.#listener.selected(watcher, item);
  }

  /** The watcher is told at once of every thing that was selected. */
  unwatch(watcher: Watcher, { canonical }: SharedSelector): void {
    const entry = this.#selectors.get(canonical);
    if (entry?.watchers.delete(watcher) !== true) return;
    for (const item of entry.items) this.#listener.unselected(watcher, item);
    if (entry.watchers.size > 0) return;
    for (const item of entry.items) this.#items.get(item)?.selectors.delete(entry);
    this.#selectors.delete(canonical);
    this.#unplaced.delete(entry);
    for (const { label, value } of entry.places ?? []) this.#selectorsByLabel.delete(label, value, entry);
    if (this.#selectors.size > 0) return;
    this.#askedLabels.clear();
    this.#itemsByLabel.clear();
  }

  #place({ canonical, selector }: SharedSelector): SelectorEntry<Watcher, Item> {
    const places = requiredLabels(
      selector,
      ({ label, value }) =>
        (1 + this.#selectorsByLabel.countAt(label, value)) * (value === undefined ? ANY_VALUE : 1),
    );
    const entry = { selector, watchers: new Set<Watcher>(), items: new Set<Item>(), places };
    this.#selectors.set(canonical, entry);
    if (places === undefined) this.#unplaced.add(entry);
    for (const { label, value } of places ?? []) this.#selectorsByLabel.add(label, value, entry);
    for (const item of this.#candidateItems(selector)) {
      const { labels, selectors } = this.#items.get(item) as ItemEntry<Watcher, Item>;
      if (!matchesSelector(selector, labels)) continue;
      selectors.add(entry);
      entry.items.add(item);
    }
    return entry;
  }

  // -------------------------------------------------------------- both

  *#candidateSelectors(labels: Labels): Generator<SelectorEntry<Watcher, Item>> {
    yield* this.#unplaced;
    for (const label in labels) {
      yield* this.#selectorsByLabel.at(label, undefined);
      yield* this.#selectorsByLabel.at(label, labels[label] as string);
    }
  }

  *#candidateItems(selector: Selector): Generator<Item> {
    const shelf = this.#itemsByLabel;
    const places = requiredLabels(selector, ({ label, value }) => {
      this.#ask(label);
      return value === undefined ? shelf.count(label) : shelf.countAt(label, value);
    });
    if (places === undefined) yield* this.#items.keys();
    for (const { label, value } of places ?? []) {
      this.#ask(label);
      yield* value === undefined ? shelf.everyAt(label) : shelf.at(label, value);
    }
  }

  #ask(label: string): void {
    if (this.#askedLabels.has(label)) return;
    this.#askedLabels.add(label);
    for (const [item, { labels }] of this.#items)
      this.#move(item, label, undefined, valueUnder(labels, label));
  }

  #move(item: Item, label: string, from: string | undefined, to: string | undefined): void {
    if (from === to) return;
    if (from !== undefined) this.#itemsByLabel.delete(label, from, item);
    if (to !== undefined) this.#itemsByLabel.add(label, to, item);
  }

  #select(selector: SelectorEntry<Watcher, Item>, item: Item, entry: ItemEntry<Watcher, Item>): void {
    selector.items.add(item);
    entry.selectors.add(selector);
    for (const watcher of selector.watchers) this.#listener.selected(watcher, item);
  }

  #unselect(selector: SelectorEntry<Watcher, Item>, item: Item, entry: ItemEntry<Watcher, Item>): void {
    selector.items.delete(item);
    entry.selectors.delete(selector);
    for (const watcher of selector.watchers) this.#listener.unselected(watcher, item);
  }
}

function valueUnder(labels: Labels, label: string): string | undefined {
  return Object.hasOwn(labels, label) ? labels[label] : undefined;
}
