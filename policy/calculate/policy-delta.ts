/** What changed in a {@link HostPolicy}, part by part. */
import type { MembersChange } from '../changed-members.js';
import type {
  AddressSet,
  EndpointKey,
  HostEndpoint,
  HostPolicy,
  Policy,
  PolicyKey,
  Profile,
  SetId,
  WorkloadEndpoint,
} from '../model.js';

export interface PolicyDelta {
  readonly workloads: PartDelta<EndpointKey, WorkloadEndpoint>;
  readonly hosts: PartDelta<EndpointKey, HostEndpoint>;
  readonly policies: PartDelta<PolicyKey, Policy>;
  readonly profiles: PartDelta<string, Profile>;
  readonly sets: SetsDelta;
}

export interface PartDelta<K, V> {
  /** New ones and changed ones. */
  readonly set: ReadonlyMap<K, V>;
  readonly deleted: ReadonlySet<K>;
}

export interface SetsDelta {
  /** With all members. */
  readonly added: ReadonlyMap<SetId, AddressSet>;
  readonly deleted: ReadonlySet<SetId>;
  /** Of those that were there and stay. */
  readonly changed: ReadonlyMap<SetId, MembersChange>;
}

export function isEmpty({ workloads, hosts, policies, profiles, sets }: PolicyDelta): boolean {
  const parts = [workloads, hosts, policies, profiles];
  return (
    parts.every(({ set, deleted }) => set.size === 0 && deleted.size === 0) &&
    sets.added.size === 0 &&
    sets.deleted.size === 0 &&
    sets.changed.size === 0
  );
}

/** One part of {@link HostPolicy}: what it holds, and what has been put in and taken out since the last take. */
export class Part<K, V> {
  readonly #held = new Map<K, V>();
  readonly #pending = new Map<K, V | undefined>();

  /** As of the last take. */
  get held(): ReadonlyMap<K, V> {
    return this.#held;
  }

  put(key: K, value: V): void {
    this.#pending.set(key, value);
  }

  delete(key: K): void {
    this.#pending.set(key, undefined);
  }

  take(): PartDelta<K, V> {
    const set = new Map<K, V>();
    const deleted = new Set<K>();
    for (const [key, value] of this.#pending) {
      const before = this.#held.get(key);
      if (value === undefined) {
        if (this.#held.delete(key)) deleted.add(key);
      } else if (before === undefined || !sameValue(before, value)) {
        this.#held.set(key, value);
        set.set(key, value);
      }
    }
    this.#pending.clear();
    return { set, deleted };
  }
}

/** Structural equality of plain data. Both sides come from the same builder, so their keys are in the same order. */
function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
