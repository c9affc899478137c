/** Rules of the policies and profiles that are in use, converted, and the sets they name, which are in use with them. */
import type { PolicyRule } from '../../core/resources/policy-documents.js';
import type { Rule, SetId } from '../model.js';
import type { ActiveSets } from './active-sets.js';
import { convertRules } from './rule-conversion.js';

export interface WrittenRules {
  readonly namespace: string | undefined;
  readonly ingress: readonly PolicyRule[];
  readonly egress: readonly PolicyRule[];
}

export class ActiveRules {
  readonly #sets: ActiveSets;
  readonly #used = new Map<object, readonly SetId[]>();

  constructor(sets: ActiveSets) {
    this.#sets = sets;
  }

  /** Owners that are in use. */
  get size(): number {
    return this.#used.size;
  }

  /** The owner's rules are these now. */
  activate(
    owner: object,
    written: WrittenRules,
  ): { readonly ingress: readonly Rule[]; readonly egress: readonly Rule[] } {
    const ingress = convertRules(written.ingress, 'ingress', written.namespace);
    const egress = convertRules(written.egress, 'egress', written.namespace);
    const sets = new Map([...ingress.sets, ...egress.sets]);
    for (const definition of sets.values()) this.#sets.use(definition);
    this.deactivate(owner);
    this.#used.set(owner, [...sets.keys()]);
    return { ingress: ingress.rules, egress: egress.rules };
  }

  deactivate(owner: object): void {
    for (const id of this.#used.get(owner) ?? []) this.#sets.release(id);
    this.#used.delete(owner);
  }
}
