/**
 * The raw table, before connection tracking: bits that a packet brings along are cleared (what a tunnel packs and unpacks keeps its mark),
 * and untracked policy is asked. What it allows is of no connection, and no other policy of host endpoints on that side is asked.
 */
import type { RenderedRule } from '../rendered.js';
import { addEarlyChains } from './host-chains.js';
import { isMarked, unmark } from './marks.js';
import { rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

/** Always first: a rule of others that accepts must not keep the bits of a packet as they came. */
export function addRawChains(builder: TableBuilder): void {
  builder.addTopChain(
    'PREROUTING',
    'first',
    rawRules(builder, addEarlyChains(builder, 'ingress', 'untracked')),
  );
  builder.addTopChain('OUTPUT', 'first', rawRules(builder, addEarlyChains(builder, 'egress', 'untracked')));
}

function rawRules({ marks }: TableBuilder, untracked: string | undefined): RenderedRule[] {
  const clear = rule([unmark(marks.mask)]);
  if (untracked === undefined) return [clear];
  return [clear, rule([`-j ${untracked}`]), rule([isMarked(marks.accept), '-j CT --notrack'])];
}
