/** Paths as people and library users see them: decoded, every number in its usual notation. Not for hot paths. */
import { type IpAddress, type Ipv4Address, ipv4FromNumber } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import type { RouteDetail } from '../speaker/contract.js';
import { formatAsPath } from '../wire/attributes/as-path.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import type { AttributeBlock } from './attribute-store.js';
import type { Path } from './path-store.js';
import type { Session } from './sources.js';

const originNames = ['igp', 'egp', 'incomplete'] as const;

export interface Verdict {
  readonly best: boolean;
  readonly usable: boolean;
  readonly reason: string;
  readonly policyRule?: string | undefined;
  /** RFC 7911. */
  readonly pathId?: number | undefined;
}

/** Before the decision, as an import policy sees it. */
export const undecided: Verdict = { best: false, usable: true, reason: '' };

export function detailOf(path: Path, prefix: Prefix, family: Family, verdict: Verdict): RouteDetail {
  const { session, block } = path;
  const nextHop = path.nextHop?.address ?? block.nextHop ?? unspecified(family);
  return describe(session, prefix, block.attributes, nextHop, verdict);
}

/** As the peer sent it. */
export function receivedDetail(
  session: Session,
  { attributes, nextHop }: AttributeBlock,
  prefix: Prefix,
  family: Family,
  verdict: Verdict,
): RouteDetail {
  return describe(session, prefix, attributes, nextHop ?? unspecified(family), verdict);
}

function unspecified(family: Family): IpAddress {
  return (family === 'ipv4-unicast' ? '0.0.0.0' : '::') as IpAddress;
}

/** With other attributes than those of the path: what is advertised. */
export function describe(
  session: Session,
  prefix: Prefix,
  attributes: PathAttributes,
  nextHop: IpAddress,
  { best, usable, reason, policyRule, pathId }: Verdict,
): RouteDetail {
  const { aggregator, originatorId } = attributes;
  return {
    prefix,
    from: session.source.key,
    pathId,
    nextHop,
    origin: originNames[attributes.origin ?? 0] ?? 'incomplete',
    asPath: formatAsPath(attributes.asPath ?? []),
    localPref: attributes.localPref,
    med: attributes.multiExitDisc,
    communities: (attributes.communities ?? []).map(value => `${value >>> 16}:${value & 0xffff}`),
    largeCommunities: (attributes.largeCommunities ?? []).map(value => value.join(':')),
    extendedCommunities: (attributes.extendedCommunities ?? []).map(formatExtendedCommunity),
    originatorId: originatorId === undefined ? undefined : ipv4FromNumber(originatorId),
    clusterList: (attributes.clusterList ?? []).map((id): Ipv4Address => ipv4FromNumber(id)),
    atomicAggregate: attributes.atomicAggregate === true,
    aggregator: aggregator && `${aggregator.asn} ${ipv4FromNumber(aggregator.address)}`,
    best,
    usable,
    stale: session.stale,
    reason,
    ...(attributes.onlyToCustomer === undefined ? {} : { onlyToCustomer: attributes.onlyToCustomer }),
    ...(policyRule === undefined ? {} : { policyRule }),
  };
}

/** RFC 4360 sections 4 and 5: route targets and origins of the three administrator forms; the rest in hexadecimal. */
function formatExtendedCommunity(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const name = bytes[1] === 2 ? 'rt' : bytes[1] === 3 ? 'soo' : undefined;
  switch (name === undefined ? -1 : bytes[0]! & 0x3f) {
    case 0:
      return `${name}:${view.getUint16(2)}:${view.getUint32(4)}`;
    case 1:
      return `${name}:${ipv4FromNumber(view.getUint32(2))}:${view.getUint16(6)}`;
    case 2:
      return `${name}:${view.getUint32(2)}:${view.getUint16(6)}`;
    default:
      return `0x${[...bytes].map(octet => octet.toString(16).padStart(2, '0')).join('')}`;
  }
}
