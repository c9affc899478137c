/**
 * SHELL: this host as a router: `ip_forward` on and kept on, for IPv6 where there are pools of it, what was changed recorded for
 * {@link undoForwarding}, and packet filters that would drop pods' packets named with the cure, or opened for the pools when told to.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { AddressFamily } from '../core/ip-address.js';
import { type Prefix, prefixFamily } from '../core/prefix.js';
import type { ForwardFirewall } from './forward-firewall.js';
import { acceptPlan, dropsPods, type ForwardChain, removalPlan } from './forward-policy.js';
import type { HostProblem } from './host-problem.js';
import { KeptSysctls, linuxSysctls, type Sysctls, undoSysctls, type WantedSysctl } from './kept-sysctls.js';
import { type Variant, variantsOf } from './packet-filter.js';

export interface ForwardingOptions {
  /** Survives the process and the host's restart. */
  readonly stateFile: string;
  /** Whether to add rules for the pools where packets would be dropped. */
  readonly acceptPools: boolean;
  readonly clock: Clock;
  readonly firewall: ForwardFirewall;
  readonly sysctls?: Sysctls;
  /** Interfaces on which the host may be told its routes by routers, as of now. */
  readonly uplinks?: () => readonly string[];
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

const IP_FORWARD = 'net/ipv4/ip_forward';
/** Only where there are IPv6 pools: it makes a host a router, which does not listen to routers, unless `accept_ra` is 2. */
const IPV6_FORWARDING = 'net/ipv6/conf/all/forwarding';
const HEARS_ROUTERS = '1';
const HEARS_ROUTERS_AS_ONE = '2';
const FIREWALL_LOOK_MS = 30_000;

export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #sysctls: KeptSysctls;
  /** Interfaces on which the host goes on listening to routers. */
  readonly #listening = new Set<string>();
  #pools: readonly Prefix[] = [];
  #firewallProblems: readonly HostProblem[] = [];
  #firewallTimer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#sysctls = new KeptSysctls(options);
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

  /** Links or routes have changed. */
  review(): void {
    if (this.#forwards('ipv6')) this.#keepForwarding();
  }

  problems(): readonly HostProblem[] {
    return [...this.#sysctls.problems, ...this.#firewallProblems];
  }

  /** Leaves everything as it is. */
  close(): void {
    this.#closed = true;
    this.#sysctls.close();
    this.#firewallTimer?.cancel();
  }

  #keepForwarding(): void {
    const wanted: WantedSysctl[] = [{ name: IP_FORWARD, value: '1', words: 'ip_forward' }];
    // The kernel drops what a host was told by routers at the moment it becomes one.
    if (this.#forwards('ipv6')) wanted.push(...this.#keepListening(), ipv6Forwarding);
    this.#sysctls.keep(wanted);
  }

  #forwards(family: AddressFamily): boolean {
    return family === 'ipv4' || this.#pools.some(pool => prefixFamily(pool) === family);
  }

  /** One that listens now shall, and one that was made to: an administrator's 0 stays. */
  #keepListening(): readonly WantedSysctl[] {
    const { uplinks = () => [], sysctls = linuxSysctls } = this.#options;
    for (const name of uplinks()) {
      try {
        const value = sysctls.read(acceptRa(name));
        if (value === HEARS_ROUTERS || value === HEARS_ROUTERS_AS_ONE) this.#listening.add(name);
      } catch {
        // It has no IPv6, or has just gone.
      }
    }
    return [...this.#listening].map(name => ({
      name: acceptRa(name),
      value: HEARS_ROUTERS_AS_ONE,
      words: `accept_ra of ${name}`,
      mayBeGone: true,
    }));
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
    for (const family of ['ipv4', 'ipv6'] as const)
      if (this.#forwards(family)) problems.push(...(await this.#lookAtFamily(family)));
    return problems;
  }

  async #lookAtFamily(family: AddressFamily): Promise<readonly HostProblem[]> {
    const problems: HostProblem[] = [];
    const pools = this.#pools.filter(pool => prefixFamily(pool) === family);
    for (const variant of variantsOf[family]) {
      try {
        const chain = await this.#mended(variant, pools);
        if (chain !== undefined && dropsPods(chain)) problems.push(dropProblem(variant));
      } catch (error) {
        const message = `the FORWARD chain cannot be looked after: ${(error as Error).message}`;
        problems.push({ severity: 'warning', message, object: `${variant} FORWARD` });
      }
    }
    for (const chain of await this.#options.firewall.nftablesDrops(family)) {
      const message = `nftables chain ${chain} drops forwarded packets by policy: accept the pools' packets in it`;
      problems.push({ severity: 'warning', message, object: `nftables ${chain}` });
    }
    return problems;
  }

  async #mended(variant: Variant, pools: readonly Prefix[]): Promise<ForwardChain | undefined> {
    const { firewall, acceptPools, log } = this.#options;
    const chain = await firewall.read(variant);
    if (chain === undefined) return undefined;
    const plan = acceptPools ? acceptPlan(chain, pools) : undefined;
    if (plan === undefined) return chain;
    await firewall.restore(variant, plan);
    log('info', `rules for the pools' packets written by ${variant}`, pools.join(', '));
    return firewall.read(variant);
  }
}

const ipv6Forwarding: WantedSysctl = { name: IPV6_FORWARDING, value: '1', words: 'IPv6 forwarding' };

function acceptRa(interfaceName: string): string {
  return `net/ipv6/conf/${interfaceName}/accept_ra`;
}

function dropProblem(variant: Variant): HostProblem {
  const message = `the FORWARD policy of ${variant} is DROP, so packets of pods are dropped: set forwarding.accept, or run "${variant} -P FORWARD ACCEPT"`;
  return { severity: 'warning', message, object: `${variant} FORWARD` };
}

export interface UndoOptions {
  readonly stateFile: string;
  readonly firewall: ForwardFirewall;
  readonly sysctls?: Sysctls;
}

/** Takes away what {@link Forwarding} has written; what it did, or could not do, in words. */
export async function undoForwarding({ stateFile, firewall, sysctls }: UndoOptions) {
  const { done, failed } = undoSysctls(stateFile, sysctls);
  for (const variant of [...variantsOf.ipv4, ...variantsOf.ipv6]) {
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
