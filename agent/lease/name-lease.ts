/**
 * SHELL: the lease of this host's name: claimed, renewed for as long as the process lives, and watched where another has it;
 * `name-claim.ts` decides. Where the store can be neither read nor written, what was so stays so: a host keeps its name.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Store } from '../../store/port.js';
import type { HostIdentity } from '../host-identity.js';
import { nodeLeaseName } from './lease-document.js';
import { LeaseRecord, type WrittenLease } from './lease-record.js';
import { type LeaseSight, type LeaseSpec, missLease, seeLease } from './lease-sight.js';
import { type NameMove, nameMove } from './name-claim.js';

export interface NameLeaseOptions {
  readonly nodeName: string;
  readonly identity: HostIdentity;
  readonly store: Store;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly unixMs: () => number;
  readonly durationSeconds: () => number;
  /** Of this host. */
  readonly addresses: () => readonly IpAddress[];
  /** Those by which it announces itself, as far as no other host is in its way. */
  readonly announced: () => readonly IpAddress[];
  /** The verdict is another one, or its reason. */
  readonly changed: () => void;
  /** Somebody else had the name for a moment, and may have written in it. */
  readonly regained: () => void;
}

export type NameVerdict =
  /** Nothing is known yet. */
  | { readonly kind: 'undecided'; readonly rival: LeaseSpec | undefined }
  /** `problem`: it is not in the store, which cannot be read or written. */
  | { readonly kind: 'ours'; readonly problem: string | undefined }
  /** The name is another host's, or another process's with our identity. */
  | { readonly kind: 'refused'; readonly rival: LeaseSpec }
  /** It was taken from this process by hand. */
  | { readonly kind: 'retired' };

/** While something is not as it should be. */
const SOON_MS = 5000;

export class NameLease {
  readonly #options: NameLeaseOptions;
  readonly #record: LeaseRecord;
  #verdict: NameVerdict = { kind: 'undecided', rival: undefined };
  #sight: LeaseSight | undefined;
  /** As it was written last, while it is not known that somebody else has written since. */
  #held: LeaseSpec | undefined;
  #term: number | undefined;
  #timer: Timer | undefined;
  #turn: Promise<void> | undefined;
  #closed = false;

  constructor(options: NameLeaseOptions) {
    this.#options = options;
    this.#record = new LeaseRecord(options.store, options.clock, nodeLeaseName(options.nodeName));
  }

  get verdict(): NameVerdict {
    return this.#verdict;
  }

  /** Own, as it was written last; undefined: it is not ours, or was never written. */
  get held(): LeaseSpec | undefined {
    return this.#verdict.kind === 'ours' ? this.#held : undefined;
  }

  /** Looks, claims or renews now; resolves when that is done. */
  async review(): Promise<void> {
    if (this.#closed) return;
    this.#timer?.cancel();
    const turn = Promise.resolve(this.#turn).then(() => (this.#closed ? undefined : this.#take()));
    this.#turn = turn;
    await turn;
    if (this.#turn !== turn || this.#closed || this.#verdict.kind === 'retired') return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(this.#pauseMs(), () => void this.review());
  }

  /** The lease stays: the host does, too. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #take(): Promise<void> {
    // Once made to leave, this process does not come back.
    if (this.#verdict.kind === 'retired') return;
    if (this.#held !== undefined) {
      const written = await this.#write(this.#held, 'renew');
      if (written.kind === 'written') return;
      if (written.kind === 'unavailable') return this.#away(written.detail);
    }
    const found = await this.#record.read();
    if (found.kind === 'unavailable') {
      this.#sight = missLease(this.#sight);
      return this.#away(found.detail);
    }
    const longestGapMs = this.#options.durationSeconds() * 1000;
    this.#sight =
      found.spec === undefined ? undefined : seeLease(this.#sight, found.spec, { ...found, longestGapMs });
    await this.#do(this.#move(), found.spec);
  }

  #move(): NameMove {
    const { identity, addresses } = this.#options;
    return nameMove(this.#sight, { ...identity, addresses: addresses(), term: this.#term });
  }

  async #do(move: NameMove, found: LeaseSpec | undefined): Promise<void> {
    switch (move) {
      case 'claim':
      case 'renew':
      case 'take-back': {
        const written = await this.#write(found, move);
        // Looked at anew in the next turn, which is soon.
        if (written.kind === 'raced') return;
        if (written.kind === 'unavailable') return this.#away(written.detail);
        this.#say({ kind: 'ours', problem: undefined });
        if (move === 'take-back') this.#options.regained();
        return;
      }
      case 'wait':
        // What runs goes on until it is known that another host lives by this name.
        if (this.#verdict.kind !== 'ours') return this.#say({ kind: 'undecided', rival: found });
        return this.#say({
          kind: 'ours',
          problem: 'somebody else has claimed it; whether he lives is not known',
        });
      case 'refuse':
        return this.#say({ kind: 'refused', rival: found! });
      case 'leave':
        this.#say({ kind: 'retired' });
        // Whoever has sent it off waits for that.
        return await this.#record.remove();
    }
  }

  /** Whoever is not known to be another's is this host. */
  #away(detail: string): void {
    const { kind } = this.#verdict;
    const known = kind === 'undecided' && this.#sight !== undefined && this.#move() === 'wait';
    if (kind === 'ours' || (kind === 'undecided' && !known)) this.#say({ kind: 'ours', problem: detail });
  }

  async #write(found: LeaseSpec | undefined, move: NameMove): Promise<WrittenLease> {
    const spec = this.#next(found, move);
    const written = await this.#record.write(spec);
    this.#held = written.kind === 'written' ? spec : undefined;
    if (written.kind === 'written') this.#term = spec.term;
    return written;
  }

  #next(found: LeaseSpec | undefined, move: NameMove): LeaseSpec {
    const { nodeName, identity, unixMs, durationSeconds, announced } = this.#options;
    const now = unixMs();
    const ours = found?.instance === identity.instance;
    const before = ours ? found.addresses : undefined;
    const ownTerm = this.#term ?? found?.term ?? 1;
    return {
      ...{ holder: nodeName, ...identity },
      addresses: announced().map(address => ({
        address,
        sinceUnixMs: before?.find(one => one.address === address)?.sinceUnixMs ?? now,
      })),
      term: move === 'claim' ? (found?.term ?? 0) + 1 : ownTerm,
      renewals: (found?.renewals ?? 0) + 1,
      durationSeconds: durationSeconds(),
      sinceUnixMs: ours ? found.sinceUnixMs : now,
      renewedUnixMs: now,
    };
  }

  #pauseMs(): number {
    const { durationSeconds, random } = this.#options;
    const usual = (durationSeconds() * 1000) / 3;
    const settled = this.#held !== undefined && this.#verdict.kind === 'ours' && !this.#verdict.problem;
    return (settled ? usual : Math.min(usual / 3, SOON_MS)) * (0.8 + 0.2 * random());
  }

  #say(verdict: NameVerdict): void {
    const same = wordOf(verdict) === wordOf(this.#verdict);
    this.#verdict = verdict;
    if (!same) this.#options.changed();
  }
}

/** A rival that is renewed is the same rival. */
function wordOf(verdict: NameVerdict): string {
  switch (verdict.kind) {
    case 'undecided':
    case 'refused':
      return `${verdict.kind} ${verdict.rival?.process}`;
    case 'ours':
      return `ours ${verdict.problem}`;
    case 'retired':
      return 'retired';
  }
}
