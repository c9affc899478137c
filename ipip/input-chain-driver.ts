/**
 * SHELL: our rules in INPUT, in the one iptables that this host uses, and in no other. The plans are those of input-chain.ts, the choice that
 * of iptables-choice.ts.
 */
import type { AddressFamily } from '../core/ip-address.js';
import { variantsToTry } from '../linux/iptables-choice.js';
import { type GuardFirewall, ToolMissingError } from './guard-firewall.js';
import { type InputChain, inputPlan, noInputChain, plannedChain, refersTo } from './input-chain.js';
import { type Variant, variantsOf } from './packet-filter.js';

export class InputChainDriver {
  readonly #firewall: Pick<GuardFirewall, 'readInput' | 'restoreRules' | 'usage'>;
  readonly #variants: readonly Variant[];
  /** The variant that took our rules last. */
  #variant: Variant | undefined;
  /** It has refused since: the choice is made anew. */
  #refused = false;
  /** As found or written last. */
  readonly #chains = new Map<Variant, InputChain>();

  constructor(firewall: Pick<GuardFirewall, 'readInput' | 'restoreRules' | 'usage'>, family: AddressFamily) {
    this.#firewall = firewall;
    this.#variants = variantsOf[family];
  }

  /** The one in use; undefined: there is none yet. */
  get variant(): Variant | undefined {
    return this.#variant;
  }

  /** Of the variant in use. */
  get chain(): InputChain {
    return (this.#variant === undefined ? undefined : this.#chains.get(this.#variant)) ?? noInputChain;
  }

  /** Whether a rule of ours in either variant refers to that set. */
  referTo(set: string): boolean {
    return [...this.#chains.values()].some(chain => refersTo(chain, set));
  }

  /** The variant in use, or both where the choice is open. @throws where the one in use cannot be read */
  async read(): Promise<void> {
    const chosen = this.#refused ? undefined : this.#variant;
    if (chosen !== undefined) await this.#readOne(chosen);
    // One that cannot be read may be the one that is not used.
    else for (const variant of this.#variants) await this.#readOne(variant).catch(() => {});
  }

  /** Whether anything had to be written. @throws where no variant takes the rules, with what each said */
  async write(rules: readonly string[]): Promise<boolean> {
    const reasons: string[] = [];
    for (const variant of await this.#toTry()) {
      try {
        const written = await this.#writeTo(variant, rules);
        this.#variant = variant;
        this.#refused = false;
        return written;
      } catch (error) {
        reasons.push((error as Error).message);
      }
    }
    this.#refused = true;
    throw reasons.length === 0 ? new ToolMissingError('iptables') : new Error(reasons.join('; '));
  }

  /** What is of ours in the other variant goes. @returns its chain @throws where it cannot be read or written */
  async sweep(): Promise<{ readonly variant: Variant; readonly chain: InputChain } | undefined> {
    const other = this.#variants.find(variant => variant !== this.#variant)!;
    await this.#readOne(other);
    const chain = this.#chains.get(other);
    if (chain === undefined) return undefined;
    await this.#writeTo(other, []);
    return { variant: other, chain };
  }

  /** Nothing of ours is left, in either. @throws where something is and would not go */
  async clear(): Promise<void> {
    for (const variant of this.#variants) {
      await this.#readOne(variant).catch(() => {});
      await this.#writeTo(variant, []);
    }
    this.#variant = undefined;
  }

  async #toTry(): Promise<readonly Variant[]> {
    if (this.#variant !== undefined && !this.#refused) return [this.#variant];
    const [nft, legacy] = await Promise.all(this.#variants.map(variant => this.#firewall.usage(variant)));
    return variantsToTry({ nft: nft!, legacy: legacy! }).map(
      which => this.#variants[which === 'nft' ? 0 : 1]!,
    );
  }

  async #readOne(variant: Variant): Promise<void> {
    const chain = await this.#firewall.readInput(variant);
    if (chain === undefined) this.#chains.delete(variant);
    else this.#chains.set(variant, chain);
  }

  async #writeTo(variant: Variant, rules: readonly string[]): Promise<boolean> {
    const chain = this.#chains.get(variant) ?? noInputChain;
    const input = inputPlan(chain, rules);
    if (input === undefined) return false;
    await this.#firewall.restoreRules(variant, input);
    this.#chains.set(variant, plannedChain(chain, rules));
    return true;
  }
}
