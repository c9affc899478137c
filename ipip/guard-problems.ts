/** What the guard in front of tunnels says of what goes wrong, for people (pure). */
import type { HostProblem } from './host-problem.js';
import { encapsulationWords, type GuardedEncapsulation } from './input-chain.js';
import type { Variant } from './packet-filter.js';

/** A step that was refused, and what it was about: "ipset margay-hosts". */
export class GuardRefusal extends Error {
  readonly object: string;

  constructor(object: string, reason: string) {
    super(reason);
    this.name = 'GuardRefusal';
    this.object = object;
  }
}

/** "IPIP, VXLAN (UDP port 4789)" */
function wordsOf(encapsulations: readonly GuardedEncapsulation[]): string {
  return encapsulations.map(encapsulationWords).join(', ');
}

/** @param holds whether all that is received is guarded nevertheless, by what is known */
export function refusalProblem(
  receives: readonly GuardedEncapsulation[],
  refusal: GuardRefusal,
  holds: boolean,
): HostProblem {
  const { message, object } = refusal;
  if (receives.length === 0) return leftoverProblem(refusal);
  if (holds) {
    const words = `the guard in front of tunnels is in place but cannot be looked after: ${message}`;
    return { severity: 'warning', message: words, object };
  }
  const words = `${wordsOf(receives)} cannot be guarded against unknown hosts: ${message}`;
  return { severity: 'error', message: words, object };
}

/** What should have gone is still there. */
export function leftoverProblem({ message, object }: GuardRefusal): HostProblem {
  return {
    severity: 'warning',
    message: `what is not wanted any more of the guard in front of tunnels cannot be removed: ${message}`,
    object,
  };
}

/** The other iptables drops what ours has accepted: every base chain at the hook has its say. */
export function otherVariantProblem(
  variant: Variant,
  receives: readonly GuardedEncapsulation[],
): HostProblem {
  const message = `the INPUT policy of ${variant} is DROP: see that it accepts ${wordsOf(receives)} from the cluster's hosts`;
  return { severity: 'warning', message, object: `${variant} INPUT` };
}

/** @param chain "inet firewalld filter_INPUT" */
export function nftablesProblem(chain: string, receives: readonly GuardedEncapsulation[]): HostProblem {
  const message = `nftables chain ${chain} drops packets to this host by policy: see that it accepts ${wordsOf(receives)} from the cluster's hosts`;
  return { severity: 'warning', message, object: `nftables ${chain}` };
}
