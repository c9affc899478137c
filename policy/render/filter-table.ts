/**
 * The filter table: where packets to processes of the host, from them, and past them are judged. Whatever our chains let through leaves with
 * the bit `accept`; a packet that came from or goes to a workload and does not have it is dropped here too, so that a chain that somebody
 * has emptied opens nothing.
 */
import { NEIGHBOUR_DISCOVERY_OF_WORKLOADS } from '../failsafe-packets.js';
import { mayBeCut } from '../flush-on-deny.js';
import { CHAIN_PREFIX, type RenderedRule } from '../rendered.js';
import { dropCut } from './endpoint-rules.js';
import { neighbourDiscovery } from './failsafes.js';
import { addForwardChains, addHostChains } from './host-chains.js';
import { isMarked, isUnmarked, unmark } from './marks.js';
import { KNOWN_CONNECTION, rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';
import { strangers, tunnelRules } from './tunnel-rules.js';
import { addWorkloadChains } from './workload-chains.js';

type Rules = (RenderedRule | undefined)[];

export function addFilterChains(builder: TableBuilder): void {
  const { settings } = builder;
  const place = settings.hooks === 'insert' ? 'first' : 'last';
  const fromWorkloads = addWorkloadChains(builder, 'egress');
  const toWorkloads = addWorkloadChains(builder, 'ingress');
  builder.addTopChain('INPUT', place, inputRules(builder, fromWorkloads));
  builder.addTopChain('FORWARD', place, forwardRules(builder, fromWorkloads, toWorkloads));
  builder.addTopChain('OUTPUT', place, outputRules(builder));
}

// ---------------------------------------------------------------- what all three need

function workloadPatterns({ settings }: TableBuilder): readonly string[] {
  return settings.workloadInterfacePrefixes.map(prefix => `${prefix}+`);
}

function allowTarget({ settings }: TableBuilder): string {
  return settings.allowed.filter === 'accept' ? '-j ACCEPT' : '-j RETURN';
}

function acceptMarked(builder: TableBuilder): RenderedRule {
  return rule([isMarked(builder.marks.accept), allowTarget(builder)], 'allowed');
}

function forget({ marks }: TableBuilder): RenderedRule {
  return rule([unmark(marks.accept)]);
}

/** Whether packets can be accepted before they come here. */
function acceptsEarly({ policy }: TableBuilder): boolean {
  return [...policy.hosts.values()].some(
    ({ untracked, preDnat }) => untracked.length > 0 || preDnat.length > 0,
  );
}

function dropUnmarked({ marks }: TableBuilder, match: string): RenderedRule {
  return rule([match, isUnmarked(marks.accept), '-j DROP'], 'not allowed');
}

// ---------------------------------------------------------------- to processes

function inputRules(builder: TableBuilder, fromWorkloads: string): Rules {
  const toHost = addWorkloadToHost(builder, fromWorkloads);
  const fromHosts = addHostChains(builder, 'ingress');
  const rules: Rules = [
    ...workloadPatterns(builder).map(pattern => rule([`-i ${pattern}`, `-g ${toHost}`])),
    ...tunnelRules(builder, 'src', allowTarget(builder)),
    ...strangers(builder),
  ];
  if (fromHosts === undefined) return rules;
  const early = acceptsEarly(builder) ? acceptMarked(builder) : undefined;
  return [...rules, early, forget(builder), rule([`-j ${fromHosts}`]), acceptMarked(builder)];
}

function addWorkloadToHost(builder: TableBuilder, fromWorkloads: string): string {
  const { endpointToHost } = builder.settings;
  const target = { accept: '-j ACCEPT', drop: '-j DROP', return: undefined }[endpointToHost];
  return builder.addChain(
    `${CHAIN_PREFIX}wl-to-host`,
    [],
    [
      ...neighbourDiscovery(builder, NEIGHBOUR_DISCOVERY_OF_WORKLOADS, allowTarget(builder)),
      forget(builder),
      rule([`-j ${fromWorkloads}`]),
      dropUnmarked(builder, ''),
      // Answers to what processes of the host have asked it are no business of the setting.
      rule([KNOWN_CONNECTION, allowTarget(builder)]),
      target === undefined ? undefined : rule([target], `endpointToHost: ${endpointToHost}`),
    ],
  );
}

// ---------------------------------------------------------------- past us

function forwardRules(builder: TableBuilder, fromWorkloads: string, toWorkloads: string): Rules {
  const { marks, settings } = builder;
  const fromHosts = addForwardChains(builder, 'ingress');
  const toHosts = addForwardChains(builder, 'egress');
  return [
    acceptsEarly(builder) ? undefined : forget(builder),
    fromHosts === undefined ? undefined : rule([isUnmarked(marks.accept), `-j ${fromHosts}`]),
    ...workloadPatterns(builder).flatMap(pattern => through(builder, `-i ${pattern}`, fromWorkloads)),
    ...workloadPatterns(builder).flatMap(pattern => through(builder, `-o ${pattern}`, toWorkloads)),
    toHosts === undefined ? undefined : rule([`-j ${toHosts}`]),
    settings.failClosedForwarding ? rule([unmark(marks.unjudged)], 'failClosedForwarding') : undefined,
    settings.allowed.filter === 'accept' ? acceptMarked(builder) : undefined,
  ];
}

function through(builder: TableBuilder, match: string, chain: string): RenderedRule[] {
  const { marks } = builder;
  return [rule([match, unmark(marks.accept)]), rule([match, `-j ${chain}`]), dropUnmarked(builder, match)];
}

// ---------------------------------------------------------------- from processes

/**
 * The interface is the one from before destination NAT here: what it has changed is judged after routing (mangle-table.ts).
 */
function outputRules(builder: TableBuilder): Rules {
  const cuts = cutRules(builder);
  const toHosts = addHostChains(builder, 'egress');
  if (toHosts === undefined) return cuts;
  return [
    ...cuts,
    acceptsEarly(builder) ? acceptMarked(builder) : undefined,
    ...workloadPatterns(builder).map(pattern => rule([`-o ${pattern}`, '-j RETURN'])),
    ...tunnelRules(builder, 'dst', allowTarget(builder)),
    forget(builder),
    rule(['-m conntrack ! --ctstate DNAT', `-j ${toHosts}`]),
    acceptMarked(builder),
  ];
}

/** Nothing else judges what the host sends to its workloads: this is the other half of a connection by which one has spoken with it. */
function cutRules(builder: TableBuilder): Rules {
  const { policy, settings } = builder;
  if (![...policy.workloads.values()].some(one => mayBeCut(one, policy.policies, settings))) return [];
  return workloadPatterns(builder).map(pattern => dropCut(builder, `-o ${pattern}`));
}
