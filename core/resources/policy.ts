/**
 * The specs of Calico's policies: `NetworkPolicy` in a namespace, `GlobalNetworkPolicy` outside of all, and what is staged: looked at,
 * counted, and deciding nothing.
 */
import { z } from 'zod';
import { flag, oneOf, optional, selector } from './fields.js';
import type { StagedAction } from './policy-documents.js';
import { optionalSelector, tierName } from './policy-fields.js';
import { rules } from './policy-rule.js';
import { tierOrder } from './tier.js';

const direction = oneOf(['Ingress', 'Egress']);
export const stagedAction = optional(oneOf(['Set', 'Delete', 'Learn', 'Ignore'])).transform(
  value => value ?? 'Set',
);

const policyFields = {
  tier: optional(tierName).transform(value => value ?? 'default'),
  order: optional(tierOrder),
  selector: optional(selector).transform(value => value ?? ''),
  serviceAccountSelector: optionalSelector,
  types: optional(z.array(direction)),
  ingress: rules,
  egress: rules,
  performanceHints: optional(z.array(oneOf(['AssumeNeededOnEveryNode']))),
};

const usually = (field: typeof flag) => optional(field).transform(value => value ?? false);

/** Said in a namespace, where its author may think that it is in force. */
const ofGlobal = z
  .null('allowed in a namespace: a GlobalNetworkPolicy has it')
  .optional()
  .transform(() => undefined);

const namespacedFields = {
  ...policyFields,
  namespaceSelector: ofGlobal,
  doNotTrack: ofGlobal,
  preDNAT: ofGlobal,
  applyOnForward: ofGlobal,
};

const globalFields = {
  ...policyFields,
  namespaceSelector: optionalSelector,
  doNotTrack: usually(flag),
  preDNAT: usually(flag),
  applyOnForward: usually(flag),
};

type Direction = z.output<typeof direction>;
type Given = z.output<z.ZodObject<typeof policyFields>> & {
  readonly doNotTrack?: boolean | undefined;
  readonly preDNAT?: boolean | undefined;
  readonly applyOnForward?: boolean | undefined;
  readonly stagedAction?: StagedAction;
};

/** From the rules that are there; without any it is for ingress. What deletes another policy is for neither. */
function withTypes<T extends Given>({ types: written = [], ingress, egress, ...rest }: T) {
  if (rest.stagedAction === 'Delete') return { ...rest, types: [], ingress, egress };
  const usual: Direction[] = [];
  if (ingress.length > 0 || egress.length === 0) usual.push('Ingress');
  if (egress.length > 0) usual.push('Egress');
  return { ...rest, types: written.length > 0 ? written : usual, ingress, egress };
}

function check(given: Given, context: z.core.$RefinementCtx): void {
  const issue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const { types = [], doNotTrack, preDNAT } = given;
  if (new Set(types).size < types.length) issue('types', 'a list without repetitions');
  if (doNotTrack && preDNAT) issue('preDNAT', 'allowed beside doNotTrack true: give one of them');
  const early = doNotTrack ? 'doNotTrack' : preDNAT ? 'preDNAT' : undefined;
  if (early !== undefined && given.applyOnForward !== true) {
    issue('applyOnForward', `true, which ${early} needs: it is before the kernel knows what is forwarded`);
  }
  if (preDNAT && given.egress.length > 0)
    issue('egress', 'allowed beside preDNAT true: it is of ingress alone');
  if (preDNAT && types.includes('Egress')) issue('types', '["Ingress"], which preDNAT true is of alone');
  if (given.stagedAction === 'Delete') checkDeletion(given, issue);
}

/** What deletes a policy is none itself. */
function checkDeletion(given: Given, issue: (path: string, message: string) => void): void {
  for (const [field, value] of Object.entries(given)) {
    if (field === 'tier' || field === 'stagedAction') continue;
    const empty =
      value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0);
    if (!empty) issue(field, 'allowed beside stagedAction Delete: nothing is but tier');
  }
}

export const networkPolicySpec = z.strictObject(namespacedFields).superRefine(check).transform(withTypes);
export const globalNetworkPolicySpec = z.strictObject(globalFields).superRefine(check).transform(withTypes);
export const stagedNetworkPolicySpec = z
  .strictObject({ stagedAction, ...namespacedFields })
  .superRefine(check)
  .transform(withTypes);
export const stagedGlobalNetworkPolicySpec = z
  .strictObject({ stagedAction, ...globalFields })
  .superRefine(check)
  .transform(withTypes);
