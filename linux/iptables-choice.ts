/** Which of the two iptables a host uses, and so do we (pure). */

/** Of either family's iptables. */
const implementations = ['nft', 'legacy'] as const;
export type Implementation = (typeof implementations)[number];

/** `missing`: there is no such command; `unusable`: it fails; `empty`: it holds nothing that is not ours; `used`: it does. */
export type VariantUsage = 'missing' | 'unusable' | 'empty' | 'used';

/** A rule with a comment of ours, in a chain of ours, or that jumps to one. */
const isOurs = /[ "](margay|mgy)[-:]/;

/**
 * Whether a variant's tables hold rules, or drop by policy, by what its `-save` command prints. What is ours tells nothing of what the host uses.
 */
export function usageOf(saved: string): 'empty' | 'used' {
  const used = saved
    .split('\n')
    .some(line => (/^-A /.test(line) && !isOurs.test(line)) || /^:\S+ DROP /.test(line));
  return used ? 'used' : 'empty';
}

/**
 * What to try, in order. A variant that has no rules yet may prove unusable only when one is written: some kernels take everything but
 * that. One that holds the host's rules has no second, for what another accepts it may still drop.
 */
export function variantsToTry(
  usage: Readonly<Record<Implementation, VariantUsage>>,
): readonly Implementation[] {
  if (usage.nft === 'used') return ['nft'];
  if (usage.legacy === 'used') return ['legacy'];
  // What fails comes last: its reason is what people want to know.
  return [
    ...implementations.filter(one => usage[one] === 'empty'),
    ...implementations.filter(one => usage[one] === 'unusable'),
  ];
}
