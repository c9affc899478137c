/** Rules of documents to rules of the model: numbers for names, and sets for everything that a selector says. */
import type { EntityRule, PolicyPort, PolicyRule } from '../../core/resources/policy-documents.js';
import { protocolNumber } from '../../core/resources/policy-fields.js';
import type { Direction, IcmpMatch, PortRange, Rule, RuleSide, SetId } from '../model.js';
import { inNamespace, negativeSelector, sideSelector } from './scoped-selectors.js';
import { addressesOf, portsOf, type SetDefinition } from './set-definitions.js';

export interface ConvertedRules {
  readonly rules: readonly Rule[];
  /** Those that the rules name. */
  readonly sets: ReadonlyMap<SetId, SetDefinition>;
}

/** Of a policy in the namespace, or of one that is in none. */
export function convertRules(
  rules: readonly PolicyRule[],
  direction: Direction,
  namespace: string | undefined,
): ConvertedRules {
  const sets = new Map<SetId, SetDefinition>();
  const own: keyof PolicyRule = direction === 'ingress' ? 'destination' : 'source';
  const converted = rules.map(rule => {
    const { action, ipVersion, protocol, notProtocol, icmp, notICMP, metadata } = rule;
    const number = protocol === undefined ? undefined : protocolNumber(protocol);
    const side = (of: 'source' | 'destination') =>
      convertSide(rule[of], { namespace, isOwn: of === own, protocol: number, sets });
    return {
      action: actions[action],
      ...(ipVersion !== undefined && { family: ipVersion === 4 ? 'ipv4' : 'ipv6' }),
      ...(number !== undefined && { protocol: number }),
      ...(notProtocol !== undefined && { notProtocol: protocolNumber(notProtocol) }),
      ...icmpMatch('icmp', icmp),
      ...icmpMatch('notIcmp', notICMP),
      source: side('source'),
      destination: side('destination'),
      ...(metadata !== undefined && { annotations: metadata.annotations }),
    } satisfies Rule;
  });
  return { rules: converted, sets };
}

const actions = { Allow: 'allow', Deny: 'deny', Pass: 'pass', Log: 'log' } as const;

/** A code alone, which no document may say, matches nothing more than its absence does. */
function icmpMatch<K extends 'icmp' | 'notIcmp'>(
  key: K,
  match: PolicyRule['icmp'],
): { readonly [P in K]?: IcmpMatch } {
  if (match?.type === undefined) return {};
  const { type, code } = match;
  return { [key]: code === undefined ? { type } : { type, code } } as { [P in K]?: IcmpMatch };
}

interface SideContext {
  readonly namespace: string | undefined;
  /** Of those the policy is for. */
  readonly isOwn: boolean;
  readonly protocol: number | undefined;
  readonly sets: Map<SetId, SetDefinition>;
}

function convertSide(side: EntityRule, { namespace, isOwn, protocol, sets }: SideContext): RuleSide {
  const use = (set: SetDefinition): SetId => {
    sets.set(set.id, set);
    return set.id;
  };
  const selector = sideSelector(side, namespace);
  const negative = negativeSelector(side);
  // Who has the port must be selected anyhow. The own side of a namespaced policy is in its namespace: other endpoints' ports are
  // none of its business, and would change the set.
  const owners =
    selector ?? (isOwn && namespace !== undefined ? inNamespace(namespace) : ({ kind: 'all' } as const));
  const named = (ports: readonly PolicyPort[]) => [
    ...new Set(
      ports.flatMap(port => ('name' in port ? [use(portsOf(owners, { name: port.name, protocol }))] : [])),
    ),
  ];
  return {
    nets: side.nets,
    notNets: side.notNets,
    sets: selector === undefined ? [] : [use(addressesOf(selector))],
    notSets: negative === undefined ? [] : [use(addressesOf(negative))],
    ports: ranges(side.ports),
    notPorts: ranges(side.notPorts),
    namedPorts: named(side.ports),
    notNamedPorts: named(side.notPorts),
  };
}

function ranges(ports: readonly PolicyPort[]): PortRange[] {
  return ports.flatMap(port => ('name' in port ? [] : [{ min: port.min, max: port.max }]));
}
