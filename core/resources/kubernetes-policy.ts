/**
 * The spec of Kubernetes' own `NetworkPolicy` (networking.k8s.io/v1), which is the kind KubernetesNetworkPolicy here, and of Calico's
 * staged form of it. Checked as Kubernetes' API server does.
 */
import { z } from 'zod';
import { prefixContains } from '../prefix.js';
import { labelKey, labels, labelValue, oneOf, optional, prefix } from './fields.js';
import { stagedAction } from './policy.js';
import type { KubernetesPolicyRule, LabelSelector, StagedAction } from './policy-documents.js';
import { MAX_PORT } from './policy-fields.js';

const requirement = z
  .strictObject({
    key: labelKey,
    operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: optional(z.array(labelValue)).transform(given => given ?? []),
  })
  .superRefine(({ operator, values }, context) => {
    const wanted = operator === 'In' || operator === 'NotIn';
    if (wanted === values.length > 0) return;
    const message = wanted
      ? `a list of at least one value, which ${operator} needs`
      : `allowed beside ${operator}`;
    context.addIssue({ code: 'custom', path: ['values'], message });
  });

const labelSelector = z.strictObject({
  matchLabels: labels,
  matchExpressions: optional(z.array(requirement)).transform(given => given ?? []),
});

const ipBlock = z
  .strictObject({ cidr: prefix, except: optional(z.array(prefix)).transform(given => given ?? []) })
  .superRefine(({ cidr, except }, context) => {
    for (const [i, inner] of except.entries()) {
      if (inner !== cidr && prefixContains(cidr, inner)) continue;
      const message = `a prefix inside ${cidr}, and smaller`;
      context.addIssue({ code: 'custom', path: ['except', i], message });
    }
  });

const peerAllowed = 'a map of podSelector, namespaceSelector or both, or of ipBlock alone';
const peer = z
  .strictObject(
    {
      podSelector: optional(labelSelector),
      namespaceSelector: optional(labelSelector),
      ipBlock: optional(ipBlock),
    },
    peerAllowed,
  )
  .refine(
    given =>
      (given.ipBlock === undefined) !==
      (given.podSelector === undefined && given.namespaceSelector === undefined),
    peerAllowed,
  );

const portAllowed = `a port from 1 to ${MAX_PORT}, or the name of one: at most 15 small letters, digits and "-", a letter among them`;

/** IANA's form of a service's name (RFC 6335 section 5.1). */
function isPort(given: string | number): boolean {
  if (typeof given === 'number') return Number.isInteger(given) && given >= 1 && given <= MAX_PORT;
  return /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(given) && !given.includes('--');
}

const port = z
  .strictObject({
    protocol: optional(oneOf(['TCP', 'UDP', 'SCTP'])).transform(given => given ?? 'TCP'),
    port: optional(z.union([z.string(), z.number()], portAllowed).refine(isPort, portAllowed)),
    endPort: optional(z.number(`a port up to ${MAX_PORT}`)),
  })
  .superRefine(({ port: first, endPort }, context) => {
    if (endPort === undefined) return;
    const issue = (message: string) => context.addIssue({ code: 'custom', path: ['endPort'], message });
    if (typeof first !== 'number') issue('allowed without the number of a port');
    else if (!Number.isInteger(endPort) || endPort < first || endPort > MAX_PORT) {
      issue(`a port from ${first}, which the range begins with, to ${MAX_PORT}`);
    }
  });

function rules(peers: 'from' | 'to') {
  const rule = z
    .strictObject({ [peers]: optional(z.array(peer)), ports: optional(z.array(port)) })
    .transform(given => {
      const { ports, [peers]: found } = given as Readonly<Record<string, unknown[] | undefined>>;
      return { peers: found ?? [], ports: ports ?? [] } as unknown as KubernetesPolicyRule;
    });
  return optional(z.array(rule)).transform(given => given ?? []);
}

const policyFields = {
  podSelector: optional(labelSelector).transform(
    (given): LabelSelector => given ?? { matchLabels: {}, matchExpressions: [] },
  ),
  policyTypes: optional(z.array(oneOf(['Ingress', 'Egress'])).max(2, 'a list of Ingress, Egress or both')),
  ingress: rules('from'),
  egress: rules('to'),
};

type Given = z.output<z.ZodObject<typeof policyFields>> & { readonly stagedAction?: StagedAction };

/** Ingress always is, egress where there are rules for it, unless the author says which. What deletes another policy is for neither. */
function withTypes<T extends Given>({ policyTypes, ingress, egress, ...rest }: T) {
  if (rest.stagedAction === 'Delete') return { ...rest, policyTypes: [], ingress, egress };
  const written = [...new Set(policyTypes)];
  const usual = egress.length > 0 ? (['Ingress', 'Egress'] as const) : (['Ingress'] as const);
  return { ...rest, policyTypes: written.length > 0 ? written : usual, ingress, egress };
}

export const kubernetesNetworkPolicySpec = z.strictObject(policyFields).transform(withTypes);

export const stagedKubernetesNetworkPolicySpec = z
  .strictObject({ stagedAction, ...policyFields })
  .superRefine((given, context) => {
    if (given.stagedAction !== 'Delete') return;
    const { podSelector, policyTypes = [] } = given;
    const selects = Object.keys(podSelector.matchLabels).length + podSelector.matchExpressions.length;
    const there = {
      podSelector: selects,
      policyTypes: policyTypes.length,
      ingress: given.ingress.length,
      egress: given.egress.length,
    };
    for (const [field, count] of Object.entries(there)) {
      if (count === 0) continue;
      const message = 'allowed beside stagedAction Delete: nothing is';
      context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .transform(withTypes);
