/**
 * What every calculator here has in common: resources come in one by one, differences of the output go out on `flush`.
 *
 * A calculator's output depends on current state alone, never on the order or number of the changes that led there; what exists
 * is decided by presence, not by the kind of event. Pure: no clock, no logger, no I/O, and nothing that a resource may hold can
 * make one throw.
 */
import { type Resource, type ResourceId, resourceIdOf } from '../../core/resources/resource.js';

export type ResourceChange =
  | { readonly kind: 'changed'; readonly resource: Resource }
  | { readonly kind: 'deleted'; readonly id: ResourceId };

/** What a change speaks of, and what is there now (undefined: nothing). */
export function afterChange(change: ResourceChange): {
  readonly id: ResourceId;
  readonly resource: Resource | undefined;
} {
  return change.kind === 'deleted'
    ? { id: change.id, resource: undefined }
    : { id: resourceIdOf(change.resource), resource: change.resource };
}

/** What differs from the flush before. Apply `deleted` first: a key may have moved to another name for the same thing. */
export interface Delta<K, V> {
  readonly set: ReadonlyMap<K, V>;
  readonly deleted: ReadonlySet<K>;
}

/** The last told state of a keyed output; turns "this is its value now" into a {@link Delta}. */
export class KeyedOutput<K, V> {
  readonly #told = new Map<K, V>();
  #set = new Map<K, V>();
  #deleted = new Set<K>();

  put(key: K, value: V): void {
    this.#set.delete(key);
    this.#deleted.delete(key);
    const told = this.#told.get(key);
    if (told === undefined || !sameValue(told, value)) this.#set.set(key, value);
  }

  remove(key: K): void {
    this.#set.delete(key);
    if (this.#told.has(key)) this.#deleted.add(key);
  }

  take(): Delta<K, V> {
    const delta = { set: this.#set, deleted: this.#deleted };
    for (const key of delta.deleted) this.#told.delete(key);
    for (const [key, value] of delta.set) this.#told.set(key, value);
    this.#set = new Map();
    this.#deleted = new Set();
    return delta;
  }
}

/** Structural equality of plain data. Both sides come from the same builder, so their keys are in the same order. */
export function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
