/** Something about the cluster's documents that a person should know: reported by `bgpctl status`, never a crash. */

export interface Condition {
  /** Stable while the condition lasts: kind and objects. */
  readonly key: string;
  readonly severity: 'warning' | 'error';
  /** One sentence: what is wrong, what Margay does about it. */
  readonly message: string;
  /** `Kind/name` of what takes part, the culprit first where there is one. */
  readonly objects: readonly string[];
}

export function condition(
  severity: Condition['severity'],
  kind: string,
  objects: readonly string[],
  message: string,
): Condition {
  return { key: [kind, ...objects].join(' '), severity, message, objects };
}
