/**
 * SHELL: network policy on this host: documents to what is to be enforced, that to chains and sets, and those into the kernel; and in
 * which order workloads get and lose their routes with it.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily } from '../../core/prefix.js';
import { formatResourceId, type ResourceId } from '../../core/resources/resource.js';
import type { FilterApplier } from '../../policy/apply/applier.js';
import type { BackendSetting } from '../../policy/apply/backend-choice.js';
import type { RuleCounters } from '../../policy/apply/rule-counters.js';
import type { ApplyStatus } from '../../policy/apply/status.js';
import { PolicyCalculator } from '../../policy/calculate/policy-calculator.js';
import { interfaceHolders } from '../../policy/interface-holders.js';
import type { HostPolicy, WorkloadEndpoint } from '../../policy/model.js';
import { renderFilter } from '../../policy/render/render.js';
import type { FilterSettings } from '../../policy/settings.js';
import type { InvalidDocument } from '../../store/port.js';
import { afterChange, type ResourceChange, sameValue } from '../calculators/calculator.js';
import { type Connections, CutConnections, type FilterLog } from './cut-connections.js';
import { type HostPlaces, isOfAny } from './denied-connections.js';
import { DepartingEndpoints } from './departing-endpoints.js';

export type Applier = Pick<
  FilterApplier,
  'setDesired' | 'setRefresh' | 'applied' | 'status' | 'counters' | 'close'
>;

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
}

export interface HostFilterOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  /** @param after it must not read or write anything before */
  readonly newApplier: (tuning: ApplierTuning, changed: () => void, after?: Promise<void>) => Applier;
  readonly connections: Connections;
  /** Whether the kernel still has a route of ours to a workload. */
  readonly isRouted: (address: Prefix) => boolean;
  readonly places: () => HostPlaces;
  /** Workloads may have their routes now. */
  readonly guardedChanged: () => void;
  /** {@link HostFilter.status} tells something else. */
  readonly changed: () => void;
  readonly log: FilterLog;
}

const DEPARTURE_CHECK_MS = 50;
/** Of routes at start, for a packet filter that somebody else keeps locked. */
const PATIENCE_MS = 3000;

export class HostFilter {
  readonly #options: HostFilterOptions;
  readonly #calculator: PolicyCalculator;
  readonly #departing = new DepartingEndpoints();
  readonly #cut: CutConnections;
  #terms: HostFilterTerms | undefined;
  #applier: Applier | undefined;
  /** An applier has found chains of ours in the kernel. */
  #foundOurs = false;
  /** As it was rendered last. */
  #enforced: Pick<HostPolicy, 'workloads' | 'policies'> = { workloads: new Map(), policies: new Map() };
  /** Interfaces and addresses ({@link placeOf}) of workloads whose chains are in the kernel, and of what was rendered last. */
  #guarded: ReadonlySet<string> = new Set();
  #rendered: ReadonlySet<string> = new Set();
  /** Families that no workload may be reached by. */
  #unfiltered = '';
  /** How often others had taken away what guards when connections were looked at last. */
  #exposures = 0;
  /** What was rendered could not be had then. */
  #late = false;
  /** Whether it is known what stands in the kernel: before that nobody's route may be judged by it. */
  #settled = false;
  #patience: Timer | undefined;
  #departure: Timer | undefined;
  /** Documents that were invalid when it was last known of all what they are. */
  #invalid = new Map<string, ResourceId>();
  #closed = false;

