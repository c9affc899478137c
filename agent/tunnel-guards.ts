/**
 * SHELL: the guards in front of this host's tunnels, one for each family of outer packets, as one. The rules and sets of the two know nothing
 * of each other, as the kernel's packet filters do.
 */
import { type AddressFamily, addressFamily } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { TunnelKind } from '../ipip/desired.js';
import { isVxlan, underlayFamily } from '../ipip/encapsulation.js';
import type { HostProblem } from '../ipip/host-problem.js';
import type { GuardedEncapsulation } from '../ipip/input-chain.js';
import type { HostIntent } from '../ipip/kernel-facts.js';
import type { TunnelGuard } from '../ipip/tunnel-guard.js';
import type { TunnelIntent } from '../ipip/tunnel-intent.js';

const families: readonly AddressFamily[] = ['ipv4', 'ipv6'];

export class TunnelGuards {
  readonly #guards: Readonly<Record<AddressFamily, TunnelGuard>>;
  /** Families that this host receives by tunnels, or is about to. */
  #receiving: readonly AddressFamily[] = [];

  constructor(guards: Readonly<Record<AddressFamily, TunnelGuard>>) {
    this.#guards = guards;
  }

  setIntent(intent: HostIntent, more: readonly Prefix[]): void {
    const { remoteHosts, tunnels, externalNodes, workloadInterfacePrefixes } = intent;
    this.#receiving = families.filter(family => guarded(tunnels, family).length > 0);
    for (const family of families) {
      this.#guards[family].setIntent({
        knownHosts: remoteHosts
          .map(({ address }) => address)
          .filter(address => addressFamily(address) === family),
        externalNodes: [...more, ...externalNodes],
        receives: guarded(tunnels, family),
        workloadInterfacePrefixes,
      });
    }
  }

  /** Whether anything is received that must be guarded. */
  get receiving(): boolean {
    return this.#receiving.length > 0;
  }

  /** Resolves when every guard has what it was told, or cannot have it. */
  async programmed(): Promise<unknown> {
    return Promise.all(families.map(family => this.#guards[family].programmed()));
  }

  isGuarded(tunnel: TunnelKind): boolean {
    const kind = isVxlan(tunnel) ? 'vxlan' : tunnel;
    return this.#guards[underlayFamily(tunnel)].state().guarded.some(one => one.kind === kind);
  }

  problemsOf(tunnel: TunnelKind): readonly HostProblem[] {
    return this.#guards[underlayFamily(tunnel)].problems();
  }

  /** Of what is received. */
  problems(): readonly HostProblem[] {
    return this.#receiving.flatMap(family => this.#guards[family].problems());
  }

  /** Leaves everything in place. */
  close(): void {
    for (const family of families) this.#guards[family].close();
  }
}

/** What packets must be guarded for: everything that a device is there for. */
function guarded(tunnels: TunnelIntent | undefined, family: AddressFamily): readonly GuardedEncapsulation[] {
  if (tunnels === undefined) return [];
  const { ipip, vxlan, udp, 'vxlan-v6': ipv6 } = tunnels;
  if (family === 'ipv6') return ipv6 === undefined ? [] : [{ kind: 'vxlan', port: ipv6.port }];
  return [
    ...(ipip === undefined ? [] : [{ kind: 'ipip' } as const]),
    ...(vxlan === undefined ? [] : [{ kind: 'vxlan', port: vxlan.port } as const]),
    ...(udp === undefined ? [] : [{ kind: 'udp', port: udp.port } as const]),
  ];
}
