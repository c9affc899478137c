/**
 * Which arrangement of sessions is in force here, from the TopologyPlan and, where there is none, from the Nodes themselves (pure).
 *
 * Two things are remembered that no document says any more. A plan that was deleted stays in force until another comes: it is the
 * controller's to take back, and nobody's sessions end because somebody deleted a document. And while a mesh without a newer plan has
 * grown past its limit, hosts that were there before go on in it; the newcomers have the reflectors that will be, and nobody else.
 */

import type { Asn } from '../../core/asn.js';
import { usualTopology } from '../../core/resources/cluster.js';
import type { TopologyArrangement } from '../../core/resources/cluster-documents.js';
import type { NodeResource } from '../../core/resources/resource.js';
import { ArrangementView, MESH } from '../topology/arrangement.js';
import { clusterAsn, type Membership, membershipOf, membershipWords } from '../topology/members.js';
import type { TopologyPlan } from '../topology/planner.js';
import { provisionalArrangement } from '../topology/provisional.js';
import type { TopologySettings } from '../topology/settings.js';
import { directSession, type Layer, sessionBy, type TopologySession } from '../topology/topology-session.js';
import { afterChange, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { type BgpConfigurations, DEFAULT_ASN } from './node-view.js';

export interface TopologyInForce {
  /** Undefined: none has been made, and hosts do as they would by the first. */
  readonly plan: TopologyPlan | undefined;
  readonly settings: TopologySettings;
  readonly layers: readonly Layer[];
}

export class TopologyCalculator {
  readonly #own: string;
  readonly #configurations: BgpConfigurations;
  readonly #nodes: ReadonlyMap<string, NodeResource>;
  #settings: TopologySettings = usualTopology;
  #plan: TopologyPlan | undefined;
  #inMesh: ReadonlySet<string> = new Set();
  readonly #members = new Map<string, Membership>();
  /** Of the cluster, as of the last flush. */
  #asn: Asn = DEFAULT_ASN;
  #layers: readonly Layer[] = [];
  #told = '';
  #dirty = true;

  /** @param nodes and `configurations` are their owner's, who says when they change */
  constructor(own: string, nodes: ReadonlyMap<string, NodeResource>, configurations: BgpConfigurations) {
    this.#own = own;
    this.#nodes = nodes;
    this.#configurations = configurations;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    switch (id.kind) {
      case 'BGPTopology':
        this.#settings = resource?.kind === 'BGPTopology' ? resource.spec : usualTopology;
        break;
      case 'TopologyPlan':
        if (resource?.kind === 'TopologyPlan') this.#plan = resource.spec;
        break;
      case 'BGPConfiguration':
        this.#members.clear();
        break;
      case 'Node':
        this.#members.delete(id.name);
        break;
      default:
        return;
    }
    this.#dirty = true;
  }

  /** True if sessions may be others than after the last flush. */
  flush(): boolean {
    if (!this.#dirty) return false;
    this.#dirty = false;
    const asn = clusterAsn(this.#nodes.values(), this.#configurations);
    if (asn !== this.#asn) this.#members.clear();
    this.#asn = asn;
    const members = [...this.#nodes.values()].filter(node => this.membership(node) === 'member');
    const isSmall = this.#settings.mode === 'mesh' || members.length <= this.#settings.meshLimit;
    if (isSmall) this.#inMesh = new Set(members.map(({ metadata }) => metadata.name));
    this.#layers = this.#layersOf(members, isSmall);
    const layers = this.#layers.map(({ view, stays }) => [view.arrangement, stays]);
    const now = JSON.stringify([layers, isSmall, asn]);
    if (now === this.#told) return false;
    this.#told = now;
    return true;
  }

  get inForce(): TopologyInForce {
    return { plan: this.#plan, settings: this.#settings, layers: this.#layers };
  }

  membership(node: NodeResource): Membership {
    const { name } = node.metadata;
    const known = this.#members.get(name) ?? membershipOf(node, this.#configurations, this.#asn);
    this.#members.set(name, known);
    return known;
  }

  /** Of every Node. */
  memberships(): ReadonlyMap<string, Membership> {
    return new Map([...this.#nodes].map(([name, node]) => [name, this.membership(node)]));
  }

  /** As of the last flush; undefined: there is none between this host and the other. */
  sessionWith(remote: NodeResource): TopologySession | undefined {
    const own = this.#nodes.get(this.#own);
    const { name } = remote.metadata;
    if (own === undefined || name === this.#own) return undefined;
    const parts = [this.membership(own), this.membership(remote)];
    if (parts.includes('made-reflector') || parts.includes('mesh-off')) return undefined;
    return parts.includes('other-as') ? directSession : sessionBy(this.#layers, this.#own, name);
  }

  get conditions(): readonly Condition[] {
    if (this.#plan === undefined) return [];
    const { current, previous } = this.#plan;
    const named = new Set(
      [current, previous].flatMap(each => each?.reflectors.map(({ node }) => node) ?? []),
    );
    const strangers = [...named].filter(name => !this.#isMember(name)).sort();
    return strangers.map(name => {
      const node = this.#nodes.get(name);
      const why =
        node === undefined
          ? 'which does not exist'
          : `which takes no part (${membershipWords[this.membership(node)]})`;
      const message = `TopologyPlan/default has the reflector ${name}, ${why}: it is left out until the controller has made another plan`;
      return condition('warning', 'unknown-reflector', ['TopologyPlan/default', `Node/${name}`], message);
    });
  }

  #layersOf(members: readonly NodeResource[], isSmall: boolean): readonly Layer[] {
    const provisional = () =>
      provisionalArrangement(
        members.map(({ metadata: { name, labels } }) => ({ name, labels })),
        this.#settings,
      );
    const usable = [this.#plan?.current, this.#plan?.previous].map(each => this.#usable(each));
    const [current = provisional(), previous] = usable;
    const layer = (arrangement: TopologyArrangement, stays: boolean): Layer[] => {
      const view = new ArrangementView(arrangement, this.#own);
      if (arrangement.mode !== 'mesh' || isSmall) return [{ view, stays }];
      const others = new ArrangementView(provisional(), this.#own);
      return [
        { view, stays, among: this.#inMesh },
        { view: others, stays },
      ];
    };
    const meshBefore = this.#plan === undefined && !isSmall && this.#inMesh.size > 0 ? MESH : undefined;
    const before = previous ?? meshBefore;
    return [...layer(current, true), ...(before === undefined ? [] : layer(before, false))];
  }

  /** Without reflectors that there are not; undefined if none is left. */
  #usable(arrangement: TopologyArrangement | undefined): TopologyArrangement | undefined {
    if (arrangement === undefined || arrangement.mode === 'mesh') return arrangement;
    const reflectors = arrangement.reflectors.filter(({ node }) => this.#isMember(node));
    return reflectors.length === 0 ? undefined : { ...arrangement, reflectors };
  }

  #isMember(name: string): boolean {
    const node = this.#nodes.get(name);
    return node !== undefined && this.membership(node) === 'member';
  }
}
