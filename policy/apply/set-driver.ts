/** SHELL: our sets in the kernel. One restore for all changes; where that is refused, one for each set, so that one bad set costs itself alone. */
import type { Clock } from '../../core/clock.js';
import type { RenderedSet } from '../rendered.js';
import { type FilterKernel, NoSetsError } from './kernel.js';
import type { BadSets } from './refused-sets.js';
import { parseSavedSets } from './saved-sets.js';
import { changedSets, planSets, type SavedSets, type SetChange, type SetPlan } from './set-plan.js';

export type SetOutcome =
  | { readonly kind: 'done'; readonly written: boolean; readonly mistyped: readonly string[] }
  | { readonly kind: 'busy'; readonly reason: string };

/** The kernel takes about 40 ms to destroy one, and does nothing else with sets meanwhile. */
const MOST_DESTROYED = 4;
/** A set that was refused is tried again after this, or when it is another. */
const REFUSED_PAUSE_MS = 60_000;
/** A host without ipsets is asked again after this. */
const LACKING_PAUSE_MS = 5000;
/** The kernel lets go of a set a moment after the last rule that refers to it. */
const PATIENT_DESTROYS = 3;

export class SetDriver {
  readonly #kernel: Pick<FilterKernel, 'saveSets' | 'restoreSets' | 'destroySet'>;
  readonly #clock: Clock;
  #found: SavedSets | undefined;
  #writing = false;
  #applied: readonly RenderedSet[] | undefined;
  #bad = new Map<string, BadSet>();
  /** Why this host has no ipsets. */
  #lacking: { readonly reason: string; readonly tryAtMs: number } | undefined;
  /** Obsolete ones that would not go. */
  #stuck: ReadonlyMap<string, { readonly reason: string; readonly times: number }> = new Map();

  constructor(kernel: Pick<FilterKernel, 'saveSets' | 'restoreSets' | 'destroySet'>, clock: Clock) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  get known(): boolean {
    return this.#found !== undefined;
  }

  /** What the kernel holds: another object after every read and write. Undefined while that is not known. */
  get certain(): SavedSets | undefined {
    return this.#writing ? undefined : this.#found;
  }

  /** As found or written last. */
  get found(): SavedSets {
    return this.#found ?? new Map();
  }

  get bad(): BadSets {
    return this.#bad;
  }

  /** Why there can be no sets on this host, for now. */
  get lacking(): string | undefined {
    return this.#lacking?.reason;
  }

