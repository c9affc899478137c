/**
 * SHELL: address management as a part of the agent: fed with the store's documents, held against the store whenever that may have forgotten
 * something, tidied from time to time; what stands in the way is a condition.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { AddressFamily, IpAddress, PerFamily } from '../../core/ip-address.js';
import { IpamDocuments } from '../../ipam/documents.js';
import { HostIpam } from '../../ipam/host-ipam.js';
import type { DurableRecord, LostClaim } from '../../ipam/host-record.js';
import { familyWords } from '../../ipam/pools.js';
import type { Store } from '../../store/port.js';
import { afterChange, type ResourceChange } from '../calculators/calculator.js';
import type { ConditionView } from '../control/types.js';
import type { Log } from '../options.js';
import { IpamViews } from './ipam-views.js';
import { TunnelAddresses } from './tunnel-addresses.js';

export interface AgentIpamOptions {
  readonly nodeName: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly unixMs: () => number;
  readonly durable: DurableRecord;
  readonly log: Log;
  /** Why nothing is done in this host's name; undefined: it is. */
  readonly withheld: () => string | undefined;
  /** Families that tunnels of this host want an address of. */
  readonly tunnelFamilies: () => readonly AddressFamily[];
  /** By the host's Node. */
  readonly writtenTunnelAddress: (family: AddressFamily) => IpAddress | undefined;
  readonly tunnelAddresses: (addresses: PerFamily<IpAddress>) => void;
  /** Something that `status` shows. */
  readonly changed: () => void;
}

const TIDY_MS = 30_000;
/** Others may wait for what this host has not been able to write back; longer each time. */
const FIRST_RETRY_MS = 1000;
/** Tidyings between two comparisons of the whole record with the store: what another host has put right meanwhile shows by them. */
const TIDYINGS = 10;
/** What was lost longer ago is history. */
const LOST_SHOWN_MS = 24 * 3600 * 1000;

export class AgentIpam {
  readonly host: HostIpam;
  readonly views: IpamViews;
  readonly #options: AgentIpamOptions;
  readonly #documents = new IpamDocuments();
  readonly #tunnels: TunnelAddresses;
  #timer: Timer | undefined;
  #tidyings = 0;
  #retryMs = FIRST_RETRY_MS;
  #problem: string | undefined;
  #begun = false;
  #closed = false;

  constructor(options: AgentIpamOptions) {
    this.#options = options;
    const { nodeName, store, clock, unixMs, durable, withheld } = options;
    const context = { host: nodeName, store, documents: this.#documents, durable, nowUnixMs: unixMs };
    this.host = new HostIpam(context, () => clock.now());
    this.views = new IpamViews({ ipam: this.host, withheld });
    this.#tunnels = new TunnelAddresses({
      ...{ ipam: this.host, clock },
      wanted: options.tunnelFamilies,
      written: options.writtenTunnelAddress,
      assigned: options.tunnelAddresses,
      changed: options.changed,
    });
    options.tunnelAddresses(this.#tunnels.addresses);
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    const isOwnBlock =
      id.kind === 'BlockAffinity' && this.#documents.affinity(id.name)?.node === this.#options.nodeName;
    if (resource === undefined) this.#documents.deleted(id);
    else this.#documents.changed(resource);
    // Its end is a person's will, or the word of a host that had it before.
    if (isOwnBlock && resource === undefined && this.#begun) this.#tidySoon();
  }

  /** All that the store holds has been told, for the first time, again, or otherwise than before. */
  inSync(): void {
    void this.#compare();
  }

  /** What tunnels want may be otherwise. */
  review(): void {
    if (this.#begun) this.#tunnels.review();
  }

  conditions(): readonly ConditionView[] {
    const { nodeName, durable, unixMs } = this.#options;
    const object = `Node/${nodeName}`;
    const since = unixMs() - LOST_SHOWN_MS;
    const lost = [...durable.record.lost.values()].filter(
      ({ handle, lostUnixMs }) => handle !== undefined || lostUnixMs >= since,
    );
    const ofTunnels = [...this.#tunnels.problems].map(([family, why]): ConditionView => {
      const message = `this host has no ${familyWords[family]} address inside its tunnels: ${why}`;
      return { severity: 'warning', message, objects: [object] };
    });
    const problem = this.#problem;
    const ofRecord: ConditionView[] =
      problem === undefined
        ? []
        : [
            {
              severity: 'warning',
              message: `this host's addresses are not compared with the store: ${problem}`,
              objects: [object],
            },
          ];
    return [...lost.map(lostCondition), ...ofTunnels, ...ofRecord];
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#tunnels.close();
  }

  async #compare(): Promise<void> {
    if (this.#closed || this.#options.withheld() !== undefined) return;
    this.#said(await this.host.reassert());
    if (this.#closed) return;
    if (this.#problem !== undefined) {
      this.#tidyings = TIDYINGS;
      this.#schedule(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, TIDY_MS);
      return;
    }
    this.#retryMs = FIRST_RETRY_MS;
    this.#tidyings = 0;
    this.#begun = true;
    this.#tunnels.begin();
    this.#schedule(TIDY_MS);
  }

  async #tidy(): Promise<void> {
    if (this.#closed || this.#options.withheld() !== undefined) return;
    if (!this.#begun || ++this.#tidyings >= TIDYINGS) return await this.#compare();
    this.#said(await this.host.tidy());
    this.#tunnels.review();
    this.#schedule(TIDY_MS);
  }

  #tidySoon(): void {
    this.#schedule(0);
  }

  #schedule(milliseconds: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(milliseconds, () => void this.#tidy());
  }

  #said(problem: string | undefined): void {
    if (problem === this.#problem) return;
    if (problem !== undefined) this.#options.log.warn({ problem }, "this host's addresses");
    this.#problem = problem;
    this.#options.changed();
  }
}

function lostCondition({ what, handle, to }: LostClaim): ConditionView {
  if (handle === undefined) {
    const message = `block ${what} is ${to}'s, who claimed it before this host did: it is announced there alone`;
    return { severity: 'warning', message, objects: [what] };
  }
  const message = `${what} was given to ${handle} here and is another's on ${to}, who had it first: give the workload another, and release it (bgpctl ipam release --handle ${handle})`;
  return { severity: 'error', message, objects: [what] };
}
