/** Network policy in `bgpctl status` (pure but for reading it). */

import { interfaceHolders } from '../../policy/interface-holders.js';
import { isWorkloadInterface } from '../../policy/settings.js';
import type { AgentStatus, ConditionView } from '../control/types.js';
import type { AgentFilter } from './agent-filter.js';

export function filterStatus(filter: AgentFilter | undefined, nowMs: number): AgentStatus['policy'] {
  const status = filter?.host.status();
  if (filter === undefined || status === undefined) return null;
  const { workloads, hosts, policies } = filter.host.policy;
  const [backend] = status.backends.values();
  return {
    backend: backend?.backend ?? null,
    backendReason: backend?.reason ?? '',
    inForce: status.inForce,
    waitingFor: status.waiting?.reason ?? null,
    endpoints: workloads.size + hosts.size,
    policies: policies.size,
    ...status.counts,
    exposures: status.exposures.map(({ what, by, exact, sinceMs, untilMs }) => ({
      what,
      by: by ?? null,
      exact,
      milliseconds: Math.round((untilMs ?? nowMs) - sinceMs),
      healed: untilMs !== undefined,
      agoMilliseconds: Math.round(nowMs - sinceMs),
    })),
    exposureCount: status.exposureCount,
  };
}

/** What could not be brought into force, and what becomes of those it is for. */
export function filterConditions(filter: AgentFilter | undefined): readonly ConditionView[] {
  const problems = filter?.host.status()?.problems ?? [];
  const refused = problems.map(({ endpoints, where, chain, rules, reason, effect }) => {
    const rule = rules[0];
    const origin = rule?.origin;
    const from = origin === undefined ? '' : `${origin.owner}, rule ${origin.rule} of ${origin.direction}: `;
    const place = chain === undefined ? where : `${where}, chain ${chain}`;
    const what = effect === undefined ? '' : ` (${effect})`;
    return {
      severity: 'error',
      message: `${from}${place}: ${reason}${what}`,
      objects: [...endpoints],
    } as const;
  });
  return [...refused, ...unguarded(filter), ...withoutInterface(filter)];
}

/** Workloads are known by the names of their interfaces: what is named otherwise goes by as if there were no policy. */
function unguarded(filter: AgentFilter | undefined): readonly ConditionView[] {
  const settings = filter?.host.settings;
  if (filter === undefined || settings === undefined) return [];
  const prefixes = settings.workloadInterfacePrefixes;
  const others = [...filter.host.policy.workloads.values()].filter(
    ({ interfaceName }) => !isWorkloadInterface(interfaceName, settings),
  );
  return others.map(({ key, interfaceName }) => ({
    severity: 'error',
    message: `${key} is not guarded: its interface ${interfaceName} does not begin with ${prefixes.join(' or ')} (interfacePrefix)`,
    objects: [key],
  }));
}

/** Packets of an interface are those of one workload. */
function withoutInterface(filter: AgentFilter | undefined): readonly ConditionView[] {
  const workloads = [...(filter?.host.policy.workloads.values() ?? [])];
  const holders = interfaceHolders(workloads);
  return workloads.flatMap(({ key, interfaceName }): readonly ConditionView[] => {
    const holder = holders.get(interfaceName)!.key;
    if (holder === key) return [];
    const message = `${key} has no route and no policy: its interface ${interfaceName} is that of ${holder}`;
    return [{ severity: 'error', message, objects: [key] }];
  });
}
