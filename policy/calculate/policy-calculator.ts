/**
 * From documents to what one host has to enforce, bit by bit: documents come and go in any order and as often as they like, and `take`
 * says what is different since it was last asked. What it says depends on what there is, not on how it came to be; a change costs what
 * it touches (`whole-snapshot.ts` in the tests is the same without that). Nothing that a document may hold makes it throw.
 */
import { isDisabled } from '../../core/resources/annotations.js';
import type { HostEndpointResource } from '../../core/resources/policy-documents.js';
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  resourceIdOf,
  type WorkloadEndpointResource,
} from '../../core/resources/resource.js';
import type { HostPolicy } from '../model.js';
import { ActiveSets, type Addressed, type AddressedItem } from './active-sets.js';
import { type InterfaceAddresses, placeEndpoints } from './host-interfaces.js';
import { InheritedLabels } from './inherited-labels.js';
import { LocalPolicy } from './local-policy.js';
import { isEmpty, type PolicyDelta } from './policy-delta.js';
import { type PolicyDocument, policySource } from './policy-source.js';
import {
  labelsGiven,
  type ParentDocument,
  parentKey,
  type SelectableDocument,
  selectable,
} from './selectable.js';
import { standInFor } from './stand-in.js';

/** What selectors select, as long as it exists. */
interface Item extends AddressedItem {
  readonly id: string;
}

