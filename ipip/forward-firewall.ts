/** SHELL: looks at and changes this host's FORWARD chains. */
import type { AddressFamily } from '../core/ip-address.js';
import { type ForwardChain, listedChains, parseForwardChain } from './forward-policy.js';
import { packetFilter, type Variant } from './packet-filter.js';
import { nftablesDrops } from './packet-filter-text.js';

/** A packet filter, as {@link Forwarding} needs it. */
export interface ForwardFirewall {
  /** Undefined: the variant is not installed, or not in use. @throws where it cannot be read */
  read(variant: Variant): Promise<ForwardChain | undefined>;
  /** Input of `iptables-restore --noflush`. @throws with what the command said */
  restore(variant: Variant, input: string): Promise<void>;
  /** nftables' own base chains that drop forwarded packets by policy. */
  nftablesDrops(family: AddressFamily): Promise<readonly string[]>;
}

/** @param prefix a command to run the commands with, e.g. `['ip', 'netns', 'exec', 'X']` */
export function iptablesFirewall(prefix: readonly string[] = []): ForwardFirewall {
  const filter = packetFilter(prefix);
  return {
    async read(variant) {
      const listing = await filter.list(variant, listedChains);
      return listing === undefined ? undefined : parseForwardChain(listing.base, listing.own);
    },
    restore: (variant, input) => filter.restore(variant, input),
    nftablesDrops: async family => nftablesDrops(await filter.nftablesChains(), 'forward', family),
  };
}
