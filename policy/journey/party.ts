/** Ends of a journey as people write them (pure). */
import { parseIpAddress } from '../../core/ip-address.js';
import type { Party } from './journey.js';
import type { World } from './world.js';

/** An end, or what is wrong with the text. */
export type PartyOrProblem = Party | { readonly kind: 'problem'; readonly problem: string };

/** `NAMESPACE/NAME` of a workload, its name alone if there is one of that name only, or an address: a workload's, a host's, or any. */
export function findParty(world: World, text: string): PartyOrProblem {
  const address = parseIpAddress(text);
  if (address !== undefined) {
    const workload = world.workloadAt(address);
    if (workload !== undefined) return { kind: 'workload', workload, address };
    const host = world.hostAt(address);
    return host === undefined ? { kind: 'address', address } : { kind: 'host', host, address };
  }
  const all = [...world.workloads.values()];
  const found = all.filter(({ namespace, name }) => text === `${namespace}/${name}` || text === name);
  if (found.length === 1) return { kind: 'workload', workload: found[0]! };
  if (found.length > 1) {
    const names = found.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
    return { kind: 'problem', problem: `"${text}" is the name of several workloads: ${names}` };
  }
  return {
    kind: 'problem',
    problem: `"${text}" is neither an address nor a workload (NAMESPACE/NAME) of the ${all.length} that there are`,
  };
}
