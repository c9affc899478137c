/**
 * SHELL: the guard in front of tunnels: encapsulated packets reach this host from known hosts only. A packet filter with two rules for each
 * encapsulation that is received, and a set of hosts that they refer to; what others destroy of it is found at the next look and healed.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { AddressFamily, IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { GuardDriver, type GuardMade } from './guard-driver.js';
import { type GuardFirewall, ToolMissingError } from './guard-firewall.js';
import { type GuardRefusal, refusalProblem } from './guard-problems.js';
import type { HostProblem } from './host-problem.js';
import {
  encapsulationKey,
  type GuardedEncapsulation,
  type GuardedInput,
  removalPlan,
} from './input-chain.js';
import { type Element, isOwnSet, type SetKind, setKinds, wantedElements } from './known-hosts-set.js';
import { type Variant, variantsOf } from './packet-filter.js';

/** `receives`: what this host receives now, or is about to. */
export interface GuardIntent extends GuardedInput {
  /** Addresses of the cluster's nodes. */
  readonly knownHosts: readonly IpAddress[];
  /** Hosts and networks that are no nodes and may send encapsulated packets nevertheless. */
  readonly externalNodes: readonly Prefix[];
}

export interface TunnelGuardOptions {
  readonly clock: Clock;
  readonly firewall: GuardFirewall;
  /** Of the outer packets. */
  readonly family: AddressFamily;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
  /** After anything that {@link TunnelGuard.state} or {@link TunnelGuard.problems} tell has changed. */
  readonly changed: () => void;
}

/** By what was found in the kernel or written to it last. */
export interface GuardState {
  /** What nobody unknown gets through with. */
  readonly guarded: readonly GuardedEncapsulation[];
  /** Those of the intent's known hosts that are in the set (those of its family). None where nothing is received: then there is no set. */
  readonly knownHosts: ReadonlySet<IpAddress>;
}

/** From the beginning of one look to that of the next; slow ones are half of the time at most. */
const LOOK_MS = 2000;
/** Where commands are slow looks take a tenth of the time at most, and are not further apart than this. */
const MOST_SHARE = 0.1;
const LONGEST_PAUSE_MS = 5000;
/** What changes rarely: the other iptables, nftables' own chains. */
const LOOK_AROUND_MS = 30_000;

export class TunnelGuard {
  readonly #options: TunnelGuardOptions;
  readonly #kind: SetKind;
  readonly #driver: GuardDriver;
  #intent: GuardIntent | undefined;
  /** Counts intents. */
  #version = 0;
  /** The last look that ended. */
  #done: { readonly version: number; readonly programmed: boolean } | undefined;
  /** When the last look began that left nothing to be done. */
  #whole: { readonly version: number; readonly atMs: number } | undefined;
  #waiters: readonly { readonly version: number; readonly resolve: (programmed: boolean) => void }[] = [];
  #again = false;
  #looking = false;
  #timer: Timer | undefined;
  #lookedAround: { readonly atMs: number; readonly variant: Variant | undefined } | undefined;
  /** Nothing is received, and nothing of ours is left. */
  #gone = false;
  #refusal: HostProblem | undefined;
  #leftover: HostProblem | undefined;
  #around: readonly HostProblem[] = [];
  #told = '';
  #closed = false;

  constructor(options: TunnelGuardOptions) {
    this.#options = options;
    this.#kind = setKinds[options.family];
    this.#driver = new GuardDriver(options.firewall, options.family);
  }

  /** The same intent again changes nothing, and asks for no look. */
  setIntent(intent: GuardIntent): void {
    if (this.#closed || (this.#intent !== undefined && intentText(this.#intent) === intentText(intent)))
      return;
    this.#intent = intent;
    this.#version++;
    this.#driver.want(this.#wantedElements(intent), intent);
    // A look that is under way may wait for a lock; hosts must not. If this fails, the look that follows says so.
    void this.#driver.follow().then(
      () => this.#tell(),
      () => {},
    );
    this.#look();
  }

