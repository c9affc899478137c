/** Chains of workloads, and the trees that lead to them: an interface that is named like a workload's and is none is denied. */
import { mayBeCut } from '../flush-on-deny.js';
import { interfaceHolders } from '../interface-holders.js';
import type { Direction, WorkloadEndpoint } from '../model.js';
import { addDispatch } from './dispatch.js';
import {
  acceptKnown,
  deny,
  denyInvalid,
  dropCut,
  notFromWorkloads,
  profileRules,
  returnIfAccepted,
  startUndecided,
  tierRules,
} from './endpoint-rules.js';
import { chainName } from './names.js';
import { remembered } from './remembered.js';
import { rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

/** @returns the chain for packets from (egress) or to workloads; it returns with the bit `accept` what is allowed, and nothing else */
export function addWorkloadChains(builder: TableBuilder, direction: Direction): string {
  const holders = interfaceHolders(builder.policy.workloads.values());
  const leaves = [...holders.values()].map(workload => ({
    interfaceName: workload.interfaceName,
    target: `-g ${addWorkloadChain(builder, workload, direction)}`,
  }));
  const [kind, flag] = direction === 'egress' ? (['from-wl', '-i'] as const) : (['to-wl', '-o'] as const);
  return addDispatch(builder, kind, flag, leaves, [rule(['-j DROP'], 'unknown workload interface')]);
}

function addWorkloadChain(builder: TableBuilder, workload: WorkloadEndpoint, direction: Direction): string {
  const { key, interfaceName } = workload;
  const name = chainName(direction === 'egress' ? 'fw-' : 'tw-', interfaceName);
  const uses = useSharedChains(builder, workload, direction);
  const rules = remembered(builder.settings, workload, `${builder.family} ${direction} ${uses}`, () =>
    workloadRules(builder, workload, direction).filter(one => one !== undefined),
  );
  return builder.addChain(name, [key], rules);
}

/** @returns what its own rules depend on beside the workload and the settings: which policies are staged or cut, which profiles exist */
function useSharedChains(builder: TableBuilder, workload: WorkloadEndpoint, direction: Direction): string {
  const { key, disabled, tiers, profiles } = workload;
  if (disabled) return '';
  const { policy } = builder;
  const flags = tiers.flatMap(tier =>
    tier[direction].map(one => {
      builder.policyChain(one, direction, key);
      return policy.policies.get(one)?.staged === true ? 's' : 'e';
    }),
  );
  const missing = profiles.findIndex(one => !policy.profiles.has(one));
  const there = missing < 0 ? profiles : profiles.slice(0, missing);
  for (const one of there) builder.profileChain(one, direction, key);
  return `${flags.join('')} ${there.length} ${mayBeCut(workload, policy.policies, builder.settings)}`;
}

function workloadRules(builder: TableBuilder, workload: WorkloadEndpoint, direction: Direction) {
  const { key, disabled, tiers, profiles } = workload;
  if (disabled) return [deny(builder, `${key} is disabled`)];
  return [
    ...(direction === 'egress' ? notFromWorkloads(builder, workload) : []),
    startUndecided(builder),
    mayBeCut(workload, builder.policy.policies, builder.settings) ? dropCut(builder) : undefined,
    acceptKnown(builder),
    returnIfAccepted(builder),
    denyInvalid(builder),
    ...tierRules(builder, tiers, direction, key, { defaults: true }),
    ...profileRules(builder, profiles, direction, key),
  ];
}
