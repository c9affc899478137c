/** Which of the two iptables a host uses, and so do we (pure). */
import { type Variant, variants } from './packet-filter.js';

/** `missing`: there is no such command; `unusable`: it fails; `empty`: it holds nothing that is not ours; `used`: it does. */
export type VariantUsage = 'missing' | 'unusable' | 'empty' | 'used';

/**
 * Whether a variant's tables hold rules, or drop by policy, by what its `-save` command prints. What is ours tells nothing of what the host uses.
 */
export function usageOf(saved: string): 'empty' | 'used' {
  const used = saved
    .split('\n')
    .some(line => (/^-A /.test(line) && !/ margay-/.test(line)) || /^:\S+ DROP /.test(line));
  return used ? 'used' : 'empty';
}

/**
 * What to try, in order. A variant that has no rules yet may prove unusable only when one is written: some kernels take everything but
 * that. One that holds the host's rules has no second, for what another accepts it may still drop.
 */
export function variantsToTry(usage: Readonly<Record<Variant, VariantUsage>>): readonly Variant[] {
  const { 'iptables-nft': nft, 'iptables-legacy': legacy } = usage;
  if (nft === 'used') return ['iptables-nft'];
  if (legacy === 'used') return ['iptables-legacy'];
  // What fails comes last: its reason is what people want to know.
  return [
    ...variants.filter(one => usage[one] === 'empty'),
    ...variants.filter(one => usage[one] === 'unusable'),
  ];
}
