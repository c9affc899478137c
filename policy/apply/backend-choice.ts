/** Which iptables our rules go to (pure): what the settings say, else what the host uses, else what `iptables` is on it. */
import { type Implementation, type VariantUsage, variantsToTry } from '../../linux/iptables-choice.js';

export type BackendSetting = 'auto' | Implementation;

export interface BackendFacts {
  readonly usage: Readonly<Record<Implementation, VariantUsage>>;
  /** What `iptables` without a suffix is. */
  readonly preferred: Implementation | undefined;
  /** Where our rules are. */
  readonly current: Implementation | undefined;
}

/** To be tried in this order: that a variant takes nothing may show only when something is written. */
export function backendsToTry(
  setting: BackendSetting,
  { usage, preferred, current }: BackendFacts,
): readonly Implementation[] {
  if (setting !== 'auto') return usage[setting] === 'missing' ? [] : [setting];
  const order = variantsToTry(usage);
  // Somebody who has flushed the tables has not chosen others.
  const favourite = current ?? preferred;
  const isOpen = order.length > 1 && favourite !== undefined && usage[favourite] === 'empty';
  return isOpen ? [...order].sort((a, b) => Number(b === favourite) - Number(a === favourite)) : order;
}

/** Why, in words. */
export function backendReason(
  chosen: Implementation,
  setting: BackendSetting,
  { usage, preferred, current }: BackendFacts,
): string {
  if (setting !== 'auto') return 'set by iptablesBackend';
  if (usage[chosen] === 'used') return 'this host has rules in it';
  const other = chosen === 'nft' ? 'legacy' : 'nft';
  if (usage[other] === 'missing') return 'the other one is not installed';
  if (current === chosen) return 'our rules are in it';
  return preferred === chosen ? 'iptables is this one' : 'it takes rules';
}
