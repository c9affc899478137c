/**
 * BGPFilters as the speaker's rules (pure). The filters of a peer stand in the order in which it names them, before the default policy:
 * what no rule matches falls through to that. A filter that is not there is left out, as Calico does, and said.
 *
 * A rule speaks of one family. Where a session carries both, each rule is bound to its own: one with a prefix is by that, one without gets
 * the whole of its family, and what is not inside a prefix is said as all that is beside it.
 */
import type { RouteOperation, RoutePolicyRule } from '../../bgp/speaker/contract.js';
import { type AddressFamily, addressBits, addressFromBytes, addressToBytes } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength, prefixOf } from '../../core/prefix.js';
import type { BGPFilterOperation, BGPFilterResource, BGPFilterRule } from '../../core/resources/resource.js';

type Direction = 'import' | 'export';
type Within = NonNullable<RoutePolicyRule['within']>;

const lists = {
  import: { ipv4: 'importV4', ipv6: 'importV6' },
  export: { ipv4: 'exportV4', ipv6: 'exportV6' },
} as const satisfies Record<Direction, Record<AddressFamily, keyof BGPFilterResource['spec']>>;

/** What the filters say in one direction about the families of a session; none: they say nothing. */
export function filterRules(
  filters: readonly BGPFilterResource[],
  direction: Direction,
  families: readonly AddressFamily[],
): readonly RoutePolicyRule[] {
  return filters.flatMap(({ metadata, spec }) =>
    families.flatMap(family => {
      const list = lists[direction][family];
      return (spec[list] ?? []).flatMap((rule, i) =>
        compileRule(rule, family, families.length > 1, `BGPFilter ${metadata.name}, ${list}[${i}]`),
      );
    }),
  );
}

/** Several where the session carries another family and the rule is for what is not inside a prefix. */
function compileRule(
  rule: BGPFilterRule,
  family: AddressFamily,
  mixed: boolean,
  reason: string,
): readonly RoutePolicyRule[] {
  const operations = (rule.operations ?? []).map(compileOperation);
  const rest: Omit<RoutePolicyRule, 'within'> = {
    source: rule.source === 'RemotePeers' ? 'peers' : 'any',
    ...(rule.peerType === undefined ? {} : { peerType: rule.peerType === 'eBGP' ? 'ebgp' : 'ibgp' }),
    ...(rule.communities === undefined ? {} : { communities: rule.communities.values }),
    ...(rule.asPathPrefix === undefined ? {} : { asPathPrefix: rule.asPathPrefix }),
    ...(rule.priority === undefined ? {} : { localPref: localPrefOf(rule.priority) }),
    ...(rule.interface === undefined ? {} : { interface: rule.interface }),
    action: rule.action === 'Accept' ? 'accept' : 'reject',
    ...(operations.length === 0 ? {} : { operations }),
    reason,
  };
  const within = withinOf(rule, family, mixed);
  const ranges = mixed && within?.negated === true ? beside(within) : [within];
  return ranges.map(range => ({ within: range, ...rest }));
}

/** Calico's priorities are metrics of the kernel, and LOCAL_PREF is what is left of the largest. */
export function localPrefOf(priority: number): number {
  return 2147483647 - priority;
}

function withinOf(rule: BGPFilterRule, family: AddressFamily, mixed: boolean): Within | undefined {
  const { cidr, matchOperator, prefixLength: lengths } = rule;
  const most = addressBits(family);
  if (cidr === undefined) return mixed ? { prefix: whole(family), minLength: 0, maxLength: most } : undefined;
  const own = prefixLength(cidr);
  const exact = matchOperator === 'Equal' || matchOperator === 'NotEqual';
  return {
    prefix: cidr,
    minLength: exact ? own : Math.max(own, lengths?.min ?? own),
    maxLength: exact ? own : (lengths?.max ?? most),
    ...(matchOperator === 'NotEqual' || matchOperator === 'NotIn' ? { negated: true } : {}),
  };
}

function whole(family: AddressFamily): Prefix {
  return (family === 'ipv4' ? '0.0.0.0/0' : '::/0') as Prefix;
}

/** Every prefix of the family that is not in the range, as ranges: shorter ones around it, those beside it, and other lengths inside. */
export function beside({ prefix, minLength, maxLength }: Within): readonly Within[] {
  const most = addressBits(prefixFamily(prefix));
  const own = prefixLength(prefix);
  const found: Within[] = [];
  for (let length = 0; length < own; length++) {
    const around = prefixOf(prefixAddress(prefix), length);
    found.push({ prefix: around, minLength: length, maxLength: length });
    found.push({ prefix: sibling(prefix, length + 1), minLength: length + 1, maxLength: most });
  }
  if (minLength > own) found.push({ prefix, minLength: own, maxLength: minLength - 1 });
  if (maxLength < most) found.push({ prefix, minLength: Math.max(own, maxLength + 1), maxLength: most });
  return found;
}

/** Like the first `length` bits of a prefix but for the last of them. */
function sibling(prefix: Prefix, length: number): Prefix {
  const bytes = addressToBytes(prefixAddress(prefix)).slice();
  const at = length - 1;
  bytes[at >> 3] = (bytes[at >> 3] as number) ^ (0x80 >> (at & 7));
  return prefixOf(addressFromBytes(prefixFamily(prefix), bytes), length);
}

function compileOperation(operation: BGPFilterOperation): RouteOperation {
  const { addCommunity, prependASPath, setPriority } = operation;
  if (addCommunity !== undefined) return { kind: 'add-communities', communities: [addCommunity.value] };
  if (prependASPath !== undefined) return { kind: 'prepend-as-path', asns: prependASPath.prefix };
  return { kind: 'set-local-pref', value: localPrefOf(setPriority?.value ?? 1) };
}
