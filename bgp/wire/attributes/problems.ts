/**
 * What is wrong with the path attributes of an UPDATE, and what that costs (RFC 7606): the attribute, the routes, or the session.
 */
import { AttributeType, UpdateError } from '../../iana.js';
import { noData } from '../message-error.js';
import type { PathAttributes } from './attributes.js';
import type { AttributeContext, Disposition } from './entry.js';
import { attributeByType, attributeName } from './table.js';

/** One thing wrong with one attribute. `subcode` and `data` are those of a NOTIFICATION 3/x, should it come to that. */
export interface AttributeProblem {
  readonly type: number;
  readonly disposition: Disposition;
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly detail: string;
}

const strength = { 'attribute-discard': 1, 'treat-as-withdraw': 2, 'session-reset': 3 } as const;

/** RFC 7606 section 3 h: of several approaches the strongest; `undefined` if nothing is wrong. */
export function strongestDisposition(problems: readonly AttributeProblem[]): Disposition | undefined {
  let strongest: Disposition | undefined;
  for (const { disposition } of problems) {
    if (strongest === undefined || strength[disposition] > strength[strongest]) strongest = disposition;
  }
  return strongest;
}

/**
 * The problem that ends the session, if one does.
 *
 * RFC 7606 section 5.2: in a message that has attributes and announces nothing, routes may hide behind the error, so what would
 * else be treated as withdraw ends the session too.
 *
 * @param announces whether the message carries routes, in the NLRI field or in MP_REACH_NLRI, of whatever family
 */
export function fatalProblem(
  problems: readonly AttributeProblem[],
  announces: boolean,
): AttributeProblem | undefined {
  return (
    problems.find(({ disposition }) => disposition === 'session-reset') ??
    (announces ? undefined : problems.find(({ disposition }) => disposition === 'treat-as-withdraw'))
  );
}

/**
 * Well-known attributes that a message with routes must carry and this one does not (RFC 4271 section 5, RFC 7606 section 3 d). One
 * that is there but malformed is not missing.
 *
 * @param nlri routes in the NLRI field, for which NEXT_HOP is mandatory too
 */
export function missingAttributes(
  decoded: { readonly attributes: PathAttributes; readonly problems: readonly AttributeProblem[] },
  context: AttributeContext,
  nlri: boolean,
): readonly AttributeProblem[] {
  const { attributes, problems } = decoded;
  const missing: number[] = [];
  if (attributes.origin === undefined) missing.push(AttributeType.origin);
  if (attributes.asPath === undefined) missing.push(AttributeType.asPath);
  if (nlri && attributes.nextHop === undefined) missing.push(AttributeType.nextHop);
  if (context.ibgp && attributes.localPref === undefined) missing.push(AttributeType.localPref);
  return missing
    .filter(type => !problems.some(problem => problem.type === type))
    .map(type => ({
      type,
      disposition: 'treat-as-withdraw',
      subcode: UpdateError.missingWellKnownAttribute,
      data: Uint8Array.of(type),
      detail: `${attributeName(type)} is missing`,
    }));
}

/** RFC 7606 section 3 g: the attributes that hold routes may stand only once; of others the first counts. */
export function repeatedAttribute(type: number): AttributeProblem {
  const holdsRoutes = attributeByType[type]?.holdsRoutes === true;
  return {
    type,
    disposition: holdsRoutes ? 'session-reset' : 'attribute-discard',
    subcode: UpdateError.malformedAttributeList,
    data: noData,
    detail: `${attributeName(type)} stands twice`,
  };
}
