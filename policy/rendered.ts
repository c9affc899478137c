/**
 * What the packet filter of one host should hold, as plain data: the seam between rendering and applying. Texts are in the notation of
 * `iptables-save` and `ipset save`, so that what was read back can be compared.
 */
import type { AddressFamily } from '../core/ip-address.js';

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter';
export type BuiltInChain = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

export interface RenderedFilter {
  readonly tables: readonly RenderedTable[];
  readonly sets: readonly RenderedSet[];
}

/** One table of one family. */
export interface RenderedTable {
  readonly family: AddressFamily;
  readonly table: TableName;
  /** By name; all have {@link CHAIN_PREFIX}. */
  readonly chains: ReadonlyMap<string, RenderedChain>;
  /** Rules of ours in built-in chains: before everything else there, or after it. */
  readonly hooks: readonly {
    readonly chain: BuiltInChain;
    readonly place: 'first' | 'last';
    readonly rules: readonly RenderedRule[];
  }[];
}

export interface RenderedChain {
  readonly name: string;
  readonly rules: readonly RenderedRule[];
  /**
   * Endpoints whose packets go through it, by key: a chain that the kernel refuses costs these alone. Workloads get a DROP in its place, host
   * endpoints keep what was there. Empty for what every packet of the host may go through (what built-in chains jump to, dispatch, failsafes,
   * NAT): of such a chain the refused rules alone are left out.
   */
  readonly endpoints: readonly string[];
}

export interface RenderedRule {
  /** Matches, then the target with its options, without the chain and without comments, e.g. `-p tcp -m multiport --dports 80,443 -j MARK --set-xmark 0x10000/0x10000`. */
  readonly text: string;
  /** For people; the hash's comment comes first and is added when it is applied. */
  readonly comments: readonly string[];
  /** Where it comes from, for counters and refusals: the policy or profile, and the number of the rule in its list. */
  readonly origin?: RuleOrigin;
}

export interface RuleOrigin {
  readonly owner: string;
  readonly direction: 'ingress' | 'egress';
  /** From 0. */
  readonly rule: number;
}

export interface RenderedSet {
  /** At most 31 characters, with {@link SET_PREFIX}. */
  readonly name: string;
  readonly type: 'hash:ip' | 'hash:net' | 'hash:ip,port' | 'bitmap:port';
  readonly family: AddressFamily;
  readonly maxElements: number;
  /** As `ipset save` writes them, e.g. "10.0.0.0/8" or "10.0.0.1,tcp:80". */
  readonly members: ReadonlySet<string>;
}

/** Every chain of ours, and no other, has this one. */
export const CHAIN_PREFIX = 'mgy-';
export const SET_PREFIX = 'mgy';
/** Longest name of a chain that `iptables` takes (linux/netfilter/x_tables.h: XT_EXTENSION_MAXNAMELEN less its zero). */
export const MAX_CHAIN_NAME = 28;
