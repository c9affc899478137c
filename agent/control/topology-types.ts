/** `bgpctl topology` as data: who peers with whom, why, and what is still on its way. */

export interface TopologyView {
  /** The host that says so. */
  readonly node: string;
  /** `off`: nodeToNodeMeshEnabled is false for this host. */
  readonly mode: 'mesh' | 'reflectors' | 'off';
  /** Null: the controller has made none, and hosts do as they would by the first. */
  readonly plan: TopologyPlanView | null;
  readonly settings: {
    readonly mode: string;
    readonly meshLimit: number;
    /** Null: by the number of hosts. */
    readonly reflectors: number | null;
    readonly sessionsPerClient: number;
    readonly spreadBy: string | null;
    readonly reflectorSelector: string;
    readonly replaceAfterSeconds: number;
  };
  /** Those that take part, by name. */
  readonly hosts: readonly string[];
  readonly spreadBy: string | null;
  readonly reflectors: readonly {
    readonly node: string;
    readonly spread: string | null;
    readonly clients: number;
  }[];
  /** None in a mesh. */
  readonly clients: readonly { readonly node: string; readonly reflectors: readonly string[] }[];
  /** Hosts that take no part. */
  readonly outside: readonly { readonly node: string; readonly why: string }[];
  /** Null: there is one arrangement. */
  readonly transition: TopologyTransitionView | null;
  /** Of the host that says so. */
  readonly progress: { readonly inSync: boolean; readonly detail: string };
  readonly sessions: readonly TopologySessionView[];
}

export interface TopologyPlanView {
  readonly generation: number;
  readonly decidedUnixMs: number;
  readonly reasons: readonly string[];
  /** Another arrangement is wanted, and waits so long because the plan has changed lately; null: it is as it is to be. */
  readonly nextChangeUnixMs: number | null;
  /** Not to be elected for a while. */
  readonly heldDown: readonly string[];
}

export interface TopologyTransitionView {
  /** The arrangement that is kept until every living host is in sync with the new one. */
  readonly before: { readonly mode: 'mesh' | 'reflectors'; readonly reflectors: readonly string[] };
  /** Null: the reports of the hosts cannot be read. */
  readonly waitsFor: readonly { readonly node: string; readonly why: string }[] | null;
  /** Hosts of which nothing has been heard lately: nobody waits for them. */
  readonly silent: readonly string[];
}

export interface TopologySessionView {
  readonly node: string;
  readonly peer: string;
  /** What the other end is to this host. */
  readonly part: 'mesh' | 'reflector' | 'client' | 'fellow';
  /** False: it ends with the arrangement before. */
  readonly stays: boolean;
  readonly state: string;
  readonly sinceUnixMs: number | null;
  readonly info: string;
  readonly why: string;
}

export interface TopologyExplainView {
  readonly node: string;
  /** In a sentence or two. */
  readonly words: readonly string[];
  /** In the order in which the host wants them; none where it has no choice. */
  readonly reflectors: readonly {
    readonly node: string;
    readonly spread: string | null;
    readonly chosen: boolean;
    readonly why: string;
  }[];
  readonly spreadBy: string | null;
}
