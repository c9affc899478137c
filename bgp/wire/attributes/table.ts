/** The path attributes that we know, in the order in which they go out. A new one is a file and a line here. */
import { aggregator, as4Aggregator, atomicAggregate } from './aggregation.js';
import { as4Path, asPath } from './as-path-attribute.js';
import { communities, extendedCommunities, largeCommunities } from './communities.js';
import type { AttributeEntry } from './entry.js';
import { mpReachNlri, mpUnreachNlri } from './multiprotocol.js';
import { nextHop } from './next-hop.js';
import { onlyToCustomer } from './only-to-customer.js';
import { origin } from './origin.js';
import { localPref, multiExitDisc } from './preference.js';
import { clusterList, originatorId } from './reflection.js';

/** By type (RFC 4271 section 5), but what holds routes comes first (RFC 7606 section 5.1). */
export const attributeTable: readonly AttributeEntry[] = [
  mpReachNlri,
  mpUnreachNlri,
  origin,
  asPath,
  nextHop,
  multiExitDisc,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  largeCommunities,
  onlyToCustomer,
];

/** The entry of an attribute type, by number. */
export const attributeByType: readonly (AttributeEntry | undefined)[] = Array.from(
  { length: 256 },
  (_, type) => attributeTable.find(entry => entry.type === type),
);

/** "AS_PATH", or "attribute 99". */
export function attributeName(type: number): string {
  return attributeByType[type]?.name ?? `attribute ${type}`;
}