export class PolicyCalculator {
  readonly #hostName: string;
  readonly #sets = new ActiveSets();
  readonly #local = new LocalPolicy(this.#sets);
  readonly #items = new Map<string, Item>();
  readonly #labels = new InheritedLabels<Item>((item, labels) => {
    this.#sets.setLabels(item, labels);
    this.#local.setLabels(item.id, labels);
  });

  /** Policies that have been understood once: of these the last good version stays. */
  readonly #understood = new Set<string>();
  readonly #hostEndpoints = new Map<string, HostEndpointResource>();
  #placed: ReadonlySet<string> = new Set();
  #addresses: InterfaceAddresses = new Map();

  /**
   * As of the last {@link take}; the same maps each time. A part that changes is another object in its map; the members of a set are
   * one object as long as the set is there.
   */
  readonly current: HostPolicy;

  constructor(hostName: string) {
    this.#hostName = hostName;
    const { workloads, hosts, policies, profiles } = this.#local;
    this.current = { workloads, hosts, policies, profiles, sets: this.#sets.held };
  }

  /** How much is known, part by part: nothing once everything has been removed. */
  get size(): { readonly [part: string]: number } {
    const index = this.#sets.size;
    const labels = this.#labels.size;
    return {
      ...this.#local.size,
      items: this.#items.size,
      labelled: labels.items + labels.parents,
      understood: this.#understood.size,
      hostEndpoints: this.#hostEndpoints.size,
      selectable: index.items + index.selectors + index.places,
    };
  }

  /** It is there, or is this now. Kinds that have nothing to do with policy are none of its business. */
  set(document: Resource): void {
    switch (document.kind) {
      case 'WorkloadEndpoint':
      case 'HostEndpoint':
      case 'NetworkSet':
      case 'GlobalNetworkSet':
        this.#setItem(document);
        return;
      case 'Profile':
        this.#local.setProfile(document.metadata.name, document);
        this.#setParent(document);
        return;
      case 'Namespace':
        this.#local.setNamespace(document.metadata.name, true);
        this.#setParent(document);
        return;
      case 'ServiceAccount':
        this.#setParent(document);
        return;
      case 'Tier':
        this.#local.setTier(document.metadata.name, document);
        return;
      case 'NetworkPolicy':
      case 'GlobalNetworkPolicy':
      case 'KubernetesNetworkPolicy':
      case 'StagedNetworkPolicy':
      case 'StagedGlobalNetworkPolicy':
      case 'StagedKubernetesNetworkPolicy':
        this.#setPolicy(document);
        return;
      default:
    }
  }

  /** It is not there any more, whether it was understood or not. */
  remove(id: ResourceId): void {
    const key = formatResourceId(id);
    switch (id.kind) {
      case 'WorkloadEndpoint':
      case 'HostEndpoint':
      case 'NetworkSet':
      case 'GlobalNetworkSet':
        this.#deleteItem(key, id);
        return;
      case 'Profile':
        this.#local.setProfile(id.name, undefined);
        this.#labels.setParent(parentKey(id.kind, id.namespace, id.name), undefined);
        return;
      case 'Namespace':
        this.#local.setNamespace(id.name, false);
        this.#labels.setParent(parentKey(id.kind, id.namespace, id.name), undefined);
        return;
      case 'ServiceAccount':
        this.#labels.setParent(parentKey(id.kind, id.namespace, id.name), undefined);
        return;
      case 'Tier':
        this.#local.setTier(id.name, undefined);
        return;
      default:
        this.#understood.delete(key);
        this.#local.deletePolicy(key);
    }
  }

  /**
   * It is there and cannot be understood. What was understood of that name stays in force; a policy that never was is stood in for by
   * one that denies whatever `written` (the document, as far as it could be read) says it is for. Anything else is as if it were not
   * there: what needs it denies.
   */
  invalid(id: ResourceId, written: unknown): void {
    if (!isPolicy(id) || this.#understood.has(formatResourceId(id))) return;
    const standIn = standInFor(id, written);
    if (standIn !== undefined) this.#local.setPolicy(standIn);
  }

  /** It was {@link invalid}, and is not there any more. */
  withdrawn(id: ResourceId): void {
    if (isPolicy(id) && !this.#understood.has(formatResourceId(id))) this.remove(id);
  }

  /** What interfaces of this host have which addresses, all of them: host endpoints are found by it. */
  setInterfaceAddresses(addresses: InterfaceAddresses): void {
    this.#addresses = addresses;
    this.#placeHostEndpoints();
  }

  /** What is different since the last take; undefined: nothing. {@link current} is as it says from now on. */
  take(): PolicyDelta | undefined {
    const delta = { ...this.#local.take(), sets: this.#sets.take() };
    return isEmpty(delta) ? undefined : delta;
  }

  // -------------------------------------------------------------- policies

  #setPolicy(document: PolicyDocument): void {
    const key = formatResourceId(resourceIdOf(document));
    const source = policySource(document);
    this.#understood.add(key);
    if (source === undefined) this.#local.deletePolicy(key);
    else this.#local.setPolicy(source);
  }

  #setParent(document: ParentDocument): void {
    const { name, namespace } = document.metadata;
    this.#labels.setParent(parentKey(document.kind, namespace, name), labelsGiven(document));
  }

  // -------------------------------------------------------------- endpoints and sets of networks

  #setItem(document: SelectableDocument): void {
    const id = formatResourceId(resourceIdOf(document));
    const { labels, has } = selectable(document);
    let item = this.#items.get(id);
    if (item === undefined) {
      item = { id, has };
      this.#items.set(id, item);
    } else if (!sameAddresses(item.has, has)) {
      this.#sets.setAddresses(item, has);
    }
    this.#labels.setItem(item, labels);
    if (document.kind === 'WorkloadEndpoint') this.#setWorkload(item, document);
    if (document.kind === 'HostEndpoint') this.#setHostEndpoint(document);
  }

  #deleteItem(key: string, id: ResourceId): void {
    const item = this.#items.get(key);
    if (item === undefined) return;
    this.#local.deleteEndpoint(key);
    this.#sets.deleteItem(item);
    this.#labels.deleteItem(item);
    this.#items.delete(key);
    if (id.kind === 'HostEndpoint' && this.#hostEndpoints.delete(id.name)) this.#placeHostEndpoints();
  }

  #setWorkload(item: Item, document: WorkloadEndpointResource): void {
    const { spec } = document;
    if (spec.node !== this.#hostName) {
      this.#local.deleteEndpoint(item.id);
      return;
    }
    const base = {
      key: item.id,
      interfaceName: spec.interfaceName,
      addresses: spec.ipNetworks,
      mayAlsoSendFrom: spec.allowSpoofedSourcePrefixes ?? [],
      disabled: isDisabled(document),
      profiles: spec.profiles ?? [],
    };
    this.#local.setEndpoint(item.id, { kind: 'workload', base }, this.#labels.labelsOf(item) ?? {});
  }

  #setHostEndpoint(document: HostEndpointResource): void {
    const { name } = document.metadata;
    if (document.spec.node === this.#hostName) this.#hostEndpoints.set(name, document);
    else if (!this.#hostEndpoints.delete(name)) return;
    this.#placeHostEndpoints();
  }

  /** All of them: a host has few, and each has a say in where the others are. */
  #placeHostEndpoints(): void {
    const placed = placeEndpoints(this.#hostEndpoints.values(), this.#addresses);
    for (const id of this.#placed) if (!placed.has(id)) this.#local.deleteEndpoint(id);
    for (const [id, endpoint] of placed) {
      const item = this.#items.get(id);
      const labels = item && this.#labels.labelsOf(item);
      if (labels !== undefined) this.#local.setEndpoint(id, endpoint, labels);
    }
    this.#placed = new Set(placed.keys());
  }
}

function isPolicy(id: ResourceId): id is ResourceId & { readonly kind: PolicyDocument['kind'] } {
  return id.kind.endsWith('NetworkPolicy');
}

function sameAddresses(a: Addressed, b: Addressed): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
