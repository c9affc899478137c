/** SHELL: the commands of this host's packet filters, run as children; what is done with them is decided elsewhere. */
import type { AddressFamily } from '../core/ip-address.js';
import { type Run, runCommand } from '../linux/command.js';

/** The variants of a family's packet filter: the same rules in them mean packets of that family. */
export const variantsOf = {
  ipv4: ['iptables-nft', 'iptables-legacy'],
  ipv6: ['ip6tables-nft', 'ip6tables-legacy'],
} as const;
export const variants = variantsOf.ipv4;
export type Variant = (typeof variantsOf)[AddressFamily][number];

export function isLegacy(variant: Variant): boolean {
  return variant.endsWith('-legacy');
}

/** A base chain of the filter table, and ours that it jumps to, as `iptables -S` prints them. */
export interface ChainListing {
  readonly base: string;
  /** Undefined: there is no such chain. */
  readonly own: string | undefined;
}

export interface PacketFilter {
  readonly run: Run;
  /** Undefined: the variant is not installed, or not in use. @throws where it cannot be read */
  list(
    variant: Variant,
    chains: { readonly base: string; readonly own: string },
  ): Promise<ChainListing | undefined>;
  /** Input of `iptables-restore --noflush`. @throws with what the command said */
  restore(variant: Variant, input: string): Promise<void>;
  /** What `nft list chains` prints; nothing where there is no nft. */
  nftablesChains(): Promise<string>;
}

/** Another program may hold the lock of the legacy variant; longer than this it is looked at next time. */
const LOCK_WAIT_SECONDS = '5';
/** Of `iptables -S`; 4 would be the lock that another holds. */
const NO_SUCH_CHAIN = 1;
const legacyTables = (variant: Variant) =>
  variant === 'ip6tables-legacy' ? '/proc/net/ip6_tables_names' : '/proc/net/ip_tables_names';

/** @param prefix a command to run the commands with, e.g. `['ip', 'netns', 'exec', 'X']` */
export function packetFilter(prefix: readonly string[] = []): PacketFilter {
  const run: Run = (command, args, input) => runCommand([...prefix, command, ...args], input);
  const list = (variant: Variant, chain: string) => run(variant, ['-w', LOCK_WAIT_SECONDS, '-S', chain]);
  return {
    run,
    async list(variant, chains) {
      // Asking the legacy variant for a table would make it.
      const used = async () => (await run('cat', [legacyTables(variant)])).stdout.includes('filter');
      if (isLegacy(variant) && !(await used())) return undefined;
      const base = await list(variant, chains.base);
      if (base.missing) return undefined;
      if (base.status !== 0) throw new Error(`${variant}: ${base.stderr}`);
      const own = await list(variant, chains.own);
      if (own.status !== 0 && own.status !== NO_SUCH_CHAIN) throw new Error(`${variant}: ${own.stderr}`);
      return { base: base.stdout, own: own.status === 0 ? own.stdout : undefined };
    },
    async restore(variant, input) {
      const command = `${variant}-restore`;
      const { status, stderr } = await run(command, ['-w', LOCK_WAIT_SECONDS, '--noflush'], input);
      if (status !== 0) throw new Error(`${command}: ${stderr}`);
    },
    async nftablesChains() {
      const { status, stdout } = await run('nft', ['list', 'chains']);
      return status === 0 ? stdout : '';
    },
  };
}
