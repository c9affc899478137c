/**
 * What tunnels are made with, from the FelixConfiguration documents that speak for this host, with Calico's defaults; and which of
 * their fields this version does not act on.
 */
import type { Prefix } from '../../core/prefix.js';
import { failClosedForwardingOf, flushOnDenyOf } from '../../core/resources/annotations.js';
import { keptFelixFields } from '../../core/resources/felix-fields.js';
import type { FelixConfigurationResource } from '../../core/resources/resource.js';
import type { FieldInForce } from '../../policy/filter-settings.js';
import { afterChange, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { CLUSTER_NAME, Configurations, ownName } from './configurations.js';

/** RFC 7348 section 8: the port that IANA gave to VXLAN. */
export const VXLAN_PORT = 4789;
/** Calico's. */
export const VXLAN_VNI = 4096;

export interface FelixSettings {
  /** MTUs of the tunnel devices in bytes; undefined leaves it to whoever makes them. */
  readonly ipipMtu: number | undefined;
  readonly vxlanMtu: number | undefined;
  readonly vxlanMtuV6: number | undefined;
  readonly vxlanPort: number;
  readonly vxlanVni: number;
  /** Hosts outside the cluster that may send us tunnelled packets; none twice. */
  readonly externalNodes: readonly Prefix[];
}

export class FelixSettingsCalculator {
  readonly #nodeName: string;
  readonly #configurations = new Configurations<FelixConfigurationResource>();

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (id.kind !== 'FelixConfiguration') return;
    if (resource?.kind === 'FelixConfiguration') this.#configurations.set(resource);
    else this.#configurations.delete(id.name);
  }

  get settings(): FelixSettings {
    const of = <K extends keyof FelixConfigurationResource['spec']>(field: K) =>
      this.#configurations.of(this.#nodeName, field);
    // An MTU of 0 is as good as none, also where it overrides the cluster's.
    return {
      ipipMtu: of('ipipMTU') || undefined,
      vxlanMtu: of('vxlanMTU') || undefined,
      vxlanMtuV6: of('vxlanMTUV6') || undefined,
      vxlanPort: of('vxlanPort') ?? VXLAN_PORT,
      vxlanVni: of('vxlanVNI') ?? VXLAN_VNI,
      externalNodes: [...new Set(of('externalNodesList'))],
    };
  }

  /** A field that policy and its rendering go by, as it is in force here. */
  readonly policyField: FieldInForce = field => this.#configurations.of(this.#nodeName, field) as never;

  /** What annotations of ours say, those of this host's own document before the cluster's. */
  get policyFlags(): { readonly flushOnDeny: boolean; readonly failClosedForwarding: boolean } {
    const documents = [ownName(this.#nodeName), CLUSTER_NAME].flatMap(
      name => this.#configurations.get(name) ?? [],
    );
    const first = (flagOf: (document: FelixConfigurationResource) => boolean | undefined) =>
      documents.map(flagOf).find(flag => flag !== undefined) ?? false;
    return { flushOnDeny: first(flushOnDenyOf), failClosedForwarding: first(failClosedForwardingOf) };
  }

  /** By name of the document. */
  get conditions(): readonly Condition[] {
    return [...this.#configurations.documents]
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .flatMap(document => this.#conditionOf(document) ?? []);
  }

  /** What speaks for another host is that host's to report. */
  #conditionOf({ metadata: { name }, spec }: FelixConfigurationResource): Condition | undefined {
    const object = `FelixConfiguration/${name}`;
    if (name === CLUSTER_NAME || name === ownName(this.#nodeName)) {
      const fields = Object.keys(spec).filter(isKept).sort();
      if (fields.length === 0) return undefined;
      const them = fields.length === 1 ? 'it' : 'them';
      const message = `${object} sets ${fields.join(', ')}: this version does not act on ${them}`;
      return condition('warning', 'felix-fields', [object], message);
    }
    if (name.startsWith(ownName(''))) return undefined;
    const message = `${object} speaks for no host, because its name is neither "default" nor "node.NAME": it is left out`;
    return condition('warning', 'felix-name', [object], message);
  }
}

/** Of policy: the lock of iptables is waited for 10 s, and what was written is read back a second later. */
const fixed = ['iptablesLockProbeInterval', 'iptablesLockTimeout', 'iptablesPostWriteCheckInterval'];
const kept: ReadonlySet<string> = new Set([...keptFelixFields, ...fixed]);

function isKept(field: string): boolean {
  return kept.has(field);
}
