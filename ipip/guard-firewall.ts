/** SHELL: looks at and changes what the guard in front of tunnels consists of: ipsets and this host's INPUT chains. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressFamily } from '../core/ip-address.js';
import type { Outcome } from '../linux/command.js';
import { usageOf, type VariantUsage } from '../linux/iptables-choice.js';
import { type InputChain, listedInputChains, parseInputChain } from './input-chain.js';
import { isLegacy, packetFilter, type Variant } from './packet-filter.js';
import { nftablesDrops } from './packet-filter-text.js';

/** A packet filter with sets, as {@link TunnelGuard} needs it. Everything that is refused is thrown, with what the command said. */
export interface GuardFirewall {
  /** What `ipset save NAME` prints; undefined: there is no such set. */
  readSet(name: string): Promise<string | undefined>;
  setNames(): Promise<readonly string[]>;
  /** Input of `ipset -exist restore`: what stands before a line that fails may have been done. */
  restoreSets(input: string): Promise<void>;
  destroySet(name: string): Promise<void>;
  /** Undefined: the variant is not installed, or not in use. */
  readInput(variant: Variant): Promise<InputChain | undefined>;
  /** Input of `iptables-restore --noflush`: all or nothing. */
  restoreRules(variant: Variant, input: string): Promise<void>;
  usage(variant: Variant): Promise<VariantUsage>;
  /** nftables' own base chains that drop packets to this host by policy. */
  nftablesDrops(family: AddressFamily): Promise<readonly string[]>;
}

/** There is no such command on this host. */
export class ToolMissingError extends Error {
  constructor(tool: string) {
    super(`${tool} is not installed: apt-get install ${tool}`);
    this.name = 'ToolMissingError';
  }
}

/** The kernel lets go of a set a moment after the last rule that refers to it. */
const DESTROY_TRIES = 5;
const DESTROY_PAUSE_MS = 50;

/** @param prefix a command to run the commands with, e.g. `['ip', 'netns', 'exec', 'X']` */
export function guardFirewall(prefix: readonly string[] = []): GuardFirewall {
  const filter = packetFilter(prefix);
  const ipset = async (args: readonly string[], input?: string): Promise<Outcome> => {
    const outcome = await filter.run('ipset', args, input);
    if (outcome.missing) throw new ToolMissingError('ipset');
    return outcome;
  };
  const ipsetOrThrow = async (args: readonly string[], input?: string): Promise<string> => {
    const { status, stdout, stderr } = await ipset(args, input);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  return {
    async readSet(name) {
      const { status, stdout, stderr } = await ipset(['save', name]);
      if (status === 0) return stdout;
      if (stderr.includes('does not exist')) return undefined;
      throw new Error(stderr);
    },
    setNames: async () => (await ipsetOrThrow(['list', '-n'])).split('\n').filter(name => name !== ''),
    restoreSets: async input => void (await ipsetOrThrow(['-exist', 'restore'], input)),
    async destroySet(name) {
      for (let left = DESTROY_TRIES; ; left--) {
        const { status, stderr } = await ipset(['destroy', name]);
        if (status === 0 || stderr.includes('does not exist')) return;
        if (left === 1 || !stderr.includes('in use')) throw new Error(stderr);
        await sleep(DESTROY_PAUSE_MS);
      }
    },
    async readInput(variant) {
      const listing = await filter.list(variant, listedInputChains);
      return listing === undefined ? undefined : parseInputChain(listing.base, listing.own);
    },
    restoreRules: (variant, input) => filter.restore(variant, input),
    async usage(variant) {
      const { status, stdout, missing } = await filter.run(`${variant}-save`, []);
      if (missing) return 'missing';
      if (status === 0) return usageOf(stdout);
      // Of the legacy variant the kernel knows nothing until it is used.
      return isLegacy(variant) ? 'empty' : 'unusable';
    },
    nftablesDrops: async family => nftablesDrops(await filter.nftablesChains(), 'input', family),
  };
}
