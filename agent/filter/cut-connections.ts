/**
 * SHELL: connections that go on and that policy denies by now, where it asks for their end (`flushOnDeny`): their entries are marked in the
 * kernel, chains of workloads drop what is marked, and the mark goes as soon as policy allows them again.
 *
 * Why they are not deleted: the next packet of either end would make a new entry, and where policy lets that end connect, a TCP connection
 * (net.netfilter.nf_conntrack_tcp_loose) or an exchange by UDP goes on by it as if nothing had been.
 *
 * Each pass compares all entries with what they should be. So it does not matter what was marked before, or by whom: an agent that starts finds
 * the marks of the one before it. Passes come after the rules that drop what is marked are in force; what may begin between the wish for
 * a policy and then is marked by the pass after it. They judge by the newest wish, which may be a step ahead of the kernel: its own pass follows.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { ConntrackEntry } from '../../linux/netlink/conntrack.js';
import type { RefusedEntry } from '../../linux/netlink/conntrack-table.js';
import { cutsAny } from '../../policy/flush-on-deny.js';
import type { HostPolicy } from '../../policy/model.js';
import { allocateMarks } from '../../policy/render/marks.js';
import type { FilterSettings } from '../../policy/settings.js';
import { type Fate, fateNow, type HostPlaces, isOfAny } from './denied-connections.js';

/** Connections that the kernel tracks. */
export interface Connections {
  /** @param marked only such whose marks have all of these bits */
  find(selects: (entry: ConntrackEntry) => boolean, marked?: number): Promise<readonly ConntrackEntry[]>;
  /** Of their marks the bits of `mask`; returns those that could not be changed. */
  mark(
    entries: readonly ConntrackEntry[],
    bits: number,
    mask: number,
  ): Promise<readonly Pick<RefusedEntry, 'entry' | 'refusal'>[]>;
  /** Returns how many there still were. */
  end(entries: readonly ConntrackEntry[]): Promise<number>;
}

export type FilterLog = (level: 'info' | 'warn', message: string, detail: string) => void;

/** What is in force. */
export interface InForce {
  readonly policy: HostPolicy;
  readonly settings: FilterSettings;
  readonly places: HostPlaces;
  /** Of workloads about to go: their connections stay as they are, until they end with them. */
  readonly leaving: ReadonlySet<IpAddress>;
}

export class CutConnections {
  readonly #connections: Connections;
  readonly #log: FilterLog;
  /** Nobody knows what an agent before this one has left. */
  #mayBeMarked = true;
  /** Every bit that has stood for it: the mask of marks may have changed. */
  readonly #bits = new Set<number>();
  #next: InForce | undefined;
  #working = false;

  constructor(connections: Connections, log: FilterLog) {
    this.#connections = connections;
    this.#log = log;
  }

  /** Connections are to follow what has come into force. Nothing is looked at where none is cut and none may be marked. */
  follow(now: InForce): void {
    if (!this.#mayBeMarked && !cutsAny(now.policy.policies, now.settings)) return;
    this.#next = now;
    if (!this.#working) void this.#work();
  }

  /** Passes that were asked for during one are one. */
  async #work(): Promise<void> {
    this.#working = true;
    while (this.#next !== undefined) {
      const now = this.#next;
      this.#next = undefined;
      try {
        await this.#pass(now);
      } catch (error) {
        this.#failed(now, error as Error);
      }
    }
    this.#working = false;
  }

  async #pass({ policy, settings, places, leaving }: InForce): Promise<void> {
    const { cut } = allocateMarks(settings.markMask);
    this.#bits.add(cut);
    const judge = fateNow(policy, settings, places);
    const fateOf = (entry: ConntrackEntry) => (isOfAny(entry, leaving) ? 'unknown' : judge(entry));
    if (cutsAny(policy.policies, settings)) await this.#cutDenied(fateOf, cut);
    if (this.#mayBeMarked) await this.#clearOthers(fateOf, cut);
  }

  async #cutDenied(fateOf: (entry: ConntrackEntry) => Fate, bit: number): Promise<void> {
    const isMarked = ({ mark }: ConntrackEntry) => (mark & bit) !== 0;
    const found = await this.#connections.find(entry => {
      const fate = fateOf(entry);
      return fate === 'ended' || (fate === 'cut' && !isMarked(entry));
    });
    const denied = found.filter(entry => fateOf(entry) === 'cut');
    const unmarkable = denied.length === 0 ? [] : await this.#mark(denied, bit);
    const left = [...unmarkable, ...found.filter(entry => fateOf(entry) === 'ended')];
    const ended = left.length === 0 ? 0 : await this.#connections.end(left);
    if (ended > 0) this.#log('info', 'connections ended', `${ended} that policy denies now`);
  }

  /** @returns those that could not be marked */
  async #mark(entries: readonly ConntrackEntry[], bit: number): Promise<readonly ConntrackEntry[]> {
    this.#mayBeMarked = true;
    const refused = await this.#connections.mark(entries, bit, bit);
    const count = entries.length - refused.length;
    if (count > 0) this.#log('info', 'connections cut', `${count} that policy denies now`);
    const [first] = refused;
    if (first === undefined) return [];
    const { errno, text } = first.refusal;
    const words = 'cannot be marked and are ended instead: their other ends may take them up again';
    const why = `errno ${errno} ${text}`.trimEnd();
    this.#log('warn', 'connections could not be cut', `${refused.length} ${words} (${why})`);
    return refused.map(({ entry }) => entry);
  }

  /**
   * Marks of what is not denied any more. What was marked just now is among those that are looked at: where an entry has gone meanwhile, the
   * kernel may have marked one for the other way, which has come in its place and may go on.
   */
  async #clearOthers(fateOf: (entry: ConntrackEntry) => Fate, bit: number): Promise<void> {
    let left = 0;
    for (const one of this.#bits) {
      const marked = await this.#connections.find(() => true, one);
      const others = marked.filter(entry => one !== bit || fateOf(entry) === 'goes-on');
      const refused = others.length === 0 ? [] : await this.#connections.mark(others, 0, one);
      const count = others.length - refused.length;
      if (count > 0 && one === bit)
        this.#log('info', 'connections go on', `${count} that were cut and are not denied any more`);
      if (refused.length > 0)
        this.#log('warn', 'connections stay cut', `${refused.length} whose marks cannot be changed`);
      left += marked.length - count;
    }
    this.#mayBeMarked = left > 0;
  }

  #failed({ policy, settings }: InForce, { message }: Error): void {
    // Who cannot be asked for marks has none, as far as anybody needs to know where no rule drops what has one.
    if (!cutsAny(policy.policies, settings)) this.#mayBeMarked = false;
    else this.#log('warn', 'connections could not be cut', `those that policy denies now: ${message}`);
  }
}
