/** The BGPPeerRange documents for this host as the speaker's ranges of dynamic peers (pure). */

import { familyOf } from '../../bgp/family.js';
import type { PeerRangeConfig, RoutePolicy } from '../../bgp/speaker/contract.js';
import type { IpAddress } from '../../core/ip-address.js';
import { prefixContains, prefixFamily } from '../../core/prefix.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type { BGPPeerRangeResource } from '../../core/resources/resource.js';
import { type Delta, KeyedOutput, type ResourceChange } from './calculator.js';
import type { Condition } from './condition.js';
import { BGP_PORT } from './node-view.js';
import { type Password, type PasswordSource, passwordSource } from './passwords.js';
import { rangeConditions } from './peer-conditions.js';
import { PeerContext, type PeerContextOptions } from './peer-context.js';
import { scopeOf } from './peer-scope.js';
import { bfdOf, documentWish, sessionTemplate } from './peer-template.js';

/** A peer that has not come back within this, its stale routes gone, is a stranger again. */
const IDLE_REMOVAL_SECONDS = 300;

export class PeerRangesCalculator {
  readonly #context: PeerContext;
  readonly #ranges = new Map<string, BGPPeerRangeResource>();
  readonly #output = new KeyedOutput<string, PeerRangeConfig>();
  #told = new Set<string>();
  #dirty = false;

  constructor(options: PeerContextOptions) {
    this.#context = new PeerContext(options);
  }

  onChange(change: ResourceChange): void {
    if (this.#context.onChange(change)) this.#dirty = true;
    const { kind, name } =
      change.kind === 'deleted'
        ? change.id
        : { kind: change.resource.kind, name: change.resource.metadata.name };
    if (kind !== 'BGPPeerRange') return;
    if (change.kind === 'changed' && change.resource.kind === 'BGPPeerRange')
      this.#ranges.set(name, change.resource);
    else this.#ranges.delete(name);
    this.#dirty = true;
  }

  /** As in the `MeshPeersCalculator`. */
  setInterfaces(
    interfaces: ReadonlyMap<IpAddress, string>,
    linkLocals: ReadonlyMap<string, IpAddress>,
  ): void {
    this.#context.interfaces = interfaces;
    this.#context.linkLocals = linkLocals;
    this.#dirty = true;
  }

  setExportPolicy(policy: RoutePolicy): void {
    this.#context.exportPolicy = policy;
    this.#dirty = true;
  }

  setHostPasswords(found: ReadonlyMap<string, Password>): void {
    this.#context.passwords.setHost(found);
    this.#dirty = true;
  }

  get passwordSources(): readonly PasswordSource[] {
    return [...this.#ranges.values()]
      .map(range => passwordSource(range.spec.password, sessionOptionsOf(range)))
      .filter(source => source !== undefined);
  }

  /** There are few: all of them are looked at again. */
  flush(): Delta<string, PeerRangeConfig> {
    if (this.#dirty) {
      const wanted = new Map(
        this.#ours().map(range => [range.metadata.name, peerRange(range, this.#context)]),
      );
      for (const key of this.#told) if (!wanted.has(key)) this.#output.remove(key);
      for (const [key, range] of wanted) this.#output.put(key, range);
      this.#told = new Set(wanted.keys());
    }
    this.#dirty = false;
    return this.#output.take();
  }

  get conditions(): readonly Condition[] {
    return this.#ours().flatMap(range => rangeConditions(range, this.#context));
  }

  #ours(): readonly BGPPeerRangeResource[] {
    const { nodeName } = this.#context.options;
    return [...this.#ranges.values()]
      .filter(({ spec }) => scopeOf(spec)(nodeName, this.#context.own))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }
}

export function peerRange(range: BGPPeerRangeResource, context: PeerContext): PeerRangeConfig {
  const { metadata, spec } = range;
  const options = sessionOptionsOf(range);
  const own = context.ownAddress(prefixFamily(spec.cidr));
  const sharesSubnet = own !== undefined && prefixContains(own.subnet, spec.cidr);
  return {
    key: metadata.name,
    prefix: spec.cidr,
    asns: spec.asNumbers?.map(asn => ({ first: asn, last: asn })) ?? 'internal',
    limit: spec.limit,
    idleRemovalSeconds: IDLE_REMOVAL_SECONDS,
    template: {
      ...sessionTemplate(documentWish(spec, options, familyOf(spec.cidr)), context),
      type: 'dynamic',
      name: metadata.name,
      port: BGP_PORT,
      // Whichever of ours they connect to.
      localAddress: undefined,
      sharedSubnets: sharesSubnet ? [own.subnet] : [],
      linkLocalAddress: sharesSubnet ? context.linkLocalBeside(own.address) : undefined,
      // Of those among them that are internal.
      routeReflectorClient: options.routeReflectorClient ?? context.clusterId !== undefined,
      bfd: bfdOf(options, false),
    },
  };
}
