/** What the evaluator is asked: a packet, and the way that it takes through this host. */
import type { EndpointKey, Packet } from '../model.js';

export interface Situation {
  readonly packet: Packet;
  readonly from: End;
  readonly to: End;
  /** What connection tracking makes of it; without: the first packet of its connection. */
  readonly connection?: ConnectionState;
}

/**
 * Where a packet comes from or goes to, as this host sees it: one of its own processes, or what is behind an interface. An interface is a
 * workload's if its name begins as theirs do, whether or not there is an endpoint of that name.
 */
export type End =
  | { readonly kind: 'process' }
  | { readonly kind: 'workload'; readonly key: EndpointKey }
  | { readonly kind: 'interface'; readonly name: string };

/** `cut`: established or related, and marked as one that policy denies. */
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'cut';
