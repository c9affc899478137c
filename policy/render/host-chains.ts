/**
 * Chains of host endpoints, and the trees that lead to them. Each part of a host endpoint has its own: traffic of the host's processes,
 * forwarded traffic, and what is decided before connection tracking and before DNAT.
 */
import type { Direction, HostEndpoint } from '../model.js';
import type { RenderedRule } from '../rendered.js';
import { addDispatch, type Leaf } from './dispatch.js';
import {
  acceptKnown,
  denyInvalid,
  hasEnforced,
  profileRules,
  returnIfAccepted,
  startUndecided,
  tierRules,
} from './endpoint-rules.js';
import { failsafeChain } from './failsafes.js';
import { isMarked, mark } from './marks.js';
import { chainName } from './names.js';
import { rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

type ChainRules = readonly (RenderedRule | undefined)[];

/** @returns the chain to enter, which returns with the bit `accept` what is allowed; `undefined`: there are no host endpoints */
export function addHostChains(builder: TableBuilder, direction: Direction): string | undefined {
  const { accept } = builder.marks;
  if (builder.policy.hosts.size === 0) return undefined;
  const failsafes = failsafeChain(builder, direction, accept, false);
  return addChains(builder, direction, '', ({ key, tiers, profiles }) => [
    startUndecided(builder),
    acceptKnown(builder),
    rule([`-j ${failsafes}`]),
    returnIfAccepted(builder),
    denyInvalid(builder),
    ...tierRules(builder, tiers, direction, key, { defaults: true }),
    ...profileRules(builder, profiles, direction, key),
  ]);
}

/** Forwarded packets; no failsafes, which are ports of the host itself. */
export function addForwardChains(builder: TableBuilder, direction: Direction): string | undefined {
  const hasPolicies = ({ forward }: HostEndpoint) => forward.some(tier => tier[direction].length > 0);
  if (![...builder.policy.hosts.values()].some(hasPolicies)) return undefined;
  return addChains(builder, direction, 'fw', host => {
    if (!hasPolicies(host)) return [];
    const tiers = tierRules(builder, host.forward, direction, host.key, { defaults: true });
    if (!hasEnforced(builder, host.forward, direction)) return tiers;
    return [
      startUndecided(builder),
      acceptKnown(builder),
      returnIfAccepted(builder),
      denyInvalid(builder),
      ...tiers,
      rule([mark(builder.marks.accept)], 'every tier passed'),
    ];
  });
}

/** Before connection tracking or before DNAT: nothing denies but rules. */
export function addEarlyChains(
  builder: TableBuilder,
  direction: Direction,
  part: 'untracked' | 'preDnat',
): string | undefined {
  const { pass } = builder.marks;
  if (![...builder.policy.hosts.values()].some(host => host[part].length > 0)) return undefined;
  const failsafes = failsafeChain(builder, direction, pass, part === 'untracked');
  return addChains(builder, direction, '', host => {
    if (host[part].length === 0) return [];
    return [
      startUndecided(builder),
      rule([`-j ${failsafes}`]),
      rule([isMarked(pass), '-j RETURN']),
      ...tierRules(builder, host[part], direction, host.key, { defaults: false }),
    ];
  });
}

/** Without rules of its own an interface still has its own endpoint, which the one for all does not stand in for. */
function addChains(
  builder: TableBuilder,
  direction: Direction,
  suffix: '' | 'fw',
  rulesOf: (host: HostEndpoint) => ChainRules,
): string {
  const [letter, kind, flag] =
    direction === 'ingress' ? (['f', 'from-hep', '-i'] as const) : (['t', 'to-hep', '-o'] as const);
  const chain = `${letter}h${suffix}`;
  const leaf = (host: HostEndpoint): Leaf => {
    const { interfaceName, key } = host;
    const rules = rulesOf(host);
    if (rules.length === 0) return { interfaceName, target: '-j RETURN' };
    const name =
      interfaceName === '*' ? chainName(`${chain}_`, 'all') : chainName(`${chain}-`, interfaceName);
    return { interfaceName, target: `-g ${builder.addChain(name, [key], rules)}` };
  };
  const leaves = [...builder.policy.hosts.values()].map(leaf);
  const all = leaves.find(({ interfaceName }) => interfaceName === '*');
  const named = leaves.filter(({ interfaceName }) => interfaceName !== '*');
  const otherwise = all === undefined ? [] : [...notForAll(builder, flag), rule([all.target])];
  return addDispatch(builder, `${kind}${suffix === '' ? '' : '-fw'}`, flag, named, otherwise);
}

/** What the endpoint of all interfaces does not stand for: workloads, and what a host sends to itself. */
function notForAll({ settings }: TableBuilder, flag: '-i' | '-o'): RenderedRule[] {
  return [...settings.workloadInterfacePrefixes.map(prefix => `${prefix}+`), 'lo'].map(pattern =>
    rule([`${flag} ${pattern}`, '-j RETURN']),
  );
}
