/**
 * Selectors as policies mean them: a text of theirs put together with the namespace it speaks in, with what it says of namespaces and
 * of service accounts, into one selector of labels. Calico's rules; its labels of namespaces (`pcns.`) and service accounts (`pcsa.`).
 */
import type { EntityRule } from '../../core/resources/policy-documents.js';
import { isSelector, NAMESPACE_LABEL, parseSelector, type Selector } from '../../core/selector.js';

export const SERVICE_ACCOUNT = 'projectcalico.org/serviceaccount';
export const ORCHESTRATOR = 'projectcalico.org/orchestrator';
/** What a thing is; workload endpoints have it, so that Kubernetes' selectors of pods select nothing else. */
export const KIND = 'margay.io/kind';
export const NAMESPACE_PREFIX = 'pcns.';
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';

const nothing: Selector = { kind: 'not', operand: { kind: 'all' } };

/** Whom a policy is for. */
export function policySelector(
  spec: {
    readonly selector: string;
    readonly namespaceSelector?: string | undefined;
    readonly serviceAccountSelector?: string | undefined;
  },
  namespace: string | undefined,
): Selector {
  return both([
    namespaceOf(namespace, spec.namespaceSelector),
    serviceAccountsOf({ names: [], selector: spec.serviceAccountSelector }),
    read(spec.selector),
  ]);
}

/**
 * Whom one side of a rule is for; undefined: it says nothing of it. A negative selector alone already speaks of the policy's own
 * namespace (and what it leaves out is no part of this one).
 */
export function sideSelector(side: EntityRule, namespace: string | undefined): Selector | undefined {
  const { selector, notSelector, namespaceSelector, serviceAccounts } = side;
  const named = [selector, notSelector, namespaceSelector].some(text => text !== undefined && text !== '');
  const accounts = serviceAccountsOf(serviceAccounts);
  if (!named && accounts === undefined) return undefined;
  const operands = [namespaceOf(namespace, namespaceSelector), accounts, readUnlessEmpty(selector)];
  return operands.every(operand => operand === undefined) ? undefined : both(operands);
}

/** What one side of a rule leaves out. */
export function negativeSelector(side: EntityRule): Selector | undefined {
  return readUnlessEmpty(side.notSelector);
}

/** Everything in the namespace. */
export function inNamespace(namespace: string): Selector {
  return { kind: 'equals', label: NAMESPACE_LABEL, value: namespace };
}

/** All of them must hold; what is undefined asks for nothing. */
export function both(selectors: readonly (Selector | undefined)[]): Selector {
  const operands = selectors.filter(selector => selector !== undefined && selector.kind !== 'all');
  if (operands.length === 0) return { kind: 'all' };
  return operands.length === 1
    ? (operands[0] as Selector)
    : { kind: 'and', operands: operands as Selector[] };
}

/** Says a selector of other things' labels of what inherits them: every label gets the prefix. */
export function withPrefix(selector: Selector, prefix: string, all: Selector): Selector {
  switch (selector.kind) {
    case 'all':
      return all;
    case 'global':
      return selector;
    case 'not':
      return { kind: 'not', operand: withPrefix(selector.operand, prefix, all) };
    case 'and':
    case 'or':
      return {
        kind: selector.kind,
        operands: selector.operands.map(operand => withPrefix(operand, prefix, all)),
      };
    default:
      return { ...selector, label: prefix + selector.label };
  }
}

export const inAnyNamespace: Selector = { kind: 'has', label: NAMESPACE_LABEL };

function namespaceOf(namespace: string | undefined, selector: string | undefined): Selector | undefined {
  if (selector !== undefined && selector !== '')
    return withPrefix(read(selector), NAMESPACE_PREFIX, inAnyNamespace);
  return namespace === undefined ? undefined : inNamespace(namespace);
}

function serviceAccountsOf(
  accounts: { readonly names: readonly string[]; readonly selector?: string | undefined } | undefined,
): Selector | undefined {
  if (accounts === undefined) return undefined;
  const selector = readUnlessEmpty(accounts.selector);
  const operands = [
    selector && withPrefix(selector, SERVICE_ACCOUNT_PREFIX, { kind: 'all' }),
    accounts.names.length === 0
      ? undefined
      : ({ kind: 'in', label: SERVICE_ACCOUNT, values: accounts.names } as const),
  ];
  return operands.every(operand => operand === undefined) ? undefined : both(operands);
}

function readUnlessEmpty(text: string | undefined): Selector | undefined {
  return text === undefined || text === '' ? undefined : read(text);
}

/** Documents are checked when they are read; a selector that slipped through selects nothing. */
function read(text: string): Selector {
  const selector = parseSelector(text);
  return isSelector(selector) ? selector : nothing;
}
