/** What a V8 CPU profile says: the functions with the most time of their own. Pure. */

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

/** Percent of the busy time: idle and the program's own waiting are left out. */
export function topFunctions(
  profile: CpuProfile,
  limit: number,
): readonly { name: string; percent: number; ms: number }[] {
  const names = new Map(profile.nodes.map(node => [node.id, frameName(node.callFrame)]));
  const spent = new Map<string, number>();
  let busy = 0;
  profile.samples?.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    if (name === '(idle)' || name === '(program)' || name === '(root)') return;
    const microseconds = profile.timeDeltas?.[index + 1] ?? 0;
    spent.set(name, (spent.get(name) ?? 0) + microseconds);
    busy += microseconds;
  });
  return [...spent]
    .sort((a, b) => b[1] - a[1])
    .slice(0, limit)
    .map(([name, microseconds]) => ({ name, percent: (microseconds / busy) * 100, ms: microseconds / 1000 }));
}

function frameName(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const file = /(?:dist\/|node:)(.*)$/.exec(frame.url)?.[1];
  return file === undefined
    ? frame.functionName
    : `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`;
}
