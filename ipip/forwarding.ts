/**
 * SHELL: this host as a router: `ip_forward` on and kept on, for IPv6 where there are pools of it, what was changed recorded for {@link undoForwarding}, and packet filters
 * that would drop pods' packets named with the cure, or opened for the pools when told to.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../core/clock.js';
import { type Prefix, prefixFamily } from '../core/prefix.js';
import { readSysctl, writeSysctl } from '../linux/sysctl.js';
import type { ForwardFirewall } from './forward-firewall.js';
import { acceptPlan, dropsPods, type ForwardChain, removalPlan } from './forward-policy.js';
import type { HostProblem } from './host-problem.js';
import { type Variant, variants } from './packet-filter.js';

export interface Sysctls {
  read(name: string): string;
  write(name: string, value: string): void;
}

export interface ForwardingOptions {
  /** Survives the process and the host's restart. */
  readonly stateFile: string;
  /** Whether to add rules for the pools where packets would be dropped. */
  readonly acceptPools: boolean;
  readonly clock: Clock;
  readonly firewall: ForwardFirewall;
  readonly sysctls?: Sysctls;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

const IP_FORWARD = 'net/ipv4/ip_forward';
/** Also ends the host's listening to router advertisements, unless `accept_ra` is 2: only where there are IPv6 pools. */
const IPV6_FORWARDING = 'net/ipv6/conf/all/forwarding';
const SYSCTL_LOOK_MS = 1000;
const FIREWALL_LOOK_MS = 30_000;
const linuxSysctls: Sysctls = { read: readSysctl, write: writeSysctl };

export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #sysctls: Sysctls;
  #pools: readonly Prefix[] = [];
  #sysctlProblems: readonly HostProblem[] = [];
  #firewallProblems: readonly HostProblem[] = [];
  #sysctlTimer: Timer | undefined;
  #firewallTimer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#sysctls = options.sysctls ?? linuxSysctls;
  }

  start(): void {
    this.#keepForwarding();
    void this.#keepLooking();
  }

  /** Pools whose packets are to pass. */
  setPools(pools: readonly Prefix[]): void {
    if (this.#pools.join() === pools.join()) return;
    this.#pools = pools;
    this.#keepForwarding();
    void this.#keepLooking();
  }

  problems(): readonly HostProblem[] {
    return [...this.#sysctlProblems, ...this.#firewallProblems];
  }

  /** Leaves everything as it is. */
  close(): void {
    this.#closed = true;
    this.#sysctlTimer?.cancel();
    this.#firewallTimer?.cancel();
  }

  #keepForwarding(): void {
    if (this.#closed) return;
    this.#sysctlTimer?.cancel();
    const ipv6 = this.#pools.some(pool => prefixFamily(pool) === 'ipv6');
    const wanted = ipv6 ? [IP_FORWARD, IPV6_FORWARDING] : [IP_FORWARD];
    this.#sysctlProblems = wanted.flatMap(name => this.#switchOn(name) ?? []);
    this.#sysctlTimer = this.#options.clock.schedule(SYSCTL_LOOK_MS, () => this.#keepForwarding());
  }

  #switchOn(name: string): HostProblem | undefined {
    const words = name === IP_FORWARD ? 'ip_forward' : 'IPv6 forwarding';
    try {
      const found = this.#sysctls.read(name);
      if (found === '1') return undefined;
      rememberSysctl(this.#options.stateFile, name, found);
      this.#sysctls.write(name, '1');
      this.#options.log('info', `${words} switched on`, `it was ${found}`);
      return undefined;
    } catch (error) {
      const message = `${words} is off and cannot be switched on: ${(error as Error).message}`;
      return { severity: 'error', message, object: `sysctl ${name}` };
    }
  }

  /** One look at a time; one that is asked for meanwhile follows. */
  async #keepLooking(): Promise<void> {
    this.#firewallTimer?.cancel();
    const before = this.#looking;
    const looking = (async () => {
      await before;
      if (this.#closed) return;
      this.#firewallProblems = await this.#lookAtFirewalls();
    })();
    this.#looking = looking;
    await looking;
    if (this.#closed || this.#looking !== looking) return;
    this.#firewallTimer = this.#options.clock.schedule(FIREWALL_LOOK_MS, () => void this.#keepLooking());
  }

  async #lookAtFirewalls(): Promise<readonly HostProblem[]> {
    const problems: HostProblem[] = [];
    for (const variant of variants) {
      try {
        const chain = await this.#mended(variant);
        if (chain !== undefined && dropsPods(chain)) problems.push(dropProblem(variant));
      } catch (error) {
        const message = `the FORWARD chain cannot be looked after: ${(error as Error).message}`;
        problems.push({ severity: 'warning', message, object: `${variant} FORWARD` });
      }
    }
    for (const chain of await this.#options.firewall.nftablesDrops()) {
      const message = `nftables chain ${chain} drops forwarded packets by policy: accept the pools' packets in it`;
      problems.push({ severity: 'warning', message, object: `nftables ${chain}` });
    }
    return problems;
  }

  async #mended(variant: Variant): Promise<ForwardChain | undefined> {
    const { firewall, acceptPools, log } = this.#options;
    const chain = await firewall.read(variant);
    if (chain === undefined) return undefined;
    const plan = acceptPools ? acceptPlan(chain, this.#pools) : undefined;
    if (plan === undefined) return chain;
    await firewall.restore(variant, plan);
    log('info', `rules for the pools' packets written by ${variant}`, this.#pools.join(', '));
    return firewall.read(variant);
  }
}

function dropProblem(variant: Variant): HostProblem {
  const message = `the FORWARD policy of ${variant} is DROP, so packets of pods are dropped: set forwarding.accept, or run "${variant} -P FORWARD ACCEPT"`;
  return { severity: 'warning', message, object: `${variant} FORWARD` };
}

/** The first value is the one that was there before us. Recorded before the change, so that no crash loses it. */
function rememberSysctl(stateFile: string, name: string, value: string): void {
  const known = readChanged(stateFile);
  if (known[name] !== undefined) return;
  mkdirSync(dirname(stateFile), { recursive: true, mode: 0o750 });
  const temporary = `${stateFile}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...known, [name]: value })}\n`);
  renameSync(temporary, stateFile);
}

function readChanged(stateFile: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8'));
  } catch {
    // Nothing was changed, or nobody knows from what.
    return {};
  }
}

export interface UndoOptions {
  readonly stateFile: string;
  readonly firewall: ForwardFirewall;
  readonly sysctls?: Sysctls;
}

/** Takes away what {@link Forwarding} has written; what it did, or could not do, in words. */
export async function undoForwarding({ stateFile, firewall, sysctls = linuxSysctls }: UndoOptions) {
  const done: string[] = [];
  const failed: string[] = [];
  for (const [name, value] of Object.entries(readChanged(stateFile))) {
    try {
      sysctls.write(name, value);
      done.push(`${name} set back to ${value}`);
    } catch (error) {
      failed.push(`${name}: ${(error as Error).message}`);
    }
  }
  if (failed.length === 0) rmSync(stateFile, { force: true });
  for (const variant of variants) {
    try {
      const chain = await firewall.read(variant);
      const plan = chain === undefined ? undefined : removalPlan(chain);
      if (plan === undefined) continue;
      await firewall.restore(variant, plan);
      done.push(`rules for the pools' packets removed by ${variant}`);
    } catch (error) {
      failed.push(`${variant}: ${(error as Error).message}`);
    }
  }
  return { done, failed } as const;
}
