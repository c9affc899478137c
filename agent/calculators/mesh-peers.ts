/**
 * Who this host speaks BGP with: the node-to-node mesh and the BGPPeer documents, one PeerConfig per remote address.
 *
 * Where several documents lead to one address the most explicit wins: a BGPPeer for this node, then one for every node, then the
 * mesh; the losers are reported. A node with a `routeReflectorClusterID` is not in the mesh. Our own address is never a peer.
 *
 * Calico makes one side of each mesh session passive, because a restarting BIRD loses graceful restart when its peer dials first.
 * Here both sides dial: collision detection (RFC 4271 section 6.8) settles simultaneous connects, and a new OPEN while the old
 * session still looks Established is taken as the restart it is (RFC 4724 section 5). So a one-way firewall is no obstacle.
 */
import type { PeerConfig, RoutePolicy } from '../../bgp/speaker/contract.js';
import { rejectAll } from '../../bgp/speaker/defaults.js';
import type { Asn } from '../../core/asn.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { BGPPeerResource, NodeResource } from '../../core/resources/resource.js';
import { afterChange, type Delta, KeyedOutput, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { BgpConfigurations, nodeAddress } from './node-view.js';
import { type Candidate, compareCandidates, type PeerTimers, peerConfig, peerKey } from './peer-config.js';
import { type CompiledPeer, compilePeer, unsupportedFields } from './peer-scope.js';

const MESH = '';

export class MeshPeersCalculator {
  readonly #nodeName: string;
  readonly #timers: PeerTimers;
  readonly #nodes = new Map<string, NodeResource>();
  readonly #peers = new Map<string, CompiledPeer>();
  readonly #configurations = new BgpConfigurations();
  /** By source (BGPPeer name, or {@link MESH}) and remote node name ('' for a plain peerIP). */
  readonly #candidates = new Map<string, Map<string, Candidate>>();
  readonly #byAddress = new Map<IpAddress, Map<string, Candidate>>();
  readonly #keyOfAddress = new Map<IpAddress, string>();
  readonly #dirtyNodes = new Set<string>();
  readonly #dirtyPeers = new Set<string>();
  readonly #dirtyAddresses = new Set<IpAddress>();
  readonly #output = new KeyedOutput<string, PeerConfig>();
  #exportPolicy: RoutePolicy = rejectAll;
  #allDirty = false;

  constructor(nodeName: string, timers: PeerTimers) {
    this.#nodeName = nodeName;
    this.#timers = timers;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    switch (id.kind) {
      case 'Node':
        if (resource?.kind === 'Node') this.#nodes.set(id.name, resource);
        else this.#nodes.delete(id.name);
        if (id.name === this.#nodeName) this.#allDirty = true;
        else this.#dirtyNodes.add(id.name);
        return;
      case 'BGPPeer':
        if (resource?.kind === 'BGPPeer') this.#peers.set(id.name, compilePeer(resource));
        else this.#peers.delete(id.name);
        this.#dirtyPeers.add(id.name);
        return;
      case 'BGPConfiguration':
        if (resource?.kind === 'BGPConfiguration') this.#configurations.set(resource);
        else this.#configurations.delete(id.name);
        this.#allDirty = true;
        return;
      default:
    }
  }

  /** What every peer is told of our routes; the {@link ExportPolicyCalculator} knows. */
  setExportPolicy(policy: RoutePolicy): void {
    this.#exportPolicy = policy;
    this.#allDirty = true;
  }

  flush(): Delta<string, PeerConfig> {
    const nodes = this.#allDirty ? [...this.#nodes.keys()] : [...this.#dirtyNodes];
    const peers = this.#allDirty ? [...this.#peers.keys()] : [...this.#dirtyPeers];
    for (const source of this.#candidates.keys()) {
      if (source !== MESH && !this.#peers.has(source)) this.#replaceSource(source, new Map());
    }
    for (const name of peers) this.#recomputePeer(name);
    for (const name of this.#allDirty ? this.#goneNodes(nodes) : nodes) this.#recomputeNode(name);
    if (this.#allDirty) for (const address of this.#byAddress.keys()) this.#dirtyAddresses.add(address);
    for (const address of this.#dirtyAddresses) this.#elect(address);
    this.#dirtyNodes.clear();
    this.#dirtyPeers.clear();
    this.#dirtyAddresses.clear();
    this.#allDirty = false;
    return this.#output.take();
  }

  /** As of the last flush: addresses with several claims, fields that this version does not act on. */
  get conditions(): readonly Condition[] {
    const found: Condition[] = [];
    if (this.#meshGuarded && this.#candidates.has(MESH)) found.push(guardedMesh());
    for (const peer of this.#peers.values()) {
      if (this.#candidates.get(peer.name)?.size) found.push(...unsupportedFields(peer.resource));
      if (peer.resource.spec.node !== undefined && !this.#nodes.has(peer.resource.spec.node)) {
        found.push(unknownNode(peer.resource));
      }
    }
    for (const [address, claims] of this.#byAddress) {
      if (claims.size < 2) continue;
      const sorted = [...claims.values()].sort(compareCandidates);
      const documents = sorted.filter(claim => claim.document !== undefined);
      if (documents.length < 2) continue;
      found.push(duplicatePeers(address, documents));
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The mesh asks for a password, which this version cannot give. */
  get #meshGuarded(): boolean {
    return this.#configurations.of(this.#nodeName, 'nodeMeshPassword') !== undefined;
  }

  // ---------------------------------------------------------------- candidates

  /** Every known node and every one that still has candidates. */
  #goneNodes(known: readonly string[]): Set<string> {
    const names = new Set(known);
    for (const candidates of this.#candidates.values()) {
      for (const name of candidates.keys()) if (name !== '') names.add(name);
    }
    return names;
  }

  #recomputePeer(name: string): void {
    const peer = this.#peers.get(name);
    const wanted = new Map<string, Candidate>();
    if (peer !== undefined) {
      const plain = this.#plainCandidate(peer);
      if (plain !== undefined) wanted.set('', plain);
      for (const node of peer.selectsNodes ? this.#nodes.keys() : []) {
        const candidate = this.#selectedCandidate(peer, node);
        if (candidate !== undefined) wanted.set(node, candidate);
      }
    }
    this.#replaceSource(name, wanted);
  }

  #recomputeNode(name: string): void {
    this.#replaceOne(MESH, name, this.#meshCandidate(name));
    for (const peer of this.#peers.values()) {
      if (peer.selectsNodes) this.#replaceOne(peer.name, name, this.#selectedCandidate(peer, name));
    }
  }

  #meshCandidate(name: string): Candidate | undefined {
    const own = this.#nodes.get(this.#nodeName);
    const remote = this.#nodes.get(name);
    if (own === undefined || remote === undefined || name === this.#nodeName) return undefined;
    if (this.#configurations.of(this.#nodeName, 'nodeToNodeMeshEnabled') === false) return undefined;
    if (isReflector(own) || isReflector(remote)) return undefined;
    return this.#towardsNode(remote, 'mesh', undefined);
  }

  /** A BGPPeer with an address of its own. */
  #plainCandidate(peer: CompiledPeer): Candidate | undefined {
    const own = this.#nodes.get(this.#nodeName);
    if (peer.address === undefined || !peer.appliesTo(this.#nodeName, own)) return undefined;
    const asn = peer.resource.spec.asNumber;
    if (asn === undefined) return undefined;
    const { address, port } = peer.address;
    return { rank: peer.rank, address, port, asn, name: peer.name, document: peer.resource };
  }

  /** A BGPPeer with a peerSelector: we select the node, or (reverse peering) the node selects us. */
  #selectedCandidate(peer: CompiledPeer, name: string): Candidate | undefined {
    const own = this.#nodes.get(this.#nodeName);
    const remote = this.#nodes.get(name);
    if (own === undefined || remote === undefined || name === this.#nodeName) return undefined;
    const forwards = peer.appliesTo(this.#nodeName, own) && peer.selects(remote);
    const backwards =
      peer.resource.spec.reversePeering !== 'Manual' && peer.selects(own) && peer.appliesTo(name, remote);
    return forwards || backwards ? this.#towardsNode(remote, peer.rank, peer.resource) : undefined;
  }

  #towardsNode(
    remote: NodeResource,
    rank: Candidate['rank'],
    document: BGPPeerResource | undefined,
  ): Candidate | undefined {
    const { name } = remote.metadata;
    const at = nodeAddress(remote);
    if (at === undefined) return undefined;
    const asn: Asn = this.#configurations.asn(remote, name);
    return { rank, address: at.address, port: this.#configurations.listenPort(name), asn, name, document };
  }

  #replaceSource(source: string, wanted: ReadonlyMap<string, Candidate>): void {
    const current = this.#candidates.get(source);
    for (const name of [...(current?.keys() ?? [])]) {
      if (!wanted.has(name)) this.#replaceOne(source, name, undefined);
    }
    for (const [name, candidate] of wanted) this.#replaceOne(source, name, candidate);
  }

  #replaceOne(source: string, name: string, candidate: Candidate | undefined): void {
    const ofSource = this.#candidates.get(source) ?? new Map<string, Candidate>();
    const id = `${source}\n${name}`;
    const before = ofSource.get(name);
    if (before !== undefined) {
      const claims = this.#byAddress.get(before.address);
      claims?.delete(id);
      if (claims?.size === 0) this.#byAddress.delete(before.address);
      this.#dirtyAddresses.add(before.address);
      ofSource.delete(name);
    }
    if (candidate !== undefined) {
      ofSource.set(name, candidate);
      const claims = this.#byAddress.get(candidate.address) ?? new Map<string, Candidate>();
      this.#byAddress.set(candidate.address, claims.set(id, candidate));
      this.#dirtyAddresses.add(candidate.address);
    }
    if (ofSource.size === 0) this.#candidates.delete(source);
    else this.#candidates.set(source, ofSource);
  }

  // ---------------------------------------------------------------- election

  #elect(address: IpAddress): void {
    const own = this.#nodes.get(this.#nodeName);
    const isOwn = address === nodeAddress(own)?.address || address === nodeAddress(own, 'ipv6')?.address;
    const winner = isOwn
      ? undefined
      : [...(this.#byAddress.get(address)?.values() ?? [])].sort(compareCandidates)[0];
    const key = winner === undefined ? undefined : peerKey(winner);
    const before = this.#keyOfAddress.get(address);
    if (before !== undefined && before !== key) {
      this.#output.remove(before);
      this.#keyOfAddress.delete(address);
    }
    if (winner === undefined || key === undefined) return;
    this.#keyOfAddress.set(address, key);
    const localAsn = this.#configurations.asn(own, this.#nodeName);
    this.#output.put(
      key,
      peerConfig(winner, {
        own,
        localAsn,
        exportPolicy: this.#exportPolicy,
        timers: this.#timers,
        meshGuarded: this.#meshGuarded,
      }),
    );
  }
}

function isReflector(node: NodeResource): boolean {
  return node.spec.bgp?.routeReflectorClusterID !== undefined;
}

function guardedMesh(): Condition {
  const message =
    'BGPConfiguration/default has spec.nodeMeshPassword, which this version cannot honour: the mesh is kept down';
  return condition('error', 'unsupported-field', ['BGPConfiguration/default', 'nodeMeshPassword'], message);
}

function unknownNode(peer: BGPPeerResource): Condition {
  const id = `BGPPeer/${peer.metadata.name}`;
  return condition(
    'warning',
    'unknown-node',
    [id],
    `${id} is for node "${peer.spec.node}", which does not exist`,
  );
}

function duplicatePeers(address: IpAddress, documents: readonly Candidate[]): Condition {
  const ids = documents.map(claim => `BGPPeer/${claim.document?.metadata.name}`);
  return condition(
    'warning',
    'duplicate-peer',
    [...new Set(ids)],
    `several BGPPeers lead to ${address}: ${ids[0]} is used, the others are not`,
  );
}
