/**
 * Which segments a listening socket hears by their TTL (RFC 5082), as a classic BPF program (pure). IP_MINTTL does the same for a whole
 * socket; a listener that serves near peers and far ones needs to know whose segment it is, from the first on: what comes with the end of
 * the handshake is there before anybody has accepted the connection.
 */
import { addressToBytes } from '../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../core/prefix.js';
import type { FilterInstruction } from './libc.js';

export interface TtlRule {
  readonly prefix: Prefix;
  /** 1 to 255; undefined: any. */
  readonly minimumTtl: number | undefined;
}

/** linux/filter.h, linux/bpf_common.h */
const LD_W_ABS = 0x20;
const LD_B_ABS = 0x30;
const AND_K = 0x54;
const JA = 0x05;
const JEQ_K = 0x15;
const JGE_K = 0x35;
const RET_K = 0x06;
/** Offsets from here on count from the IP header. */
const SKF_NET_OFF = 0xfff00000;

const fields = {
  ipv4: { source: 12, ttl: 8 },
  ipv6: { source: 8, ttl: 7 },
} as const;

const PASS = 0x7fffffff;
const DROP = 0;

/**
 * @param rules of one family, no prefix twice; the longest that holds the sender counts, others may send as they like. About 1300 hosts of
 *   IPv4 or 450 of IPv6 fit into the 4096 instructions that the kernel takes.
 */
export function ttlFilter(rules: readonly TtlRule[]): readonly FilterInstruction[] {
  const longestFirst = rules.toSorted((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix));
  const program: (FilterInstruction | { readonly leadsTo: TtlRule['minimumTtl'] })[] = [];
  for (const { prefix, minimumTtl } of longestFirst)
    program.push(...isInside(prefix), { leadsTo: minimumTtl });
  program.push([RET_K, 0, 0, PASS]);
  const verdicts = new Map<TtlRule['minimumTtl'], number>();
  for (const { prefix, minimumTtl } of rules) {
    if (verdicts.has(minimumTtl)) continue;
    verdicts.set(minimumTtl, program.length);
    program.push(...verdict(minimumTtl, fields[prefixFamily(prefix)].ttl));
  }
  return program.map((one, i) => ('leadsTo' in one ? [JA, 0, 0, verdicts.get(one.leadsTo)! - i - 1] : one));
}

/** Goes on with what follows if the sender is inside, else with what follows after one more. */
function isInside(prefix: Prefix): readonly FilterInstruction[] {
  const { source } = fields[prefixFamily(prefix)];
  const program: FilterInstruction[] = [];
  for (const [i, { value, mask }] of words(prefix).entries()) {
    program.push([LD_W_ABS, 0, 0, SKF_NET_OFF + source + 4 * i]);
    if (mask !== 0xffffffff) program.push([AND_K, 0, 0, mask]);
    program.push([JEQ_K, 0, 0, value]);
  }
  return program.map(([code, jt, jf, k], i) => [code, jt, code === JEQ_K ? program.length - i : jf, k]);
}

function verdict(minimumTtl: TtlRule['minimumTtl'], ttlOffset: number): readonly FilterInstruction[] {
  if (minimumTtl === undefined) return [[RET_K, 0, 0, PASS]];
  return [
    [LD_B_ABS, 0, 0, SKF_NET_OFF + ttlOffset],
    [JGE_K, 0, 1, minimumTtl],
    [RET_K, 0, 0, PASS],
    [RET_K, 0, 0, DROP],
  ];
}

function words(prefix: Prefix): readonly { readonly value: number; readonly mask: number }[] {
  const bytes = addressToBytes(prefixAddress(prefix));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const compared = [];
  for (let i = 0, bits = prefixLength(prefix); bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
    compared.push({ value: view.getUint32(4 * i), mask });
  }
  return compared;
}
