/** What stands in the way of this host's doing its part, for people. */
export interface HostProblem {
  readonly severity: 'error' | 'warning';
  /** What is wrong, and the cure. */
  readonly message: string;
  /** What it is about, for people: "sysctl net/ipv4/ip_forward". */
  readonly object: string;
}
