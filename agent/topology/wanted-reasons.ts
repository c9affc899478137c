/** Why an arrangement with reflectors is as it is wanted, in the sentences of the plan (pure). */
import { isSelector, matchesSelector, parseSelector } from '../../core/selector.js';
import type { TopologyHosts } from './cluster-hosts.js';
import type { Electable } from './election.js';
import { valueWords } from './reflector-choice.js';
import type { TopologySettings } from './settings.js';

export function countWords(found: number, count: number, settings: TopologySettings, hosts: number): string {
  const { reflectors, sessionsPerClient } = settings;
  const wish =
    reflectors === undefined
      ? `${count} reflectors for ${hosts} hosts with ${sessionsPerClient} sessions each`
      : `BGPTopology/default wants ${reflectors} reflectors`;
  return found < Math.max(count, reflectors ?? 0) ? `${wish}, of which there are ${found}` : wish;
}

export function goneWords(
  name: string,
  hosts: TopologyHosts,
  silent: readonly Electable[],
  { reflectorSelector }: TopologySettings,
): string {
  const host = hosts.get(name);
  if (host === undefined) return `${name} reflects no more: it is no host of the arrangement any more`;
  if (silent.some(one => one.name === name)) {
    return `${name} reflects no more: nothing has been heard of it for ${Math.round(host.silentSeconds)} s`;
  }
  const selector = parseSelector(reflectorSelector);
  return isSelector(selector) && matchesSelector(selector, host.labels)
    ? `${name} reflects no more: others were enough, or better spread`
    : `${name} reflects no more: it does not match the reflectorSelector ${reflectorSelector}`;
}

export function electedWords({ name, spread }: Electable, { spreadBy }: TopologySettings): string {
  if (spreadBy === undefined) return `${name} reflects: it comes first by the hash of its name`;
  if (spread === undefined) {
    return `${name} reflects: no value of ${spreadBy} had fewer reflectors than the hosts without that label, and of those it comes first by the hash of its name`;
  }
  return `${name} reflects: no value had fewer reflectors than its ${valueWords(spreadBy, spread)}, and there it comes first by the hash of its name`;
}

/** Where the values are not shared out as they would be now. */
export function crowdWords(
  all: readonly Electable[],
  candidates: readonly Electable[],
  spreadBy: string | undefined,
): readonly string[] {
  if (spreadBy === undefined) return [];
  const taken = new Map<string | undefined, number>();
  for (const { spread } of all) taken.set(spread, (taken.get(spread) ?? 0) + 1);
  const crowded = [...taken].find(([, count]) => count > 1);
  const free = candidates.find(({ spread }) => !taken.has(spread));
  if (crowded === undefined || free === undefined) return [];
  return [
    `several reflect with ${valueWords(spreadBy, crowded[0])}, and none with ${valueWords(spreadBy, free.spread)}: they were there first, and nothing changes for better candidates`,
  ];
}
