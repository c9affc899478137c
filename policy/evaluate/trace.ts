/** What the evaluator saw on the way to its verdict: as data, and in words. */
import type { Direction, EndpointKey, PolicyKey, Rule } from '../model.js';

export type Verdict = 'allow' | 'deny';

export interface Judgement {
  readonly verdict: Verdict;
  /** In the order of the packet's way; the last one decides. */
  readonly trace: readonly Step[];
}

/** Which of an endpoint's lists of tiers. */
export type Part = 'workload' | 'host' | 'forward' | 'untracked' | 'pre-dnat';

export type Step =
  | { readonly kind: 'hook'; readonly table: 'raw' | 'mangle' | 'filter'; readonly chain: HookName }
  | {
      readonly kind: 'endpoint';
      readonly key: EndpointKey;
      readonly part: Part;
      readonly direction: Direction;
    }
  | { readonly kind: 'tier'; readonly tier: string }
  | {
      readonly kind: 'rule';
      readonly owner: { readonly kind: 'policy'; readonly key: PolicyKey } | ProfileOwner;
      readonly direction: Direction;
      /** From 0. */
      readonly rule: number;
      readonly action: Rule['action'];
    }
  | {
      readonly kind: 'no-rule';
      readonly owner: { readonly kind: 'policy'; readonly key: PolicyKey } | ProfileOwner;
    }
  /** What it would have done; `undefined`: left the packet to the next policy, or to its tier's default. */
  | { readonly kind: 'staged'; readonly key: PolicyKey; readonly would: StagedOutcome | undefined }
  | { readonly kind: 'tier-default'; readonly tier: string; readonly action: 'deny' | 'pass' }
  | { readonly kind: 'missing-profile'; readonly name: string }
  /** A workload whose interface is not named like those of workloads: its policy is not asked. */
  | { readonly kind: 'unguarded'; readonly key: EndpointKey; readonly interfaceName: string }
  | { readonly kind: 'decided'; readonly verdict: Verdict; readonly why: Why };

export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT';
type ProfileOwner = { readonly kind: 'profile'; readonly name: string };
export interface StagedOutcome {
  readonly rule: number;
  readonly action: 'allow' | 'deny' | 'pass';
}

/** Reasons of verdicts, and the words for them. */
export const reasons = {
  'family-not-filtered': 'packets of this family are not filtered',
  'unknown-workload-interface': 'the interface is named like that of a workload, and no workload has it',
  disabled: 'the endpoint is administratively down',
  spoofed: 'the source address is none of those that the workload may send from',
  encapsulated: 'workloads may not send encapsulated packets',
  'known-connection': 'it belongs to a connection that was let through before',
  'cut-connection': 'it belongs to a connection that policy denies by now (margay.io/flushOnDeny)',
  'invalid-connection': 'connection tracking calls it invalid',
  failsafe: 'a failsafe port: no policy of a host endpoint closes it',
  'neighbour-discovery': 'IPv6 neighbour discovery and multicast listeners are never cut off',
  'tunnel-peer': 'an encapsulated packet from or to a known node',
  'tunnel-stranger': 'an encapsulated packet from an address that is no node',
  policy: 'a rule of a policy says so',
  'tier-default': 'no policy of the tier decided, and the default of the tier is to deny',
  profile: 'a rule of a profile says so',
  'missing-profile': 'a profile of the endpoint does not exist',
  'no-profile': 'no policy decided, and no profile allowed it',
  'endpoint-to-host': 'what workloads may do to processes of the host is set for all of them',
  'own-workload': 'the host may always reach its own workloads',
  'allowed-all-the-way': 'everything on the way that had something to say allowed it',
  'nobody-concerned': 'no endpoint has anything to say about it',
} as const;

export type Why = keyof typeof reasons;

export function stepInWords(step: Step): string {
  switch (step.kind) {
    case 'hook':
      return `${step.chain} of table ${step.table}`;
    case 'endpoint':
      return `${step.key}: ${step.direction}, ${partWords[step.part]}`;
    case 'tier':
      return `tier ${step.tier}`;
    case 'rule':
      return `${ownerWords(step.owner)}: rule ${step.rule} of ${step.direction} matches: ${step.action}`;
    case 'no-rule':
      return `${ownerWords(step.owner)}: no rule decides`;
    case 'staged':
      return `${step.key} is staged: ${stagedWords(step.would)}`;
    case 'tier-default':
      return `no policy of tier ${step.tier} decided: its default is ${step.action}`;
    case 'missing-profile':
      return `profile ${step.name} does not exist`;
    case 'unguarded':
      return `${step.key} is not guarded: its interface ${step.interfaceName} does not begin as those of workloads do (interfacePrefix)`;
    case 'decided':
      return `${step.verdict}: ${reasons[step.why]}`;
  }
}

const partWords: Readonly<Record<Part, string>> = {
  workload: 'the workload',
  host: 'processes of the host',
  forward: 'forwarded packets',
  untracked: 'before connection tracking',
  'pre-dnat': 'before destination NAT',
};

function ownerWords(owner: { readonly kind: 'policy'; readonly key: PolicyKey } | ProfileOwner): string {
  return owner.kind === 'policy' ? owner.key : `profile ${owner.name}`;
}

function stagedWords(would: StagedOutcome | undefined): string {
  if (would === undefined) return 'no rule of it would have decided';
  const done = { allow: 'allowed', deny: 'denied', pass: 'passed' }[would.action];
  return `rule ${would.rule} would have ${done} it`;
}