  /** When {@link apply} would try again what is bad; infinity: there is nothing. */
  get tryAtMs(): number {
    return Math.min(...[...this.#bad.values()].map(({ tryAtMs }) => tryAtMs));
  }

  /** Obsolete ones that cannot be destroyed, and why. */
  get stuck(): readonly (readonly [name: string, reason: string])[] {
    const long = [...this.#stuck].filter(([, { times }]) => times >= PATIENT_DESTROYS);
    return long.map(([name, { reason }]) => [name, reason]);
  }

  /** @returns what would have to be done to make them again what they were made last @throws where they cannot be read */
  async read(): Promise<SetPlan | undefined> {
    return (await this.fetch())();
  }

  /** The same in two steps: asks the kernel, and changes nothing before what it returns is called. */
  async fetch(): Promise<() => SetPlan | undefined> {
    const saved = await this.#kernel.saveSets().catch((error: unknown) => {
      if (error instanceof NoSetsError) return error;
      throw error;
    });
    return () => this.#took(saved);
  }

  #took(saved: string | NoSetsError): SetPlan | undefined {
    if (saved instanceof NoSetsError) {
      // The command may have gone: what it made stays as it was.
      this.#found ??= new Map();
      this.#lacking = { reason: saved.message, tryAtMs: this.#clock.now() + LACKING_PAUSE_MS };
      return undefined;
    }
    this.#found = parseSavedSets(saved);
    if (this.#lacking !== undefined) this.#bad = new Map();
    this.#lacking = undefined;
    if (this.#applied === undefined) return undefined;
    const plan = planSets(this.#notBad(this.#applied), this.#found);
    return plan.changes.length + plan.mistyped.length > 0 ? plan : undefined;
  }

  /** What {@link apply} would do. */
  plan(wanted: readonly RenderedSet[]): SetPlan {
    return planSets(wanted, this.found);
  }

  /** Everything that rules may refer to from now on is there afterwards, but for {@link bad}. @throws where they cannot be read */
  async apply(wanted: readonly RenderedSet[]): Promise<SetOutcome> {
    if (this.#found === undefined || this.#mayBeHad()) await this.read();
    this.#forgetOutdated(wanted);
    if (this.#lacking !== undefined) return this.#doWithout(wanted, this.#lacking);
    const { changes, mistyped } = planSets(this.#notBad(wanted), this.found);
    this.#applied = wanted;
    if (changes.length === 0) return { kind: 'done', written: false, mistyped };
    const outcome = await this.#write(() => this.#kernel.restoreSets(textOf(changes)));
    if (outcome.kind === 'busy') {
      this.#found = undefined;
      return outcome;
    }
    if (outcome.kind === 'done') for (const change of changes) this.#found = changedSets(this.found, change);
    else {
      await this.read();
      if (this.#lacking !== undefined) return this.#doWithout(wanted, this.#lacking);
      const busy = await this.#oneByOne(wanted);
      if (busy !== undefined) return { kind: 'busy', reason: busy };
    }
    return { kind: 'done', written: true, mistyped };
  }

  #mayBeHad(): boolean {
    return this.#lacking !== undefined && this.#bad.size > 0 && this.#clock.now() >= this.#lacking.tryAtMs;
  }

  /** What is there already is as good as it was; all else is bad. */
  #doWithout(
    wanted: readonly RenderedSet[],
    { reason, tryAtMs }: { readonly reason: string; readonly tryAtMs: number },
  ): SetOutcome {
    const { changes, mistyped } = planSets(wanted, this.found);
    const names = new Set([...changes.map(({ name }) => name), ...mistyped]);
    this.#applied = wanted;
    this.#bad = new Map(
      wanted
        .filter(({ name }) => names.has(name))
        .map(({ name, members }) => [name, { reason, missing: !this.found.has(name), members, tryAtMs }]),
    );
    return { kind: 'done', written: false, mistyped: [] };
  }

  async #write<T>(write: () => Promise<T>): Promise<T> {
    this.#writing = true;
    try {
      return await write();
    } finally {
      this.#writing = false;
    }
  }

  #notBad(wanted: readonly RenderedSet[]): readonly RenderedSet[] {
    return this.#bad.size === 0 ? wanted : wanted.filter(({ name }) => !this.#bad.has(name));
  }

  #forgetOutdated(wanted: readonly RenderedSet[]): void {
    if (this.#bad.size === 0) return;
    const now = this.#clock.now();
    const byName = new Map(wanted.map(set => [set.name, set]));
    for (const [name, { members, tryAtMs }] of this.#bad)
      if (tryAtMs <= now || byName.get(name)?.members !== members) this.#bad.delete(name);
  }

  /** A part may have been done. @returns why it could not be gone on with */
  async #oneByOne(wanted: readonly RenderedSet[]): Promise<string | undefined> {
    const bad = new Map<string, BadSet>();
    for (const change of planSets(this.#notBad(wanted), this.found).changes) {
      const outcome = await this.#write(() => this.#kernel.restoreSets(textOf([change])));
      if (outcome.kind === 'busy') {
        this.#found = undefined;
        return outcome.reason;
      }
      const { name } = change;
      const { members } = change.after;
      const tryAtMs = this.#clock.now() + REFUSED_PAUSE_MS;
      if (outcome.kind === 'done') this.#found = changedSets(this.found, change);
      else bad.set(name, { reason: outcome.reason, missing: false, members, tryAtMs });
    }
    if (bad.size > 0) await this.read();
    for (const [name, one] of bad) this.#bad.set(name, { ...one, missing: !this.found.has(name) });
    return undefined;
  }

  /**
   * Destroys some of what nobody wants. @param held what rules still refer to
   * @param isUrgent something else is: the rest waits
   * @returns whether there is more to be done
   */
  async removeObsolete(
    wanted: readonly RenderedSet[],
    held: () => ReadonlySet<string>,
    isUrgent: () => boolean,
  ): Promise<boolean> {
    const names = new Set(wanted.map(({ name }) => name));
    const unwanted = [...this.found.keys()].filter(name => !names.has(name));
    const inUse = unwanted.length === 0 ? new Set() : held();
    return await this.destroy(
      unwanted.filter(name => !inUse.has(name)),
      isUrgent,
    );
  }

  /** Some of these, those that would not go last. @returns whether any is left */
  async destroy(names: readonly string[], isUrgent: () => boolean = () => false): Promise<boolean> {
    if (this.#lacking !== undefined) return false;
    const stuck = new Map<string, { reason: string; times: number }>();
    const timesStuck = (name: string) => this.#stuck.get(name)?.times ?? 0;
    const inOrder = names.toSorted((a, b) => timesStuck(a) - timesStuck(b));
    for (const name of inOrder.slice(0, MOST_DESTROYED)) {
      if (isUrgent()) return true;
      const outcome = await this.#write(() => this.#kernel.destroySet(name));
      if (outcome.kind === 'done' || /does not exist/.test(outcome.reason)) {
        const left = new Map(this.found);
        left.delete(name);
        this.#found = left;
      } else stuck.set(name, { reason: outcome.reason, times: timesStuck(name) + 1 });
    }
    this.#stuck = stuck;
    return names.length > MOST_DESTROYED || stuck.size > 0;
  }
}

interface BadSet {
  readonly reason: string;
  readonly missing: boolean;
  /** What was refused. */
  readonly members: ReadonlySet<string>;
  readonly tryAtMs: number;
}

function textOf(changes: readonly SetChange[]): string {
  const lines: string[] = [];
  for (const change of changes) for (const line of change.lines) lines.push(line);
  lines.push('');
  return lines.join('\n');
}