  /**
   * Resolves once the kernel holds at least everything of the intent that was set last: true; false where it cannot be had now, for the
   * reason in {@link problems}, or after {@link close}. What failed is tried again, and `changed` says when it has come.
   */
  programmed(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const version = Math.max(1, this.#version);
    if (this.#done !== undefined && this.#done.version >= version)
      return Promise.resolve(this.#done.programmed);
    return new Promise(resolve => {
      this.#waiters = [...this.#waiters, { version, resolve }];
    });
  }

  state(): GuardState {
    const { members } = this.#driver;
    const hosts = this.#intent?.knownHosts ?? [];
    return { guarded: this.#driver.guarded(), knownHosts: new Set(hosts.filter(host => members.has(host))) };
  }

  problems(): readonly HostProblem[] {
    return [this.#refusal, this.#leftover, ...this.#around].filter(problem => problem !== undefined);
  }

  /** Leaves everything in place. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { resolve } of this.#waiters) resolve(false);
    this.#waiters = [];
  }

  /** One at a time; one that is asked for meanwhile follows. */
  #look(): void {
    this.#timer?.cancel();
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    void this.#keepLooking();
  }

  async #keepLooking(): Promise<void> {
    const { clock } = this.#options;
    let beganMs = clock.now();
    while (this.#again && !this.#closed) {
      this.#again = false;
      beganMs = clock.now();
      await this.#lookOnce(this.#intent!, this.#version);
    }
    this.#looking = false;
    if (this.#closed || this.#gone) return;
    const tookMs = clock.now() - beganMs;
    const restMs = Math.min(LONGEST_PAUSE_MS, tookMs * (1 / MOST_SHARE - 1));
    this.#timer = clock.schedule(Math.max(LOOK_MS - tookMs, restMs), () => this.#look());
  }

  async #lookOnce(intent: GuardIntent, version: number): Promise<void> {
    const atMs = this.#options.clock.now();
    try {
      const { written, leftover, again } = await this.#made(intent);
      if (written.length > 0) this.#report(written, version);
      this.#refusal = undefined;
      this.#leftover = leftover;
      this.#again ||= again;
      this.#whole = { version, atMs };
      this.#finish(version, true);
      if (intent.receives.length > 0) await this.#lookAround(intent.receives);
    } catch (error) {
      const programmed = this.#holds(intent);
      this.#refuse(refusalProblem(intent.receives, error as GuardRefusal, programmed));
      this.#finish(version, programmed);
    }
  }

  async #made(intent: GuardIntent): Promise<GuardMade> {
    if (intent.receives.length > 0) {
      this.#gone = false;
      return this.#driver.make(intent);
    }
    if (!this.#gone) await this.#driver.letGo();
    this.#gone = true;
    this.#around = [];
    this.#lookedAround = undefined;
    return { written: [], leftover: undefined, again: false };
  }

  /** Whether everything of the intent is there, by what was found or written last: a look that failed has taken nothing away. */
  #holds(intent: GuardIntent): boolean {
    const { receives } = intent;
    if (receives.length === 0) return true;
    const guarded = new Set(this.#driver.guarded().map(encapsulationKey));
    const { members } = this.#driver;
    return (
      receives.every(one => guarded.has(encapsulationKey(one))) &&
      [...this.#wantedElements(intent)].every(element => members.has(element))
    );
  }

  #wantedElements({ knownHosts, externalNodes }: GuardIntent): ReadonlySet<Element> {
    return wantedElements(knownHosts, externalNodes, this.#kind);
  }

  async #lookAround(receives: readonly GuardedEncapsulation[]): Promise<void> {
    const { variant } = this.#driver;
    const nowMs = this.#options.clock.now();
    const last = this.#lookedAround;
    if (last !== undefined && last.variant === variant && nowMs - last.atMs < LOOK_AROUND_MS) return;
    const { swept, problems } = await this.#driver.lookAround(receives);
    this.#lookedAround = swept ? { atMs: nowMs, variant } : undefined;
    this.#around = problems;
    this.#tell();
  }

  #finish(version: number, programmed: boolean): void {
    if (this.#closed) return;
    this.#done = { version, programmed };
    for (const waiter of this.#waiters) if (waiter.version <= version) waiter.resolve(programmed);
    this.#waiters = this.#waiters.filter(waiter => waiter.version > version);
    this.#tell();
  }

  #report(written: readonly string[], version: number): void {
    const { clock, log } = this.#options;
    const damaged = this.#whole?.version === version && this.#version === version;
    const ms = damaged ? Math.round(clock.now() - this.#whole!.atMs) : 0;
    const what = damaged ? `was damaged and is healed, after ${ms} ms at most` : 'is in place';
    log('info', `the guard in front of tunnels ${what}`, written.join(', '));
  }

  #refuse(problem: HostProblem): void {
    if (this.#refusal?.message !== problem.message)
      this.#options.log('warn', problem.message, problem.object);
    this.#refusal = problem;
  }

  #tell(): void {
    if (this.#closed) return;
    const { guarded, knownHosts } = this.state();
    const told = JSON.stringify([guarded, [...knownHosts], this.problems()]);
    if (told === this.#told) return;
    this.#told = told;
    this.#options.changed();
  }
}

function intentText(intent: GuardIntent): string {
  const { knownHosts, externalNodes, receives, workloadInterfacePrefixes } = intent;
  const lists = [knownHosts, externalNodes, receives.map(encapsulationKey), workloadInterfacePrefixes];
  return lists.map(list => list.join()).join(' ');
}

function isOurs(name: string): boolean {
  return Object.values(setKinds).some(kind => isOwnSet(name, kind));
}

/** Takes away what {@link TunnelGuard} has written; what it did, or could not do, in words. */
export async function undoGuard({ firewall }: { readonly firewall: GuardFirewall }) {
  const done: string[] = [];
  const failed: string[] = [];
  for (const variant of [...variantsOf.ipv4, ...variantsOf.ipv6]) {
    try {
      const chain = await firewall.readInput(variant);
      const plan = chain === undefined ? undefined : removalPlan(chain);
      if (plan === undefined) continue;
      await firewall.restoreRules(variant, plan);
      done.push(`rules in front of tunnels removed by ${variant}`);
    } catch (error) {
      failed.push(`${variant}: ${(error as Error).message}`);
    }
  }
  try {
    for (const name of (await firewall.setNames()).filter(isOurs)) {
      await firewall.destroySet(name);
      done.push(`set ${name} removed`);
    }
  } catch (error) {
    // Without the command there is no set of ours.
    if (!(error instanceof ToolMissingError)) failed.push(`ipset: ${(error as Error).message}`);
  }
  return { done, failed } as const;
}
