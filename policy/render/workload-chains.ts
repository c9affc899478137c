/** Chains of workloads, and the trees that lead to them: an interface that is named like a workload's and is none is denied. */
import type { Direction, WorkloadEndpoint } from '../model.js';
import { addDispatch } from './dispatch.js';
import {
  acceptKnown,
  deny,
  denyInvalid,
  notFromWorkloads,
  profileRules,
  returnIfAccepted,
  startUndecided,
  tierRules,
} from './endpoint-rules.js';
import { chainName } from './names.js';
import { rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

/** @returns the chain for packets from (egress) or to workloads; it returns with the bit `accept` what is allowed, and nothing else */
export function addWorkloadChains(builder: TableBuilder, direction: Direction): string {
  const leaves = [...builder.policy.workloads.values()].map(workload => ({
    interfaceName: workload.interfaceName,
    target: `-g ${addWorkloadChain(builder, workload, direction)}`,
    endpoint: workload.key,
  }));
  const [kind, flag] = direction === 'egress' ? (['from-wl', '-i'] as const) : (['to-wl', '-o'] as const);
  return addDispatch(builder, kind, flag, leaves, [rule(['-j DROP'], 'unknown workload interface')]);
}

function addWorkloadChain(builder: TableBuilder, workload: WorkloadEndpoint, direction: Direction): string {
  const { key, interfaceName, disabled, tiers, profiles } = workload;
  const name = chainName(direction === 'egress' ? 'fw-' : 'tw-', interfaceName);
  if (disabled) return builder.addChain(name, [key], [deny(builder, `${key} is disabled`)]);
  return builder.addChain(
    name,
    [key],
    [
      ...(direction === 'egress' ? notFromWorkloads(builder, workload) : []),
      startUndecided(builder),
      acceptKnown(builder),
      returnIfAccepted(builder),
      denyInvalid(builder),
      ...tierRules(builder, tiers, direction, key, { defaults: true }),
      ...profileRules(builder, profiles, direction, key),
    ],
  );
}
