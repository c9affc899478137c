/** What the chains of endpoints are made of: tiers, profiles, connection state, and what a workload may not send. */
import { prefixFamily, prefixLength } from '../../core/prefix.js';
import type { Direction, EndpointKey, EndpointTier, WorkloadEndpoint } from '../model.js';
import type { RenderedRule } from '../rendered.js';
import { encapsulationPorts, sourcesOf } from '../settings.js';
import { isMarked, isOfMarkedConnection, isUnmarked, mark, unmark } from './marks.js';
import {
  denyTarget,
  INVALID_CONNECTION,
  KNOWN_CONNECTION,
  plainComment,
  protocolMatch,
  rule,
} from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

export interface TierOptions {
  /** Of what no policy of a tier decided; without, it passes. */
  readonly defaults: boolean;
}

/** Return with the bit `accept` if a policy allows. What denies ends the packet's way. */
export function tierRules(
  builder: TableBuilder,
  tiers: readonly EndpointTier[],
  direction: Direction,
  endpoint: EndpointKey,
  { defaults }: TierOptions,
): RenderedRule[] {
  const { marks } = builder;
  return tiers.flatMap(tier => {
    const keys = tier[direction];
    if (keys.length === 0) return [];
    const enforced = hasEnforced(builder, [tier], direction);
    // Where all are staged no bit is set, and whatever came in with the packet is of no concern.
    const undecided = enforced ? isUnmarked(marks.accept | marks.pass) : '';
    const title = plainComment(`tier ${tier.name}`);
    return [
      rule([unmark(marks.pass)], title),
      ...keys.map(key => rule([undecided, `-j ${builder.policyChain(key, direction, endpoint)}`])),
      ...(enforced ? [returnIfAccepted(builder)] : []),
      ...(enforced && defaults && tier.defaultAction === 'deny'
        ? [deny(builder, `${title}: no policy passed`, isUnmarked(marks.pass))]
        : []),
    ];
  });
}

export function hasEnforced(
  { policy }: TableBuilder,
  tiers: readonly EndpointTier[],
  direction: Direction,
): boolean {
  return tiers.some(tier => tier[direction].some(key => policy.policies.get(key)?.staged !== true));
}

/** To the end of the chain: who is not accepted by then is denied. */
export function profileRules(
  builder: TableBuilder,
  profiles: readonly string[],
  direction: Direction,
  endpoint: EndpointKey,
): RenderedRule[] {
  const rules: RenderedRule[] = [];
  for (const name of profiles) {
    if (!builder.policy.profiles.has(name))
      return [...rules, deny(builder, plainComment(`no such profile: ${name}`))];
    rules.push(rule([`-j ${builder.profileChain(name, direction, endpoint)}`]), returnIfAccepted(builder));
  }
  return [...rules, deny(builder, 'no profile allowed')];
}

export function returnIfAccepted({ marks }: TableBuilder): RenderedRule {
  return rule([isMarked(marks.accept), '-j RETURN']);
}

/** Of no connection yet, and no policy asked. */
export function startUndecided({ marks }: TableBuilder): RenderedRule {
  return rule([unmark(marks.accept | marks.pass)]);
}

/** Before known connections are accepted: both ways, whoever sends. @param match e.g. of an interface */
export function dropCut({ marks }: TableBuilder, match = ''): RenderedRule {
  return rule([match, isOfMarkedConnection(marks.cut), '-j DROP'], 'flushOnDeny');
}

export function acceptKnown({ marks }: TableBuilder): RenderedRule {
  return rule([KNOWN_CONNECTION, mark(marks.accept)]);
}

export function denyInvalid(builder: TableBuilder): RenderedRule | undefined {
  return builder.settings.dropInvalid ? rule([INVALID_CONNECTION, '-j DROP']) : undefined;
}

export function deny(builder: TableBuilder, comment: string, match = ''): RenderedRule {
  return rule([match, denyTarget(builder.settings.denied, builder.table, builder.family)], comment);
}

/** Before everything else that a workload sends: addresses of others, and packets that others would unpack. */
export function notFromWorkloads(builder: TableBuilder, workload: WorkloadEndpoint): RenderedRule[] {
  const { settings, family } = builder;
  const { ipip, vxlan } = settings.encapsulatedFromWorkloads;
  const ports = encapsulationPorts(settings);
  const closed = [...(vxlan ? [] : ports.vxlan), ...ports.ours];
  const own = sourcesOf(workload, settings).filter(net => prefixFamily(net) === family);
  return [
    ...(own.some(net => prefixLength(net) === 0) ? [] : spoofed(builder, own)),
    ...(ipip ? [] : [rule([protocolMatch(4), '-j DROP'], 'encapsulated')]),
    ...[...new Set(closed)].map(port =>
      rule([protocolMatch(17), `-m multiport --dports ${port}`, '-j DROP'], 'encapsulated'),
    ),
  ];
}

function spoofed({ marks }: TableBuilder, own: readonly string[]): RenderedRule[] {
  const comment = 'spoofed';
  if (own.length === 0) return [rule(['-j DROP'], comment)];
  if (own.length === 1) return [rule([`! -s ${own[0]}`, '-j DROP'], comment)];
  return [
    rule([unmark(marks.thisBlock)]),
    ...own.map(net => rule([`-s ${net}`, mark(marks.thisBlock)])),
    rule([isUnmarked(marks.thisBlock), '-j DROP'], comment),
  ];
}
