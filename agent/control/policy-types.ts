/** Network policy in the control API: what is enforced, what has been counted, and what becomes of a packet. As in `types.ts`. */
import type { Part, Step, Verdict } from '../../policy/evaluate/trace.js';
import type { Packet } from '../../policy/model.js';

export interface PolicyStatusView {
  /** Which iptables, and why; null: none is known to work yet. */
  readonly backend: 'nft' | 'legacy' | null;
  readonly backendReason: string;
  readonly inForce: boolean;
  /** Why what should be in force is not yet; null where it is, or about to be. */
  readonly waitingFor: string | null;
  /** Of this host. */
  readonly endpoints: number;
  readonly policies: number;
  /** Of ours in the kernel. */
  readonly chains: number;
  readonly rules: number;
  readonly sets: number;
  readonly members: number;
  /** When others took away of our rules; the latest last. */
  readonly exposures: readonly {
    readonly what: string;
    readonly by: string | null;
    /** Whether it is known when it was done; otherwise it may have been shorter. */
    readonly exact: boolean;
    readonly milliseconds: number;
    readonly healed: boolean;
    readonly agoMilliseconds: number;
  }[];
  readonly exposureCount: number;
}

export interface ExplainQuery {
  /** A workload (NAMESPACE/NAME, or its name alone), or an address. */
  readonly from: string;
  readonly to: string;
  /** "5432/tcp"; not with `icmp`. With neither: an echo request. */
  readonly port?: string;
  /** The type, or "TYPE/CODE". */
  readonly icmp?: string;
}

export interface ExplainView {
  readonly from: ExplainedEnd;
  readonly to: ExplainedEnd;
  readonly packet: Packet;
  /** By the policy of all hosts on its way, whether or not it is enforced there. */
  readonly verdict: Verdict;
  /** What decided, in words. */
  readonly why: string;
  /** Whether this host has in force what is said of it here. */
  readonly policyHere: 'in-force' | 'not-in-force' | 'off';
  /** In the order of its way; after one that denies there is none. */
  readonly hosts: readonly {
    readonly host: string;
    /** It is the one that answers. */
    readonly here: boolean;
    readonly verdict: Verdict;
    readonly steps: readonly (Step & { readonly words: string })[];
  }[];
  readonly route: RouteHereView;
}

export interface ExplainedEnd {
  /** NAMESPACE/NAME of a workload, "host NAME"; null: neither. */
  readonly name: string | null;
  /** Null: none of the cluster. */
  readonly host: string | null;
}

/** How the host that answers sends to the packet's destination. */
export interface RouteHereView {
  /** `own`: the host's own address; `foreign`: another program's route; `unknown`: there is no dataplane. */
  readonly kind: 'own' | 'ours' | 'foreign' | 'none' | 'unknown';
  readonly prefix: string | null;
  readonly legs: readonly { readonly gateway: string | null; readonly interface: string }[];
  /** Of a route that a peer told. */
  readonly learnedFrom: string | null;
  readonly nextHop: string | null;
  /** Why it is no route of ours; "" where it is one. */
  readonly problem: string;
  readonly words: string;
}

/** What is enforced for one endpoint of the host that answers, in its order. */
export interface EndpointPolicyView {
  readonly endpoint: string;
  /** "*": every one of the host's. */
  readonly interfaceName: string;
  readonly disabled: boolean;
  /** False: its interface is not named like a workload's, and nothing of this is asked. */
  readonly guarded: boolean;
  readonly inForce: boolean;
  /** Why there are no counters; "" where there are. */
  readonly countersProblem: string;
  readonly parts: readonly PolicyPartView[];
}

export interface PolicyPartView {
  readonly part: Part;
  readonly direction: 'ingress' | 'egress';
  readonly tiers: readonly {
    readonly name: string;
    /** Of what no policy of it decides; `none`: all of them are staged. */
    readonly defaultAction: 'deny' | 'pass' | 'none';
    readonly policies: readonly (PolicyRulesView & { readonly staged: boolean })[];
  }[];
  /** Asked where no tier decides. */
  readonly profiles: readonly (PolicyRulesView & {
    /** It denies everything. */
    readonly missing: boolean;
  })[];
}

export interface PolicyRulesView {
  readonly key: string;
  readonly rules: readonly PolicyRuleView[];
}

export interface PolicyRuleView {
  /** From 0. */
  readonly rule: number;
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  /** What it matches. */
  readonly words: string;
  /** Of all endpoints of the host that the policy is for, since its chain was written; null: not known, or no packet can match. */
  readonly packets: number | null;
  readonly bytes: number | null;
}
