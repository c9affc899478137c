/** What a policy changes of a route (pure): path attributes in, path attributes out, one operation after another. */
import type { RouteOperation } from '../speaker/route-policy.js';
import { prependAsn } from '../wire/attributes/as-path.js';
import type { LargeCommunity, PathAttributes } from '../wire/attributes/attributes.js';
import { communityOf } from './community-text.js';
import { hasCommunity } from './policy-conditions.js';

export function applyOperations(
  attributes: PathAttributes,
  operations: readonly RouteOperation[],
): PathAttributes {
  return operations.reduce(applyOperation, attributes);
}

function applyOperation(attributes: PathAttributes, operation: RouteOperation): PathAttributes {
  switch (operation.kind) {
    case 'add-communities':
      return operation.communities.reduce(addCommunity, attributes);
    case 'prepend-as-path': {
      const asPath = operation.asns.toReversed().reduce(prependAsn, attributes.asPath ?? []);
      return { ...attributes, asPath };
    }
    case 'set-local-pref':
      return { ...attributes, localPref: operation.value };
    case 'set-med':
      return { ...attributes, multiExitDisc: operation.value };
  }
}

function addCommunity(attributes: PathAttributes, text: string): PathAttributes {
  const community = communityOf(text);
  if (community === undefined || hasCommunity(attributes, text)) return attributes;
  if (typeof community === 'number') {
    return { ...attributes, communities: [...(attributes.communities ?? []), community] };
  }
  const largeCommunities: LargeCommunity[] = [...(attributes.largeCommunities ?? []), community];
  return { ...attributes, largeCommunities };
}

/** The last MULTI_EXIT_DISC that the operations set, if one does. */
export function medSetBy(operations: readonly RouteOperation[]): number | undefined {
  return operations.findLast(operation => operation.kind === 'set-med')?.value;
}
