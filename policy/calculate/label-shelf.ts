/** Things by a label and its value; the value `undefined` is a place of its own, for what cares for the label alone. */
export class LabelShelf<T> {
  readonly #byLabel = new Map<string, { readonly byValue: Map<string | undefined, Set<T>>; count: number }>();

  /** Labels under which something stands. */
  get size(): number {
    return this.#byLabel.size;
  }

  add(label: string, value: string | undefined, thing: T): void {
    let place = this.#byLabel.get(label);
    if (place === undefined) {
      place = { byValue: new Map(), count: 0 };
      this.#byLabel.set(label, place);
    }
    let things = place.byValue.get(value);
    if (things === undefined) {
      things = new Set();
      place.byValue.set(value, things);
    }
    place.count -= things.size;
    place.count += things.add(thing).size;
  }

  delete(label: string, value: string | undefined, thing: T): void {
    const place = this.#byLabel.get(label);
    const things = place?.byValue.get(value);
    if (place === undefined || things?.delete(thing) !== true) return;
    place.count--;
    if (things.size === 0) place.byValue.delete(value);
    if (place.byValue.size === 0) this.#byLabel.delete(label);
  }

  clear(): void {
    this.#byLabel.clear();
  }

  at(label: string, value: string | undefined): Iterable<T> {
    return this.#byLabel.get(label)?.byValue.get(value) ?? [];
  }

  /** Whatever the value. */
  *everyAt(label: string): Generator<T> {
    for (const things of this.#byLabel.get(label)?.byValue.values() ?? []) yield* things;
  }

  countAt(label: string, value: string | undefined): number {
    return this.#byLabel.get(label)?.byValue.get(value)?.size ?? 0;
  }

  /** Whatever the value. */
  count(label: string): number {
    return this.#byLabel.get(label)?.count ?? 0;
  }
}
