/**
 * What the controller does for the cluster, and what it knows of it. One agent of the cluster is the controller at a time; it looks at all
 * hosts every few seconds and runs its tasks, one after the other.
 */
import type { NodeReportResource } from '../../core/resources/cluster-documents.js';
import type { Resource, ResourceKind } from '../../core/resources/resource.js';

export interface ControllerTask {
  readonly name: string;
  /**
   * Once in a round, only while this host is the controller; must not throw for what the store answers. Writes go through the store of
   * {@link TaskContext}, which refuses them as soon as this host may not be the controller any more.
   */
  run(view: ClusterView): Promise<void>;
}

export interface ClusterView {
  /** By name: every Node, and every host that has a lease. */
  readonly hosts: ReadonlyMap<string, HostView>;
  /** Documents as they are in force here. */
  list<K extends ResourceKind>(kind: K): readonly Extract<Resource, { readonly kind: K }>[];
  /** Milliseconds of the clock by which everything here is measured. */
  readonly nowMs: number;
}

export interface HostView {
  readonly name: string;
  /** It has, or had, an agent that holds its name. Of a Node without one nobody can tell whether it lives: it counts as alive. */
  readonly leased: boolean;
  /** Not silent for longer than its lease lasts, as far as this controller has seen it. */
  readonly alive: boolean;
  /** Since its last sign of life, as far as this controller has seen it, without the time for which the store was away. */
  readonly silentSeconds: number;
  /** Of its lease, as they were read last; undefined: it has none. */
  readonly renewals?: number;
  /** By which it announces itself, by its lease. */
  readonly addresses?: readonly string[];
  /** What it said of itself last. */
  readonly report: NodeReportResource['spec'] | undefined;
}
