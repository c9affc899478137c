/**
 * SHELL: what the guard in front of tunnels has in the kernel, made what it should be: hosts into the set first (one that is announced to must
 * never find itself locked out), then rules, then what is not wanted any more out of the set.
 */
import type { AddressFamily } from '../core/ip-address.js';
import type { GuardFirewall } from './guard-firewall.js';
import { GuardRefusal, leftoverProblem, nftablesProblem, otherVariantProblem } from './guard-problems.js';
import type { HostProblem } from './host-problem.js';
import {
  type GuardedEncapsulation,
  type GuardedInput,
  guardedBy,
  guardRules,
  inputPlan,
} from './input-chain.js';
import { InputChainDriver } from './input-chain-driver.js';
import { KnownHostsDriver, type SetWrites } from './known-hosts-driver.js';
import { type Element, type SetKind, setKinds } from './known-hosts-set.js';
import type { Variant } from './packet-filter.js';

export interface GuardMade {
  /** What had to be written, in words; empty: all was as it should be. */
  readonly written: readonly string[];
  /** What should have gone and has not. */
  readonly leftover: HostProblem | undefined;
  /** There is more to do, now that this is done. */
  readonly again: boolean;
}

export interface GuardSurroundings {
  /** Nothing of ours is left in the other iptables. */
  readonly swept: boolean;
  readonly problems: readonly HostProblem[];
}

export class GuardDriver {
  readonly #firewall: GuardFirewall;
  readonly #kind: SetKind;
  readonly #hosts: KnownHostsDriver;
  readonly #chains: InputChainDriver;
  #wanted: GuardedInput = { receives: [], workloadInterfacePrefixes: [] };

  constructor(firewall: GuardFirewall, family: AddressFamily) {
    this.#firewall = firewall;
    this.#kind = setKinds[family];
    this.#hosts = new KnownHostsDriver({
      firewall,
      kind: this.#kind,
      mayTrim: () => this.#rulesAreRight(),
    });
    this.#chains = new InputChainDriver(firewall, family);
  }

  /** What should be from now on. */
  want(elements: ReadonlySet<Element>, wanted: GuardedInput): void {
    this.#hosts.want(elements);
    this.#wanted = wanted;
  }

  /** Hosts into the set, by what is known of the kernel: waits for nothing but another write to the set. @throws with what ipset said */
  async follow(): Promise<void> {
    await this.#hosts.follow();
  }

  get #set(): string {
    return `ipset ${this.#kind.main}`;
  }

  get #input(): string {
    return this.#kind.family === 'ipv4' ? 'iptables INPUT' : 'ip6tables INPUT';
  }

  get variant(): Variant | undefined {
    return this.#chains.variant;
  }

  /** What nobody unknown gets through with, by what was found or written last. */
  guarded(): readonly GuardedEncapsulation[] {
    const { chain } = this.#chains;
    return [...guardedBy(chain, this.#kind.main), ...guardedBy(chain, this.#kind.spare)];
  }

  /** What the set holds, by the same. A new one for each change. */
  get members(): ReadonlySet<Element> {
    return this.#hosts.members;
  }

  /** Looks at the kernel and mends what is not as it should be. @throws GuardRefusal */
  async make(wanted: GuardedInput): Promise<GuardMade> {
    const hosts = this.#hosts;
    const chains = this.#chains;
    const [looked, read] = await Promise.allSettled([
      about(this.#set, hosts.look()),
      about(this.#input, chains.read()),
    ]);
    if (looked.status === 'rejected') throw looked.reason;
    if (read.status === 'rejected') throw read.reason;
    const written = setWords(looked.value);
    if (!hosts.settled)
      written.push(...setWords(await about(this.#set, hosts.make(chains.referTo(this.#kind.main)))));
    if (await about(this.#input, chains.write(guardRules(wanted, hosts.name))))
      written.push(`rules written by ${chains.variant}`);
    return { written, ...(await this.#tidyUp()) };
  }

  /** Nothing of ours is left. Rules first: a set that one refers to cannot be destroyed. @throws GuardRefusal */
  async letGo(): Promise<void> {
    await about(this.#input, this.#chains.clear());
    await about(this.#set, this.#hosts.clear());
  }

  /** What changes rarely: what is left of ours in the other iptables goes, and what else drops packets to this host is named. */
  async lookAround(receives: readonly GuardedEncapsulation[]): Promise<GuardSurroundings> {
    const problems: HostProblem[] = [];
    let swept = true;
    try {
      const other = await about(this.#input, this.#chains.sweep());
      if (other?.chain.policy === 'DROP') problems.push(otherVariantProblem(other.variant, receives));
    } catch (refusal) {
      swept = false;
      problems.push(leftoverProblem(refusal as GuardRefusal));
    }
    for (const chain of await this.#firewall.nftablesDrops(this.#kind.family))
      problems.push(nftablesProblem(chain, receives));
    return { swept, problems };
  }

  /** Nobody is less guarded for what stays behind. */
  async #tidyUp(): Promise<{ readonly leftover: HostProblem | undefined; readonly again: boolean }> {
    const hosts = this.#hosts;
    try {
      await about(this.#set, hosts.follow());
      // The main set goes, and rules can come back to one of its name.
      const again = !hosts.settled && hosts.hasObsolete;
      await about(this.#set, hosts.removeObsolete());
      return { leftover: undefined, again };
    } catch (refusal) {
      return { leftover: leftoverProblem(refusal as GuardRefusal), again: false };
    }
  }

  #rulesAreRight(): boolean {
    const rules = guardRules(this.#wanted, this.#hosts.name);
    return rules.length > 0 && inputPlan(this.#chains.chain, rules) === undefined;
  }
}

/** @throws GuardRefusal */
async function about<T>(object: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new GuardRefusal(object, (error as Error).message);
  }
}

function setWords({ added, deleted }: SetWrites): string[] {
  const words: string[] = [];
  if (added > 0) words.push(`${added} added to the set of known hosts`);
  if (deleted > 0) words.push(`${deleted} removed from it`);
  return words;
}