  constructor(options: HostFilterOptions) {
    this.#options = options;
    this.#calculator = new PolicyCalculator(options.nodeName);
    this.#cut = new CutConnections(options.connections, options.log);
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

  /** What the kernel has counted; undefined: nothing has been asked for yet. @throws where it cannot be read */
  async counters(): Promise<RuleCounters | undefined> {
    return await this.#applier?.counters();
  }

  /** What was flushed last is in force, or cannot be had now. */
  async ready(): Promise<void> {
    await this.#applier?.applied();
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (resource === undefined) this.#calculator.remove(id);
    else this.#calculator.set(resource);
  }

  invalid(documents: readonly InvalidDocument[]): void {
    for (const { id, written } of documents) if (id !== undefined) this.#calculator.invalid(id, written);
    const ids = documents.flatMap(({ id }) =>
      id === undefined ? [] : [[formatResourceId(id), id] as const],
    );
    // Where nobody knows what a document is, it may be any that was there before.
    if (ids.length < documents.length) for (const [key, id] of ids) this.#invalid.set(key, id);
    else {
      const now = new Map(ids);
      for (const [key, id] of this.#invalid) if (!now.has(key)) this.#calculator.withdrawn(id);
      this.#invalid = now;
    }
  }

  setInterfaceAddresses(interfaces: ReadonlyMap<IpAddress, string>): void {
    this.#calculator.setInterfaceAddresses(addressesByInterface(interfaces));
  }

  /** After any number of changes. */
  flush(terms: HostFilterTerms): void {
    if (this.#closed) return;
    const delta = this.#calculator.take();
    const before = this.#terms;
    const sameSettings = before !== undefined && sameValue(before.settings, terms.settings);
    // The same object: what was rendered under it need not be rendered again.
    this.#terms = sameSettings ? { ...terms, settings: before.settings } : terms;
    if (before?.tuning.backend !== terms.tuning.backend) this.#renewApplier(terms.tuning);
    else {
      if (before.tuning.refreshMs !== terms.tuning.refreshMs)
        this.#applier?.setRefresh(terms.tuning.refreshMs);
      if (delta === undefined && sameSettings) return;
    }
    const { workloads } = this.#calculator.current;
    const lost = this.#departing.follow(this.#enforced, workloads, this.#options.clock.now());
    this.#render();
    if (lost.length > 0) void this.#endConnectionsOf(lost);
    this.#watchDepartures();
  }

  #renewApplier(tuning: ApplierTuning): void {
    const changed = () => {
      if (this.#late) this.#await(this.#rendered);
      this.#followFamilies();
      this.#followExposures();
      this.#options.changed();
    };
    this.#exposures = 0;
    // What the one before has not finished is not to come after what this one does.
    this.#foundOurs ||= this.#holdsOurs;
    this.#applier = this.#options.newApplier(tuning, changed, this.#applier?.close());
  }

  get #holdsOurs(): boolean {
    return (this.status()?.counts.chains ?? 0) > 0;
  }

  /** Of workloads' addresses those that may have a route: their chains are there, in their family. Undefined: it is not known yet. */
  guarded(workloads: ReadonlyMap<Prefix, string>): ReadonlyMap<Prefix, string> | undefined {
    if (!this.#settled) return undefined;
    const { unfiltered } = this.status() ?? {};
    return new Map(
      [...workloads].filter(
        ([address, interfaceName]) =>
          this.#guarded.has(placeOf(interfaceName, address)) &&
          unfiltered?.has(prefixFamily(address)) !== true,
      ),
    );
  }

  #followFamilies(): void {
    const unfiltered = [...(this.status()?.unfiltered ?? [])].join();
    if (unfiltered === this.#unfiltered) return;
    this.#unfiltered = unfiltered;
    if (this.#settled) this.#options.guardedChanged();
  }

  /** Leaves what is in the kernel. */
  close(): void {
    this.#closed = true;
    this.#departure?.cancel();
    this.#patience?.cancel();
    void this.#applier?.close();
  }

  #render(): void {
    const [applier, terms] = [this.#applier, this.#terms];
    if (applier === undefined || terms === undefined || this.#closed) return;
    const policy = this.#departing.with(this.#calculator.current);
    this.#enforced = { workloads: new Map(policy.workloads), policies: new Map(policy.policies) };
    this.#rendered = placesOf(policy.workloads.values());
    applier.setDesired(renderFilter(policy, terms.settings));
    this.#await(this.#rendered);
    if (this.#settled) return;
    this.#patience ??= this.#options.clock.schedule(PATIENCE_MS, () => this.#settle(this.#rendered));
  }

  /** @param places of what was set last */
  #await(places: ReadonlySet<string>): void {
    const applier = this.#applier;
    void applier?.applied().then(inForce => {
      // Another that has taken its place says what is in force.
      if (this.#closed || applier !== this.#applier) return;
      this.#late = !inForce;
      if (!inForce) this.#settle(places);
      if (!inForce) return;
      const fresh = [...places].some(place => !this.#guarded.has(place));
      this.#guarded = places;
      if (fresh || !this.#settled) {
        this.#settled = true;
        this.#options.guardedChanged();
      }
      this.#followConnections();
    });
  }

  /** What should be cannot be had for now: what an agent before this one has left in the kernel goes on guarding its workloads. */
  #settle(places: ReadonlySet<string>): void {
    if (this.#settled || this.#closed) return;
    this.#settled = true;
    if (this.#foundOurs || this.#holdsOurs) this.#guarded = places;
    this.#options.guardedChanged();
  }

  // -------------------------------------------------------------- departures

  #watchDepartures(): void {
    if (this.#departing.size === 0 || this.#departure !== undefined) return;
    const { clock } = this.#options;
    const look = () => {
      this.#departure = undefined;
      if (this.#closed) return;
      const gone = this.#departing.release(this.#options.isRouted, clock.now());
      if (gone.length > 0) {
        this.#render();
        void this.#endConnectionsOf(gone.flatMap(({ addresses }) => addresses));
      }
      if (this.#departing.size > 0) this.#departure = clock.schedule(DEPARTURE_CHECK_MS, look);
    };
    this.#departure = clock.schedule(0, look);
  }

  // -------------------------------------------------------------- connections

  /** An address is given to another workload some day: what was agreed with this one is not its. */
  async #endConnectionsOf(prefixes: readonly Prefix[]): Promise<void> {
    const addresses: ReadonlySet<IpAddress> = new Set(prefixes.map(prefixAddress));
    const which = `of ${[...addresses].join(', ')}`;
    const { connections, log } = this.#options;
    try {
      const entries = await connections.find(entry => isOfAny(entry, addresses));
      const ended = await connections.end(entries);
      if (ended > 0) log('info', 'connections ended', `${ended} ${which}`);
    } catch (error) {
      log('warn', 'connections could not be ended', `those ${which}: ${(error as Error).message}`);
    }
  }

  /** What began while rules were away, and policy denies, would go on by those that are there again. */
  #followExposures(): void {
    const { exposureCount = 0, exposures = [] } = this.status() ?? {};
    if (exposureCount === this.#exposures || exposures.some(({ untilMs }) => untilMs === undefined)) return;
    this.#exposures = exposureCount;
    this.#followConnections();
  }

  #followConnections(): void {
    if (this.#terms === undefined) return;
    this.#cut.follow({
      policy: this.policy,
      settings: this.#terms.settings,
      places: this.#options.places(),
      leaving: this.#departing.addresses,
    });
  }
}

/** Chains guard an interface for the addresses of the workload that it is now: another that takes it waits for its own. */
function placesOf(workloads: Iterable<WorkloadEndpoint>): ReadonlySet<string> {
  const holders = [...interfaceHolders(workloads).values()];
  return new Set(
    holders.flatMap(({ interfaceName, addresses }) => addresses.map(one => placeOf(interfaceName, one))),
  );
}

function placeOf(interfaceName: string, address: Prefix): string {
  return `${interfaceName} ${address}`;
}

export function addressesByInterface(
  interfaces: ReadonlyMap<IpAddress, string>,
): ReadonlyMap<string, readonly IpAddress[]> {
  const addresses = new Map<string, IpAddress[]>();
  for (const [address, name] of interfaces) addresses.set(name, [...(addresses.get(name) ?? []), address]);
  return addresses;
}
