/**
 * Calico's implicit export policy as data: what this host tells its peers.
 *
 * Only its own routes, so a host is never transit: its blocks, and what lies in an IP pool that is exported or in an advertised
 * prefix, and the ranges of services. A pool with `disableBGPExport` wins over everything, the most specific pool first. A host that is a
 * route reflector (`routeReflectorClusterID`) passes on what it learned in an exported pool, too. Every rule carries the reason that
 * `bgpctl routes --advertised --why` shows.
 */
import type { RoutePolicy, RoutePolicyRule } from '../../bgp/speaker/contract.js';
import { addressBits } from '../../core/ip-address.js';
import { comparePrefixes, type Prefix, prefixFamily, prefixLength } from '../../core/prefix.js';
import type { IPPoolResource } from '../../core/resources/resource.js';
import { afterChange, type ResourceChange, sameValue } from './calculator.js';
import { BgpConfigurations } from './node-view.js';
import { serviceRanges } from './service-ranges.js';

export class ExportPolicyCalculator {
  readonly #nodeName: string;
  readonly #pools = new Map<string, IPPoolResource>();
  readonly #blocks = new Map<string, Prefix>();
  readonly #configurations = new BgpConfigurations();
  #reflects = false;
  #told: RoutePolicy | undefined;
  #dirty = true;

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    const { name } = id;
    switch (id.kind) {
      case 'IPPool':
        if (resource?.kind === 'IPPool') this.#pools.set(name, resource);
        else this.#pools.delete(name);
        break;
      case 'BlockAffinity':
        if (resource?.kind === 'BlockAffinity' && resource.spec.node === this.#nodeName) {
          this.#blocks.set(name, resource.spec.cidr);
        } else if (!this.#blocks.delete(name)) return;
        break;
      case 'Node':
        if (name !== this.#nodeName) return;
        this.#reflects =
          resource?.kind === 'Node' && resource.spec.bgp?.routeReflectorClusterID !== undefined;
        break;
      case 'BGPConfiguration':
        if (resource?.kind === 'BGPConfiguration') this.#configurations.set(resource);
        else this.#configurations.delete(name);
        break;
      default:
        return;
    }
    this.#dirty = true;
  }

  /** The policy, or undefined if it is what the last flush told. */
  flush(): RoutePolicy | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    const policy = exportPolicy({
      pools: [...this.#pools.values()],
      ownBlocks: [...this.#blocks.values()],
      advertised:
        this.#configurations.of(this.#nodeName, 'prefixAdvertisements')?.map(({ cidr }) => cidr) ?? [],
      services: serviceRanges(this.#configurations, this.#nodeName).advertised,
      reflects: this.#reflects,
    });
    if (sameValue(policy, this.#told)) return undefined;
    this.#told = policy;
    return policy;
  }
}

export interface ExportState {
  readonly pools: readonly IPPoolResource[];
  readonly ownBlocks: readonly Prefix[];
  /** `prefixAdvertisements`. */
  readonly advertised: readonly Prefix[];
  readonly services: readonly Prefix[];
  /** This host is a route reflector. */
  readonly reflects: boolean;
}

/** The whole policy from whole state. */
export function exportPolicy({ pools, ownBlocks, advertised, services, reflects }: ExportState): RoutePolicy {
  const noTransit: RoutePolicyRule = {
    within: undefined,
    source: 'peers',
    action: 'reject',
    reason: 'learned from a peer: a host is never transit',
  };
  const rules: RoutePolicyRule[] = reflects ? [] : [noTransit];
  const specificFirst = [...pools].sort(
    (a, b) =>
      prefixLength(b.spec.cidr) - prefixLength(a.spec.cidr) ||
      comparePrefixes(a.spec.cidr, b.spec.cidr) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  for (const { metadata, spec } of specificFirst) {
    const rule = spec.disableBGPExport
      ? inside(spec.cidr, 'reject', `IP pool ${metadata.name} has disableBGPExport`)
      : inside(spec.cidr, 'accept', `IP pool ${metadata.name}`);
    rules.push(reflects ? { ...rule, source: 'any' } : rule);
  }
  for (const cidr of uniqueSorted(advertised))
    rules.push(inside(cidr, 'accept', `advertised prefix ${cidr}`));
  for (const cidr of uniqueSorted(services)) rules.push(exactly(cidr, `range of services ${cidr}`));
  for (const block of uniqueSorted(ownBlocks)) rules.push(exactly(block, 'own block'));
  return { rules, otherwise: 'reject' };
}

function inside(prefix: Prefix, action: RoutePolicyRule['action'], reason: string): RoutePolicyRule {
  const maxLength = addressBits(prefixFamily(prefix));
  return { within: { prefix, minLength: prefixLength(prefix), maxLength }, source: 'local', action, reason };
}

function exactly(prefix: Prefix, reason: string): RoutePolicyRule {
  const length = prefixLength(prefix);
  return {
    within: { prefix, minLength: length, maxLength: length },
    source: 'local',
    action: 'accept',
    reason,
  };
}

function uniqueSorted(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Set(prefixes)].sort(comparePrefixes);
}
