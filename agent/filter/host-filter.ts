/**
 * SHELL: network policy on this host: documents to what is to be enforced, that to chains and sets, and those into the kernel; and in
 * which order workloads get and lose their routes with it.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { resourceIdOf } from '../../core/resources/resource.js';
import type { ConntrackEntry } from '../../linux/netlink/conntrack.js';
import type { FilterApplier } from '../../policy/apply/applier.js';
import type { BackendSetting } from '../../policy/apply/backend-choice.js';
import type { ApplyStatus } from '../../policy/apply/status.js';
import { PolicyCalculator } from '../../policy/calculate/policy-calculator.js';
import type { PolicyDelta } from '../../policy/calculate/policy-delta.js';
import { defaultAllowProfile, implicitProfileOf } from '../../policy/implicit-profiles.js';
import type { HostPolicy, WorkloadEndpoint } from '../../policy/model.js';
import { renderFilter } from '../../policy/render/render.js';
import type { FilterSettings } from '../../policy/settings.js';
import type { InvalidDocument } from '../../store/port.js';
import { afterChange, type ResourceChange, sameValue } from '../calculators/calculator.js';
import { deniedNow, type HostPlaces } from './denied-connections.js';
import { DepartingEndpoints } from './departing-endpoints.js';

/** Connections that the kernel tracks. */
export interface Connections {
  /** Ends those that are selected; returns how many. */
  end(selects: (entry: ConntrackEntry) => boolean): Promise<number>;
}

export type Applier = Pick<FilterApplier, 'setDesired' | 'applied' | 'status' | 'close'>;

/** How the kernel is written to. */
export interface ApplierTuning {
  /** `iptablesBackend` */
  readonly backend: BackendSetting;
  /** `iptablesRefreshInterval`, milliseconds. */
  readonly refreshMs: number;
}

/** What is in force for the host beside its policies. */
export interface HostFilterTerms {
  readonly settings: FilterSettings;
  readonly tuning: ApplierTuning;
  /** Every change of policy ends connections that it denies, not only those of policies that ask for it. */
  readonly flushOnDeny: boolean;
}

export interface HostFilterOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly newApplier: (tuning: ApplierTuning, changed: () => void) => Applier;
  readonly connections: Connections;
  /** Whether the kernel still has a route of ours to a workload. */
  readonly isRouted: (address: Prefix) => boolean;
  readonly places: () => HostPlaces;
  /** Workloads may have their routes now. */
  readonly guardedChanged: () => void;
  /** {@link HostFilter.status} tells something else. */
  readonly changed: () => void;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

/** A workload's chains go at the latest after this, whatever became of its route. */
const LONGEST_DEPARTURE_MS = 10_000;
const DEPARTURE_CHECK_MS = 50;

export class HostFilter {
  readonly #options: HostFilterOptions;
  readonly #calculator: PolicyCalculator;
  readonly #departing = new DepartingEndpoints();
  #terms: HostFilterTerms | undefined;
  #applier: Applier | undefined;
  /** As it was rendered last. */
  #enforced: HostPolicy['workloads'] = new Map();
  /** Interfaces whose chains are in the kernel. */
  #guarded: ReadonlySet<string> = new Set();
  #departure: Timer | undefined;
  #departureEndsMs = 0;
  #closed = false;

  constructor(options: HostFilterOptions) {
    this.#options = options;
    this.#calculator = new PolicyCalculator(options.nodeName);
    this.#calculator.set(defaultAllowProfile);
  }

  /** As it is to be enforced, those about to go left out. */
  get policy(): HostPolicy {
    return this.#calculator.current;
  }

  get settings(): FilterSettings | undefined {
    return this.#terms?.settings;
  }

  /** Undefined: nothing has been asked for yet. */
  status(): ApplyStatus | undefined {
    return this.#applier?.status();
  }

  /** What was flushed last is in force, or cannot be had now. */
  async ready(): Promise<void> {
    await this.#applier?.applied();
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    const implied = implicitProfileOf(id);
    if (resource === undefined) this.#calculator.remove(id);
    else this.#calculator.set(resource);
    if (implied === undefined) return;
    if (resource === undefined) this.#calculator.remove(resourceIdOf(implied));
    else this.#calculator.set(implied);
  }

  invalid(documents: readonly InvalidDocument[]): void {
    for (const { id, written } of documents) if (id !== undefined) this.#calculator.invalid(id, written);
  }

