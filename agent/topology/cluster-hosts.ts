/** What the planner knows of the hosts that take part in the arrangement. */

/** What a host says of itself: how far it is with the arrangement that the plan asks for. */
export interface TopologyProgress {
  /** Of the plan that it works by; 0 without one. */
  readonly generation: number;
  readonly inSync: boolean;
  /** In words; "" where there is nothing to say. */
  readonly detail: string;
  /** The hosts for which it is not in sync: of no account are those that are gone. */
  readonly waitsFor: readonly string[];
}

export interface TopologyHost {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly alive: boolean;
  /** Since its last sign of life. */
  readonly silentSeconds: number;
  /** Undefined: it has not said anything yet. */
  readonly progress: TopologyProgress | undefined;
}

/** By name. */
export type TopologyHosts = ReadonlyMap<string, TopologyHost>;

export interface Laggard {
  readonly node: string;
  /** In words. */
  readonly why: string;
}

/** Living hosts that keep the arrangement before from being let go; one waits for those that live, and for nobody else. */
export function laggards(generation: number, hosts: TopologyHosts): readonly Laggard[] {
  const found: Laggard[] = [];
  for (const { name, alive, progress } of hosts.values()) {
    const why = alive ? whyNotInSync(generation, progress, hosts) : undefined;
    if (why !== undefined) found.push({ node: name, why });
  }
  return found.sort((a, b) => (a.node < b.node ? -1 : 1));
}

function whyNotInSync(
  generation: number,
  progress: TopologyProgress | undefined,
  hosts: TopologyHosts,
): string | undefined {
  if (progress === undefined) return 'it has not reported yet';
  if (progress.generation !== generation) {
    return progress.generation === 0
      ? 'it knows of no plan yet'
      : `it works by generation ${progress.generation} still`;
  }
  if (progress.inSync) return undefined;
  const living = progress.waitsFor.filter(name => hosts.get(name)?.alive === true);
  if (progress.waitsFor.length > 0 && living.length === 0) return undefined;
  return progress.detail === '' ? `it waits for ${living.join(', ')}` : progress.detail;
}
