/**
 * SHELL: this host's part in the cluster's tunnels: what its kernel received and sent by is told to the calculators, what they make of it is
 * told to the guard and to the other hosts. The order is that of the acceptance of packets: a host is known to the guard before it is a
 * peer, a tunnel is guarded before it is said to be open.
 */
import type { Clock } from '../core/clock.js';
import type { Prefix } from '../core/prefix.js';
import { MARGAY_API, type NodeStatusResource } from '../core/resources/resource.js';
import { type TunnelKind, tunnelWords } from '../ipip/desired.js';
import type { Reception } from '../ipip/encapsulation.js';
import type { HostIntent } from '../ipip/kernel-facts.js';
import type { TunnelHost, TunnelView } from '../ipip/tunnel-driver.js';
import type { TunnelUse } from '../ipip/tunnel-use.js';
import type { Store } from '../store/port.js';
import { sameValue } from './calculators/calculator.js';
import type { Cluster } from './cluster.js';
import type { ConditionView } from './control/types.js';
import { LingeringTunnels } from './lingering-tunnels.js';
import { type Kept, KeptDocument, keepDocument } from './own-documents.js';
import type { TunnelGuards } from './tunnel-guards.js';
import type { UdpDataPath } from './udp-data-path.js';
import { udpStateFor } from './udp-state.js';

export interface HostTunnelsOptions {
  readonly nodeName: string;
  readonly version: string;
  readonly clock: Clock;
  readonly store: Store;
  /** Nothing is to be written in this host's name now. */
  readonly withheld: () => boolean;
  readonly cluster: Cluster;
  /** Undefined: this host has no dataplane. */
  readonly guards: TunnelGuards | undefined;
  readonly udp: UdpDataPath | undefined;
  /** Known hosts beside the cluster's. */
  readonly externalNodes: readonly Prefix[];
  /** Calculators have been told something. */
  readonly recalculate: () => void;
  readonly statusProblem: (problem: string | undefined) => void;
}

/** The dataplane as seen from here. */
export interface TunnelsOfKernel {
  tunnels(): readonly TunnelView[];
  readonly tunnelUse: TunnelUse;
  readonly underlayMtu: number | undefined;
}

export class HostTunnels {
  readonly #options: HostTunnelsOptions;
  readonly #lingering: LingeringTunnels;
  readonly #status: KeptDocument;
  #receives: ReadonlyMap<TunnelKind, Reception> = new Map();
  #sends: readonly TunnelKind[] = [];
  #kernel: TunnelsOfKernel | undefined;
  #intent: HostIntent | undefined;
  /** What an earlier process has said stays said until it is known what is true now. */
  #settled: boolean;
  #published: NodeStatusResource['spec'] | undefined;

