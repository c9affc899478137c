/**
 * The sets that active rules name, and their members: addresses of what the set's selector selects, each as often as there are things
 * that have it. A set is there while somebody uses it; what comes and goes between two takes is told once, or not at all.
 */

import { addressBits, addressFamily } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { prefixAddress, prefixLength } from '../../core/prefix.js';
import type { Labels } from '../../core/selector.js';
import { type MembersChange, noteChange } from '../changed-members.js';
import { type AddressSet, memberOf, type SetId } from '../model.js';
import { LabelIndex } from './label-index.js';
import type { SetsDelta } from './policy-delta.js';
import type { SetDefinition } from './set-definitions.js';

/** What selectors of rules select: an endpoint, or a set of networks. */
export interface Addressed {
  readonly nets: readonly Prefix[];
  readonly ports: readonly { readonly name: string; readonly protocol: number; readonly port: number }[];
}

/** One thing as long as it exists; what it has may change. */
export interface AddressedItem {
  has: Addressed;
}

class ActiveSet {
  readonly definition: SetDefinition;
  users = 0;
  /** As of the last take. */
  readonly members = new Set<string>();
  /** How many things have it, now. */
  readonly #holders = new Map<string, number>();
  /** Since the last take; before the first one everything is new. */
  readonly #touched = new Set<string>();
  #taken = false;

  constructor(definition: SetDefinition) {
    this.definition = definition;
  }

  add(has: Addressed): void {
    for (const member of this.#membersOf(has)) {
      const holders = this.#holders.get(member) ?? 0;
      this.#holders.set(member, holders + 1);
      if (holders === 0) this.#touch(member);
    }
  }

  remove(has: Addressed): void {
    for (const member of this.#membersOf(has)) {
      const holders = this.#holders.get(member) ?? 0;
      if (holders > 1) this.#holders.set(member, holders - 1);
      else {
        this.#holders.delete(member);
        this.#touch(member);
      }
    }
  }

  #touch(member: string): void {
    if (this.#taken) this.#touched.add(member);
  }

  take(): MembersChange {
    const added = new Set<string>();
    const deleted = new Set<string>();
    if (!this.#taken) {
      this.#taken = true;
      for (const member of this.#holders.keys()) this.members.add(member);
      return { added: this.members, deleted };
    }
    for (const member of this.#touched) {
      const there = this.#holders.has(member);
      if (there === this.members.has(member)) continue;
      if (there) this.members.add(member);
      else this.members.delete(member);
      (there ? added : deleted).add(member);
    }
    this.#touched.clear();
    return { added, deleted };
  }

  #membersOf({ nets, ports }: Addressed): Iterable<string> {
    const { definition } = this;
    if (definition.kind === 'nets') return nets;
    const { name, protocol } = definition.port;
    const named = ports.filter(
      port => port.name === name && (protocol === undefined || port.protocol === protocol),
    );
    if (named.length === 0) return [];
    return nets
      .filter(isHost)
      .flatMap(net => named.map(port => memberOf(prefixAddress(net), port.protocol, port.port)));
  }
}

function isHost(net: Prefix): boolean {
  return prefixLength(net) === addressBits(addressFamily(net));
}

export class ActiveSets {
  readonly #sets = new Map<SetId, ActiveSet>();
  readonly #changed = new Set<ActiveSet>();
  readonly #held = new Map<SetId, AddressSet>();
  readonly #index = new LabelIndex<ActiveSet, AddressedItem>({
    selected: (set, item) => {
      set.add(item.has);
      this.#changed.add(set);
    },
    unselected: (set, item) => {
      if (set.users === 0) return;
      set.remove(item.has);
      this.#changed.add(set);
    },
  });

  /** As of the last take. */
  get held(): ReadonlyMap<SetId, AddressSet> {
    return this.#held;
  }

  get size(): { readonly items: number; readonly selectors: number; readonly places: number } {
    return this.#index.size;
  }

  setLabels(item: AddressedItem, labels: Labels): void {
    this.#index.setItem(item, labels);
  }

  setAddresses(item: AddressedItem, has: Addressed): void {
    for (const set of this.#index.watchersOf(item)) {
      set.add(has);
      set.remove(item.has);
      this.#changed.add(set);
    }
    item.has = has;
  }

  deleteItem(item: AddressedItem): void {
    this.#index.deleteItem(item);
  }

  use(definition: SetDefinition): void {
    let set = this.#sets.get(definition.id);
    if (set === undefined) {
      set = new ActiveSet(definition);
      this.#sets.set(definition.id, set);
      this.#changed.add(set);
      this.#index.watch(set, definition.members);
    }
    set.users++;
  }

  /** One less uses it; it goes with the next take if nobody does by then. */
  release(id: SetId): void {
    const set = this.#sets.get(id);
    if (set === undefined) return;
    set.users--;
    this.#changed.add(set);
  }

  take(): SetsDelta {
    const added = new Map<SetId, AddressSet>();
    const deleted = new Set<SetId>();
    const changed = new Map<SetId, MembersChange>();
    for (const set of this.#changed) {
      const { id } = set.definition;
      if (set.users === 0) {
        this.#index.unwatch(set, set.definition.members);
        this.#sets.delete(id);
        if (this.#held.delete(id)) deleted.add(id);
        continue;
      }
      const members = set.take();
      const isNew = !this.#held.has(id);
      if (!isNew && members.added.size + members.deleted.size === 0) continue;
      const before = this.#held.get(id);
      const held = addressSet(set);
      if (before !== undefined) noteChange(before, held, members);
      this.#held.set(id, held);
      if (isNew) added.set(id, held);
      else changed.set(id, members);
    }
    this.#changed.clear();
    return { added, deleted, changed };
  }
}

/** Another object each time that the members change, round the same members: who remembers what it made of a set sees that it is stale. */
function addressSet({ definition: { id, kind, what }, members }: ActiveSet): AddressSet {
  return kind === 'nets'
    ? { id, kind, what, members: members as ReadonlySet<string> as ReadonlySet<Prefix> }
    : { id, kind, what, members };
}
