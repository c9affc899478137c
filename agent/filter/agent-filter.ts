/**
 * SHELL: the packet filter as the agent has it: follows the documents that it depends on, and what the host is, and lets workloads have
 * their routes once they are guarded.
 */
import type { Clock } from '../../core/clock.js';
import { durationSeconds } from '../../core/duration.js';
import type { IpAddress } from '../../core/ip-address.js';
import { hostPrefix, type Prefix } from '../../core/prefix.js';
import type { IPPoolResource, Resource } from '../../core/resources/resource.js';
import type { Dataplane } from '../../ipip/dataplane.js';
import { type HostIntent, interfacesByAddress, type KernelFacts } from '../../ipip/kernel-facts.js';
import { PolicyCalculator } from '../../policy/calculate/policy-calculator.js';
import { filterSettings } from '../../policy/filter-settings.js';
import { renderFilter } from '../../policy/render/render.js';
import type { TunnelFilter } from '../../policy/settings.js';
import type { InvalidDocument } from '../../store/port.js';
import { afterChange, type ResourceChange } from '../calculators/calculator.js';
import { FelixSettingsCalculator } from '../calculators/felix-settings.js';
import type { Cluster } from '../cluster.js';
import type { Log } from '../options.js';
import type { HostPlaces } from './denied-connections.js';
import { type ApplierTuning, addressesByInterface, HostFilter, type HostFilterTerms } from './host-filter.js';
import type { FilterPorts } from './ports.js';

export interface AgentFilterOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly ports: FilterPorts;
  readonly cluster: Cluster;
  readonly dataplane: () => Dataplane | undefined;
  /** What {@link AgentFilter.guard} says is something else now. */
  readonly guardedChanged: () => void;
  readonly changed: () => void;
  readonly log: Log;
}

/** Calico's. */
const REFRESH_SECONDS = 180;
const SETS_REFRESH = '90s';

export class AgentFilter {
  readonly host: HostFilter;
  readonly #options: AgentFilterOptions;
  readonly #pools = new Map<string, IPPoolResource>();
  #facts: Pick<KernelFacts, 'links' | 'addresses'> = { links: [], addresses: [] };
  #intent: HostIntent | undefined;

  constructor(options: AgentFilterOptions) {
    this.#options = options;
    const { nodeName, clock, ports, dataplane, guardedChanged, changed, log } = options;
    this.host = new HostFilter({
      nodeName,
      clock,
      newApplier: ports.newApplier,
      connections: ports.connections,
      isRouted: address => dataplane()?.mayHold(address) === true,
      places: () => this.#places(),
      guardedChanged,
      changed,
      log: (level, message, detail) => log[level]({ detail }, message),
    });
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (id.kind === 'IPPool') {
      if (resource?.kind === 'IPPool') this.#pools.set(id.name, resource);
      else this.#pools.delete(id.name);
    }
    this.host.onChange(change);
  }

  invalid(documents: readonly InvalidDocument[]): void {
    this.host.invalid(documents);
  }

  /** The kernel was read. */
  looked(facts: Pick<KernelFacts, 'links' | 'addresses'>): void {
    this.#facts = facts;
    this.host.setInterfaceAddresses(interfacesByAddress(facts));
  }

  /** After any number of changes. */
  flush(intent: HostIntent | undefined = this.#intent): void {
    this.#intent = intent;
    if (intent === undefined) return;
    this.host.flush(this.#terms(this.#options.cluster.felix, this.#pools.values(), intent));
  }

  /** Without the workloads that are not guarded yet; undefined: not known yet. */
  guard(intent: HostIntent): HostIntent | undefined {
    const workloads = this.host.guarded(intent.workloads);
    return workloads === undefined ? undefined : { ...intent, workloads };
  }

  /**
   * What these documents, and no others, would do to the packet filter; undefined: nothing.
   *
   * @throws where it cannot be read
   */
  async plan(documents: readonly Resource[]): Promise<string | undefined> {
    const { nodeName, ports } = this.#options;
    if (this.#intent === undefined) return undefined;
    const calculator = new PolicyCalculator(nodeName);
    const felix = new FelixSettingsCalculator(nodeName);
    for (const resource of documents) {
      calculator.set(resource);
      felix.onChange({ kind: 'changed', resource });
    }
    calculator.setInterfaceAddresses(addressesByInterface(interfacesByAddress(this.#facts)));
    calculator.take();
    const pools = documents.filter(document => document.kind === 'IPPool');
    const { settings, tuning } = this.#terms(felix, pools, this.#intent);
    return await ports.plan(renderFilter(calculator.current, settings), tuning.backend);
  }

  async ready(): Promise<void> {
    await this.host.ready();
  }

  close(): void {
    this.host.close();
    this.#options.ports.connections.close();
  }

  #terms(
    felix: FelixSettingsCalculator,
    pools: Iterable<IPPoolResource>,
    intent: HostIntent,
  ): HostFilterTerms {
    const host = {
      pools: Array.from(pools)
        .filter(({ spec }) => !spec.disabled)
        .map(({ spec }) => ({ cidr: spec.cidr, masquerade: spec.natOutgoing })),
      nodeAddresses: [...ownAddresses(intent), ...intent.remoteHosts.map(({ address }) => address)],
      tunnels: this.#tunnels(intent),
    };
    const settings = filterSettings(felix.policyField, felix.policyFlags, host);
    return { settings, tuning: tuningOf(felix) };
  }

  #tunnels(intent: HostIntent): readonly TunnelFilter[] {
    const hosts = intent.remoteHosts.map(({ address }) => hostPrefix(address));
    const from: readonly Prefix[] = [...new Set([...hosts, ...intent.externalNodes])];
    const views = this.#options.dataplane()?.tunnels() ?? [];
    return views.flatMap(({ tunnel, device, mtu, state }): readonly TunnelFilter[] => {
      if (state !== 'open') return [];
      const port = this.#portOf(tunnel);
      return [{ tunnel, device, from, mtu, ...(port === undefined ? {} : { port }) }];
    });
  }

  #portOf(tunnel: TunnelFilter['tunnel']): number | undefined {
    if (tunnel === 'ipip') return undefined;
    if (tunnel === 'udp') return this.#options.ports.udpPort;
    return this.#options.cluster.felix.settings.vxlanPort;
  }

  #places(): HostPlaces {
    const byAddress = interfacesByAddress(this.#facts);
    const [own] = this.#intent === undefined ? [] : ownAddresses(this.#intent);
    const uplink = own === undefined ? undefined : byAddress.get(own);
    return { own: new Set(byAddress.keys()), towards: () => uplink };
  }
}

function tuningOf({ policyField }: FelixSettingsCalculator): ApplierTuning {
  // One look reads tables and sets.
  const seconds = Math.min(
    durationSeconds(policyField('iptablesRefreshInterval')) || REFRESH_SECONDS,
    durationSeconds(policyField('ipsetsRefreshInterval') ?? SETS_REFRESH) || REFRESH_SECONDS,
  );
  const backend = { Auto: 'auto', NFT: 'nft', Legacy: 'legacy' } as const;
  return {
    backend: backend[policyField('iptablesBackend') ?? 'Auto'],
    refreshMs: 1000 * Math.max(1, seconds),
  };
}

/** The node's. */
function ownAddresses({ preferredSources: { ipv4, ipv6 } }: HostIntent): readonly IpAddress[] {
  return [ipv4, ipv6].filter(address => address !== undefined);
}
