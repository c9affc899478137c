/**
 * The rules of a policy or a profile as rules of its chain. A rule that allows or passes leaves a bit in the mark and returns; the chain of the
 * endpoint looks at it. A rule that denies ends the packet's way at once. Rules of staged policies return without a trace but their counters.
 */
import type { AddressFamily } from '../../core/ip-address.js';
import type { Direction, Rule } from '../model.js';
import type { RenderedRule, RuleOrigin, TableName } from '../rendered.js';
import type { FilterSettings } from '../settings.js';
import { isMarked, type Marks, mark } from './marks.js';
import { renderMatch } from './match.js';
import { denyTarget, plainComment, rule } from './rule-text.js';

export interface RuleListContext {
  readonly family: AddressFamily;
  readonly table: TableName;
  readonly marks: Marks;
  readonly settings: Pick<FilterSettings, 'denied' | 'log'>;
}

/** @param kind `pass` in a profile is no decision @param owner for comments and origins */
export function renderRuleList(
  context: RuleListContext,
  kind: 'policy' | 'staged' | 'profile',
  owner: string,
  direction: Direction,
  rules: readonly Rule[],
): readonly RenderedRule[] {
  const rendered = rules.flatMap((one, number) =>
    renderRule(context, kind, one, { owner, direction, rule: number }),
  );
  // At the end of a chain it returns anyway.
  const last = rendered.at(-1);
  if (last?.origin === undefined && last?.text.endsWith('-j RETURN')) rendered.pop();
  const [first, ...rest] = rendered;
  const title = plainComment(`${owner} ${direction}`);
  return first === undefined ? [] : [{ ...first, comments: [title, ...first.comments] }, ...rest];
}

function renderRule(
  context: RuleListContext,
  kind: 'policy' | 'staged' | 'profile',
  one: Rule,
  origin: RuleOrigin,
): RenderedRule[] {
  const { marks, family } = context;
  const matched = renderMatch(one, family, marks);
  if (matched === undefined) return [];
  const blocks = matched.blocks.map(text => rule([text]));
  const comments = Object.entries(one.annotations ?? {}).map(([key, value]) =>
    plainComment(`${key}=${value}`),
  );
  const decide = (target: string) => ({ ...rule([matched.match, target], undefined, origin), comments });
  if (kind === 'staged') return [...blocks, decide(one.action === 'log' ? '' : '-j RETURN')];
  switch (one.action) {
    case 'allow':
      return [...blocks, decide(mark(marks.accept)), rule([isMarked(marks.accept), '-j RETURN'])];
    case 'pass':
      if (kind === 'profile') return [...blocks, decide('-j RETURN')];
      return [...blocks, decide(mark(marks.pass)), rule([isMarked(marks.pass), '-j RETURN'])];
    case 'deny':
      return [...blocks, decide(denyTarget(context.settings.denied, context.table, family))];
    case 'log':
      return [...blocks, decide(logTarget(context.settings.log))];
  }
}

/** linux/netfilter/xt_LOG.h: the prefix has 29 characters at most. */
const MAX_LOG_PREFIX = 29;

function logTarget({ prefix, rate, burst }: FilterSettings['log']): string {
  const limit = rate === undefined ? '' : `-m limit --limit ${rate} --limit-burst ${burst} `;
  const plain = prefix.replace(/[^\x20-\x7e]|["'\\]/g, '_').slice(0, MAX_LOG_PREFIX - 2);
  return `${limit}-j LOG --log-prefix "${plain}: " --log-level 5`;
}
