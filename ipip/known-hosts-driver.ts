/**
 * SHELL: the set of known hosts in the kernel, made what it should be. One write at a time; additions never wait for rules. The plans are
 * those of known-hosts-set.ts.
 */
import type { GuardFirewall } from './guard-firewall.js';
import {
  changedSet,
  type Element,
  type FoundSet,
  isFit,
  isOwnSet,
  parseSavedSet,
  type SetKind,
  type SetPlan,
  setChange,
  setPlan,
} from './known-hosts-set.js';

export interface KnownHostsOptions {
  readonly firewall: Pick<GuardFirewall, 'readSet' | 'setNames' | 'restoreSets' | 'destroySet'>;
  readonly kind: SetKind;
  /** Whether the rules are such that hosts which are not wanted may go from the set. */
  readonly mayTrim: () => boolean;
}

/** How many elements were written. */
export interface SetWrites {
  readonly added: number;
  readonly deleted: number;
}

const nothingWritten: SetWrites = { added: 0, deleted: 0 };

export class KnownHostsDriver {
  readonly #options: KnownHostsOptions;
  readonly #kind: SetKind;
  #wanted: ReadonlySet<Element> = new Set();
  /** As found or written last; undefined: there is none. */
  #main: FoundSet | undefined;
  #spare: FoundSet | undefined;
  /** Whether a spare set may be there that nobody remembers. */
  #spareDoubted = true;
  /** The set for rules to refer to, if there is one that is fit. */
  #current: { readonly name: string; readonly set: FoundSet } | undefined;
  #obsolete: readonly string[] = [];
  /** The main set would not be destroyed once, though no rule of ours refers to it. */
  #mainHeld = false;
  /** What the main set was parsed from: the same text is not parsed again. */
  #mainText: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: KnownHostsOptions) {
    this.#options = options;
    this.#kind = options.kind;
  }

  /** What the set should hold from now on. */
  want(elements: ReadonlySet<Element>): void {
    this.#wanted = elements;
  }

  /** What rules are to refer to. */
  get name(): string {
    return this.#current?.name ?? this.#kind.main;
  }

  /** Whether that is the main set, and fit. */
  get settled(): boolean {
    return this.#current?.name === this.#kind.main;
  }

  /** Whether {@link removeObsolete} has something to do. */
  get hasObsolete(): boolean {
    return this.#obsolete.length > 0;
  }

  /** A new one for each change. */
  get members(): ReadonlySet<Element> {
    return this.#current?.set.members ?? new Set();
  }

  /** The difference, by what is known of the kernel already. @throws with what ipset said */
  follow(): Promise<SetWrites> {
    return this.#oneAtATime(() => this.#change());
  }

  /** The same after reading the set. Where the main set is not {@link settled}, {@link make} is next. @throws with what ipset said */
  look(): Promise<SetWrites> {
    return this.#oneAtATime(async () => {
      await this.#read();
      return this.#change();
    });
  }

  /** @param mainReferenced whether a rule of ours refers to the main set @throws with what ipset said */
  make(mainReferenced: boolean): Promise<SetWrites> {
    return this.#oneAtATime(async () => {
      if (this.settled) return nothingWritten;
      if (!mainReferenced && !this.#mainHeld && this.#main !== undefined) {
        try {
          return await this.#carryOut(this.#plan(false));
        } catch {
          // It cannot be destroyed: rules of others refer to it.
          this.#mainHeld = true;
        }
      }
      return await this.#carryOut(this.#plan(mainReferenced || this.#mainHeld));
    });
  }

  /** Sets that no rule refers to any more. @throws where one is in use nevertheless */
  removeObsolete(): Promise<void> {
    return this.#oneAtATime(async () => {
      for (const name of this.#obsolete) {
        await this.#options.firewall.destroySet(name);
        this.#obsolete = this.#obsolete.filter(other => other !== name);
        if (name === this.#kind.spare) this.#spare = undefined;
        else this.#main = this.#mainText = undefined;
      }
    });
  }

  /** No set of ours is left. No rule may refer to one. @throws with what ipset said */
  async clear(): Promise<void> {
    const { firewall } = this.#options;
    const made = this.#current !== undefined;
    const names = await firewall.setNames().catch(error => {
      // Where ipset cannot be used, there is no set of ours.
      if (made) throw error;
      return [];
    });
    this.#current = undefined;
    this.#spareDoubted = true;
    for (const name of names) if (isOwnSet(name, this.#kind)) await firewall.destroySet(name);
  }

  async #read(): Promise<void> {
    const { firewall } = this.#options;
    const text = await firewall.readSet(this.#kind.main);
    const main = text === undefined || text === this.#mainText ? this.#main : parseSavedSet(text);
    const fit = text !== undefined && main !== undefined && isFit(main, this.#wanted.size, this.#kind);
    if (this.#spareDoubted || !fit) {
      const spare = await firewall.readSet(this.#kind.spare);
      this.#spare = spare === undefined ? undefined : parseSavedSet(spare);
      this.#spareDoubted = false;
    }
    this.#mainText = text;
    this.#main = text === undefined ? undefined : main;
    this.#current = fit ? { name: this.#kind.main, set: main } : this.#spareInUse();
    if (fit) this.#obsolete = this.#spare === undefined ? [] : [this.#kind.spare];
  }

  async #change(): Promise<SetWrites> {
    if (this.#current === undefined) return nothingWritten;
    const { name, set } = this.#current;
    const spare = this.#spare !== undefined;
    const change = setChange(name, set, this.#wanted, { trim: this.#options.mayTrim(), spare }, this.#kind);
    if (change.input === undefined) return nothingWritten;
    await this.#restore(change.input);
    this.#took(name, changedSet(set, change));
    return { added: change.added.length, deleted: change.deleted.length };
  }

  /** Rules stay with it until there is a main set again. */
  #spareInUse(): { readonly name: string; readonly set: FoundSet } | undefined {
    const set = this.#spare;
    const inUse =
      this.#current?.name === this.#kind.spare &&
      set !== undefined &&
      isFit(set, this.#wanted.size, this.#kind);
    return inUse ? { name: this.#kind.spare, set } : undefined;
  }

  #plan(mainReferenced: boolean): SetPlan {
    return setPlan({ main: this.#main, spare: this.#spare, mainReferenced }, this.#wanted, this.#kind);
  }

  async #carryOut({ use, input, set, obsolete }: SetPlan): Promise<SetWrites> {
    if (input !== undefined) await this.#restore(input);
    this.#took(use, set);
    this.#obsolete = obsolete;
    return input === undefined ? nothingWritten : { added: set.members.size, deleted: 0 };
  }

  async #restore(input: string): Promise<void> {
    try {
      await this.#options.firewall.restoreSets(input);
    } catch (error) {
      // A part may have been done; what was there before is taken to be there until the next look.
      this.#spareDoubted = true;
      throw error;
    }
  }

  #took(name: string, set: FoundSet): void {
    this.#current = { name, set };
    if (name === this.#kind.main) {
      this.#main = set;
      this.#mainText = undefined;
    } else this.#spare = set;
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