  setInterfaceAddresses(interfaces: ReadonlyMap<IpAddress, string>): void {
    const addresses = new Map<string, IpAddress[]>();
    for (const [address, name] of interfaces) addresses.set(name, [...(addresses.get(name) ?? []), address]);
    this.#calculator.setInterfaceAddresses(addresses);
  }

  /** After any number of changes. */
  flush(terms: HostFilterTerms): void {
    if (this.#closed) return;
    const delta = this.#calculator.take();
    const before = this.#terms;
    this.#terms = terms;
    if (!sameValue(before?.tuning, terms.tuning)) this.#renewApplier(terms.tuning);
    else if (delta === undefined && sameValue(before?.settings, terms.settings)) return;
    this.#departing.follow(this.#enforced, this.#calculator.current.workloads);
    this.#render(delta);
    this.#watchDepartures();
  }

  #renewApplier(tuning: ApplierTuning): void {
    this.#applier?.close();
    this.#applier = this.#options.newApplier(tuning, () => this.#options.changed());
  }

  /** Of workloads' addresses those that may have a route: their chains are there. */
  guarded(workloads: ReadonlyMap<Prefix, string>): ReadonlyMap<Prefix, string> {
    return new Map([...workloads].filter(([, interfaceName]) => this.#guarded.has(interfaceName)));
  }

  /** Leaves what is in the kernel. */
  close(): void {
    this.#closed = true;
    this.#departure?.cancel();
    this.#applier?.close();
  }

  #render(delta: PolicyDelta | undefined): void {
    const [applier, terms] = [this.#applier, this.#terms];
    if (applier === undefined || terms === undefined || this.#closed) return;
    const policy = this.#departing.with(this.#calculator.current);
    this.#enforced = new Map(policy.workloads);
    applier.setDesired(renderFilter(policy, terms.settings));
    const interfaces = new Set([...policy.workloads.values()].map(({ interfaceName }) => interfaceName));
    void applier.applied().then(inForce => {
      if (this.#closed || !inForce) return;
      const fresh = [...interfaces].some(name => !this.#guarded.has(name));
      this.#guarded = interfaces;
      if (fresh) this.#options.guardedChanged();
      if (delta !== undefined) void this.#endDenied(delta);
    });
  }

  // -------------------------------------------------------------- departures

  #watchDepartures(): void {
    if (this.#departing.size === 0 || this.#departure !== undefined) return;
    const { clock } = this.#options;
    this.#departureEndsMs = clock.now() + LONGEST_DEPARTURE_MS;
    const look = () => {
      this.#departure = undefined;
      if (this.#closed) return;
      const late = clock.now() >= this.#departureEndsMs;
      const gone = this.#departing.release(address => !late && this.#options.isRouted(address));
      if (gone.length > 0) {
        this.#render(undefined);
        void this.#endConnectionsOf(gone);
      }
      if (this.#departing.size > 0) this.#departure = clock.schedule(DEPARTURE_CHECK_MS, look);
    };
    this.#departure = clock.schedule(0, look);
  }

  // -------------------------------------------------------------- connections

  /** An address is given to another workload some day: what was agreed with this one is not its. */
  async #endConnectionsOf(gone: readonly WorkloadEndpoint[]): Promise<void> {
    const addresses = new Set(
      gone.flatMap(endpoint => endpoint.addresses.map(prefix => prefix.split('/')[0])),
    );
    await this.#end(`of ${gone.map(({ key }) => key).join(', ')}`, ({ original, reply }) =>
      [original.source, original.destination, reply.source, reply.destination].some(address =>
        addresses.has(address),
      ),
    );
  }

  async #endDenied({ policies, sets, workloads }: PolicyDelta): Promise<void> {
    const terms = this.#terms;
    if (terms === undefined) return;
    const asked = [...policies.set.values()].some(({ flushOnDeny }) => flushOnDeny);
    const anyPolicy = [...this.policy.policies.values()].some(({ flushOnDeny }) => flushOnDeny);
    const elsewhere = sets.changed.size > 0 || workloads.set.size > 0 || policies.deleted.size > 0;
    if (!terms.flushOnDeny && !asked && !(anyPolicy && elsewhere)) return;
    await this.#end('that policy denies now', deniedNow(this.policy, terms.settings, this.#options.places()));
  }

  async #end(which: string, selects: (entry: ConntrackEntry) => boolean): Promise<void> {
    const { connections, log } = this.#options;
    try {
      const ended = await connections.end(selects);
      if (ended > 0) log('info', 'connections ended', `${ended} ${which}`);
    } catch (error) {
      log('warn', 'connections could not be ended', `those ${which}: ${(error as Error).message}`);
    }
  }
}