  constructor(options: HostTunnelsOptions) {
    this.#options = options;
    const { clock, guards, recalculate, statusProblem } = options;
    this.#settled = guards === undefined;
    this.#lingering = new LingeringTunnels(clock, recalculate);
    this.#status = new KeptDocument(
      clock,
      () => this.#keepStatus(),
      kept => statusProblem(kept.kind === 'failed' ? kept.problem : undefined),
    );
  }

  /** Before the calculators are asked. */
  prepare(): void {
    const { cluster, udp } = this.#options;
    const { tunnels } = cluster;
    tunnels.setLingering(this.#lingering.update(tunnels.wanted()), this.#lingering.mayRemove);
    // Its table is as much in use as a device.
    if (this.#lingering.mayRemove) udp?.allowRemovals();
  }

  /** What they said. */
  take(intent: HostIntent): void {
    const { guards, externalNodes } = this.#options;
    this.#intent = intent;
    this.#wantUdp();
    guards?.setIntent(intent, externalNodes);
  }

  /** Resolves when the guard knows every host that it was told of, or cannot be had; undefined: nothing is to be waited for. */
  ready(): Promise<unknown> | undefined {
    const { guards } = this.#options;
    return guards?.receiving === true ? guards.programmed() : undefined;
  }

  /** After the kernel's ends of the tunnels have changed. */
  kernelChanged(kernel: TunnelsOfKernel): void {
    const first = this.#kernel === undefined;
    this.#kernel = kernel;
    this.#wantUdp();
    this.#look();
    if (first) void this.#settle();
  }

  /** After the guard's rules, or what the UDP data path says of itself, have changed. */
  reviewed(): void {
    this.#look();
  }

  /** A guard that is there, or was before this process, lets a device be made. */
  guardOf(kind: TunnelKind): ReturnType<TunnelHost['guardOf']> {
    const { guards } = this.#options;
    if (guards === undefined || guards.isGuarded(kind)) return 'in-place';
    const problem = guards.problemsOf(kind).find(({ severity }) => severity === 'error');
    return problem === undefined ? 'pending' : { refused: problem.message };
  }

  /** Told to the other hosts where it is not what they know. */
  publish(): void {
    if (!this.#settled) return;
    const { cluster, version } = this.#options;
    const wanted = cluster.nodeStatus(version);
    if (this.#published !== undefined && sameValue(this.#published, wanted)) return;
    this.#published = wanted;
    void this.#status.request();
  }

  /** The document was changed or deleted by somebody else. */
  statusStrayed(): void {
    this.#published = undefined;
    this.publish();
  }

  /** As the kernel has them; a device whose data path does not run carries nothing. */
  views(): readonly TunnelView[] {
    const stopped = this.#options.udp?.problem;
    return (this.#kernel?.tunnels() ?? []).map(view =>
      view.tunnel === 'udp' && stopped !== undefined
        ? { ...view, state: 'unavailable', detail: stopped }
        : view,
    );
  }

  /** What stands in the way, for people. */
  conditions(): readonly ConditionView[] {
    const { guards } = this.#options;
    const unavailable = this.views().flatMap(({ tunnel, state, device, detail }): ConditionView[] => {
      if (detail === '') return [];
      const severity = state === 'unavailable' ? 'error' : 'warning';
      const message =
        state === 'unavailable' ? `${tunnelWords[tunnel]} is unavailable on this host: ${detail}` : detail;
      return [{ severity, message, objects: [device] }];
    });
    const problems = guards?.problems() ?? [];
    return [...unavailable, ...problems.map(({ object, ...problem }) => ({ ...problem, objects: [object] }))];
  }

  allowRemovals(): void {
    this.#lingering.allowRemovals();
  }

  /** Leaves everything as it is. */
  async close(): Promise<void> {
    this.#lingering.close();
    this.#status.close();
    this.#options.guards?.close();
    await this.#options.udp?.close();
  }

  #wantUdp(): void {
    const { udp } = this.#options;
    if (udp === undefined || this.#intent === undefined || this.#kernel === undefined) return;
    const state = udpStateFor(this.#intent, this.#kernel);
    if (state !== undefined) udp.want(state);
  }

  async #settle(): Promise<void> {
    const { guards, udp } = this.#options;
    await Promise.all([guards?.programmed(), udp?.looked()]);
    this.#settled = true;
    this.#look();
    this.publish();
  }

  #look(): void {
    if (this.#kernel === undefined) return;
    const receives = new Map(this.views().flatMap(view => this.#receptionOf(view)));
    const sends = this.#kernel.tunnelUse.inUse;
    if (sameValue([[...receives], sends], [[...this.#receives], this.#sends])) return;
    this.#receives = receives;
    this.#sends = sends;
    this.#options.cluster.tunnels.setOwn({ receives, sends });
    this.#options.recalculate();
  }

  /**
   * None while the device is open and its guard is not there yet: it is not received, and not refused. A guard that somebody has taken
   * away is put back at once: to say so would send everybody another way.
   */
  #receptionOf({ tunnel, state, detail }: TunnelView): readonly (readonly [TunnelKind, Reception])[] {
    const { guards } = this.#options;
    if (state === 'unavailable') return [[tunnel, { kind: 'unavailable', reason: detail }]];
    if (guards === undefined || guards.isGuarded(tunnel) || this.#receives.get(tunnel)?.kind === 'ready')
      return [[tunnel, { kind: 'ready' }]];
    const problem = guards.problemsOf(tunnel)[0];
    return problem === undefined ? [] : [[tunnel, { kind: 'unavailable', reason: problem.message }]];
  }

  async #keepStatus(): Promise<Kept> {
    const { store, nodeName, cluster, version, withheld } = this.#options;
    if (withheld()) return { kind: 'unchanged' };
    return keepDocument(store, { kind: 'NodeStatus', name: nodeName }, found => {
      const spec = cluster.nodeStatus(version);
      if (found?.kind === 'NodeStatus' && sameValue(found.spec, spec)) return undefined;
      const metadata = { name: nodeName, labels: {}, annotations: {} };
      return { apiVersion: MARGAY_API, kind: 'NodeStatus', metadata, spec };
    });
  }
}
