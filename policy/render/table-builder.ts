/**
 * One table of one family while it is put together: its chains, each with the endpoints whose packets go through it. Chains of policies and
 * profiles are made when the first endpoint asks for them, and shared by all that do.
 */
import type { AddressFamily } from '../../core/ip-address.js';
import type { Direction, EndpointKey, HostPolicy, Policy, PolicyKey, Profile } from '../model.js';
import type { BuiltInChain, RenderedRule, RenderedTable, TableName } from '../rendered.js';
import { CHAIN_PREFIX } from '../rendered.js';
import type { FilterSettings } from '../settings.js';
import type { Marks } from './marks.js';
import { chainName } from './names.js';
import { remembered } from './remembered.js';
import { renderRuleList } from './rule-list.js';
import { rule } from './rule-text.js';

interface ChainParts {
  readonly rules: readonly RenderedRule[];
  readonly endpoints: Set<EndpointKey>;
}

export class TableBuilder {
  readonly family: AddressFamily;
  readonly table: TableName;
  readonly policy: HostPolicy;
  readonly settings: FilterSettings;
  readonly marks: Marks;
  readonly #chains = new Map<string, ChainParts>();
  /** Of policies and profiles; a digest costs more than a look here. */
  readonly #sharedNames = new Map<string, string>();
  readonly #hooks: RenderedTable['hooks'][number][] = [];

  constructor(
    family: AddressFamily,
    table: TableName,
    policy: HostPolicy,
    settings: FilterSettings,
    marks: Marks,
  ) {
    this.family = family;
    this.table = table;
    this.policy = policy;
    this.settings = settings;
    this.marks = marks;
  }

  /** @param endpoints none: every packet may go through it @returns its name */
  addChain(
    name: string,
    endpoints: Iterable<EndpointKey>,
    rules: readonly (RenderedRule | undefined)[],
  ): string {
    this.#chains.set(name, { rules: present(rules), endpoints: new Set(endpoints) });
    return name;
  }

  /** Of a policy for one endpoint more. @returns the name of the chain */
  policyChain(key: PolicyKey, direction: Direction, endpoint: EndpointKey): string {
    const policy = this.policy.policies.get(key);
    const kind = policy?.staged === true ? 'staged' : 'policy';
    return this.#shared(direction === 'ingress' ? 'pi-' : 'po-', key, endpoint, () =>
      policy === undefined ? [] : this.#ruleList(kind, key, direction, policy),
    );
  }

  profileChain(name: string, direction: Direction, endpoint: EndpointKey): string {
    const profile = this.policy.profiles.get(name);
    return this.#shared(direction === 'ingress' ? 'pri-' : 'pro-', name, endpoint, () =>
      profile === undefined ? [] : this.#ruleList('profile', `Profile/${name}`, direction, profile),
    );
  }

  #ruleList(
    kind: Parameters<typeof renderRuleList>[1],
    owner: string,
    direction: Direction,
    of: Policy | Profile,
  ): readonly RenderedRule[] {
    return remembered(this.settings, of, `${this.family} ${this.table} ${direction}`, () =>
      renderRuleList(this, kind, owner, direction, of[direction]),
    );
  }

  #shared(kind: string, id: string, endpoint: EndpointKey, make: () => readonly RenderedRule[]): string {
    const shared = `${kind}${id}`;
    const name = this.#sharedNames.get(shared);
    if (name !== undefined) {
      this.#chains.get(name)!.endpoints.add(endpoint);
      return name;
    }
    const added = this.addChain(chainName(kind, id), [endpoint], make());
    this.#sharedNames.set(shared, added);
    return added;
  }

  /** A chain of every packet's, and the rule in the built-in chain that leads there; nothing without rules. */
  addTopChain(
    chain: BuiltInChain,
    place: 'first' | 'last',
    rules: readonly (RenderedRule | undefined)[],
  ): void {
    if (rules.every(one => one === undefined)) return;
    const name = this.addChain(`${CHAIN_PREFIX}${chain}`, [], rules);
    this.#hooks.push({ chain, place, rules: [rule([`-j ${name}`])] });
  }

  build(): RenderedTable {
    const chains = [...this.#chains].map(
      ([name, { rules, endpoints }]) => [name, { name, rules, endpoints: [...endpoints] }] as const,
    );
    return { family: this.family, table: this.table, chains: new Map(chains), hooks: this.#hooks };
  }
}

/** The same list if nothing is missing: who compares lists by identity sees that nothing has changed. */
function present(rules: readonly (RenderedRule | undefined)[]): readonly RenderedRule[] {
  const isThere = (one: RenderedRule | undefined) => one !== undefined;
  return rules.every(isThere) ? rules : rules.filter(isThere);
}
