/**
 * Who this host speaks BGP with: the node-to-node mesh and the BGPPeer documents, one PeerConfig per remote address (pure).
 *
 * A node has a session per family, as in Calico. Two agents that both say so in their NodeStatus carry both families of the mesh in one.
 *
 * Where several documents lead to one address the most explicit wins: a BGPPeer for this node, then one for every node, then the
 * mesh; the losers are reported. A node with a `routeReflectorClusterID` is not in the mesh. Our own address is never a peer.
 *
 * Calico makes one side of each mesh session passive, because a restarting BIRD loses graceful restart when its peer dials first.
 * Here both sides dial: collision detection (RFC 4271 section 6.8) settles simultaneous connects, and a new OPEN while the old
 * session still looks Established is taken as the restart it is (RFC 4724 section 5). So a one-way firewall is no obstacle.
 */
import { FAMILIES, type Family } from '../../bgp/family.js';
import type { PeerConfig, RoutePolicy } from '../../bgp/speaker/contract.js';
import type { Asn } from '../../core/asn.js';
import { type AddressFamily, addressFamily, type IpAddress } from '../../core/ip-address.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type { BGPPeerResource, NodeResource, NodeStatusResource } from '../../core/resources/resource.js';
import { afterChange, type Delta, KeyedOutput, type ResourceChange } from './calculator.js';
import type { Condition } from './condition.js';
import { nodeAddress } from './node-view.js';
import { type Password, type PasswordSource, passwordSource } from './passwords.js';
import { duplicatePeers, meshConditions, peerConditions, unknownNode } from './peer-conditions.js';
import { type Candidate, compareCandidates, peerConfig, peerKey } from './peer-config.js';
import { PeerContext, type PeerContextOptions } from './peer-context.js';
import { type CompiledPeer, compilePeer } from './peer-scope.js';

const MESH = '';

export class MeshPeersCalculator {
  readonly #nodeName: string;
  readonly #context: PeerContext;
  readonly #nodes = new Map<string, NodeResource>();
  readonly #nodesAt = new Map<IpAddress, Set<string>>();
  readonly #statuses = new Map<string, NodeStatusResource>();
  readonly #peers = new Map<string, CompiledPeer>();
  /** By source (BGPPeer name, or {@link MESH}) and {@link slotOf} the remote node ('' for a plain peerIP). */
  readonly #candidates = new Map<string, Map<string, Candidate>>();
  readonly #byAddress = new Map<IpAddress, Map<string, Candidate>>();
  readonly #keyOfAddress = new Map<IpAddress, string>();
  readonly #dirtyNodes = new Set<string>();
  readonly #dirtyPeers = new Set<string>();
  readonly #dirtyAddresses = new Set<IpAddress>();
  readonly #output = new KeyedOutput<string, PeerConfig>();
  #allDirty = false;

  constructor(options: PeerContextOptions) {
    this.#nodeName = options.nodeName;
    this.#context = new PeerContext(options);
  }

  /** This host's addresses with the interfaces that have them, and of each interface its link-local one. */
  setInterfaces(
    interfaces: ReadonlyMap<IpAddress, string>,
    linkLocals: ReadonlyMap<string, IpAddress>,
  ): void {
    this.#context.interfaces = interfaces;
    this.#context.linkLocals = linkLocals;
    this.#allDirty = true;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (this.#context.onChange(change)) this.#allDirty = true;
    switch (id.kind) {
      case 'Node':
        this.#setNode(id.name, resource?.kind === 'Node' ? resource : undefined);
        return;
      case 'NodeStatus':
        if (resource?.kind === 'NodeStatus') this.#statuses.set(id.name, resource);
        else this.#statuses.delete(id.name);
        this.#dirtyNodes.add(id.name);
        return;
      case 'BGPPeer':
        if (resource?.kind === 'BGPPeer') this.#peers.set(id.name, compilePeer(resource));
        else this.#peers.delete(id.name);
        this.#dirtyPeers.add(id.name);
        return;
      default:
    }
  }

  /** What every peer is told of our routes; the {@link ExportPolicyCalculator} knows. */
  setExportPolicy(policy: RoutePolicy): void {
    this.#context.exportPolicy = policy;
    this.#allDirty = true;
  }

  /** What was found where documents say that passwords are to be found on this host. */
  setHostPasswords(found: ReadonlyMap<string, Password>): void {
    this.#context.passwords.setHost(found);
    this.#allDirty = true;
  }

  /** Of every document, whether it is for this host or not. */
  get passwordSources(): readonly PasswordSource[] {
    const ofPeers = [...this.#peers.values()].map(({ resource }) =>
      passwordSource(resource.spec.password, sessionOptionsOf(resource)),
    );
    return [this.#context.meshPasswordSource, ...ofPeers].filter(source => source !== undefined);
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

  /** As of the last flush: what of the documents is not as its author wants it. */
  get conditions(): readonly Condition[] {
    const found: Condition[] = this.#candidates.has(MESH) ? meshConditions(this.#context) : [];
    const own = this.#nodes.get(this.#nodeName);
    for (const peer of this.#peers.values()) {
      const claims = [...(this.#candidates.get(peer.name)?.values() ?? [])];
      const isOurs = claims.length > 0 || peer.appliesTo(this.#nodeName, own);
      if (isOurs) found.push(...peerConditions(peer.resource, claims, this.#context));
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

  // ---------------------------------------------------------------- candidates

  #setNode(name: string, node: NodeResource | undefined): void {
    for (const address of addressesOf(this.#nodes.get(name))) {
      const names = this.#nodesAt.get(address);
      names?.delete(name);
      if (names?.size === 0) this.#nodesAt.delete(address);
      this.#dirtyAddresses.add(address);
    }
    if (node === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, node);
    for (const address of addressesOf(node)) {
      this.#nodesAt.set(address, (this.#nodesAt.get(address) ?? new Set()).add(name));
      this.#dirtyAddresses.add(address);
    }
    if (name !== this.#nodeName) this.#dirtyNodes.add(name);
  }

  /** Every known node and every one that still has candidates. */
  #goneNodes(known: readonly string[]): Set<string> {
    const names = new Set(known);
    for (const candidates of this.#candidates.values()) {
      for (const slot of candidates.keys()) if (slot !== '') names.add(nodeOfSlot(slot));
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
        for (const candidate of this.#selectedCandidates(peer, node))
          wanted.set(slotOf(candidate, node), candidate);
      }
    }
    this.#replaceSource(name, wanted);
  }

  #recomputeNode(name: string): void {
    this.#replaceNode(MESH, name, this.#meshCandidates(name));
    for (const peer of this.#peers.values()) {
      if (peer.selectsNodes) this.#replaceNode(peer.name, name, this.#selectedCandidates(peer, name));
    }
  }

  #meshCandidates(name: string): readonly Candidate[] {
    const own = this.#nodes.get(this.#nodeName);
    const remote = this.#nodes.get(name);
    if (own === undefined || remote === undefined || name === this.#nodeName) return [];
    if (!this.#context.meshIsOn) return [];
    if (this.#context.clusterId !== undefined || isReflector(remote)) return [];
    const [ipv4, ...others] = this.#towardsNode(remote, 'mesh', undefined);
    const both = others.length > 0 && this.#carriesBoth(name);
    return ipv4 === undefined ? [] : both ? [{ ...ipv4, families: FAMILIES }] : [ipv4, ...others];
  }

  /** It says that its end of a session of the mesh takes both families. We do, if we have an address of either. */
  #carriesBoth(name: string): boolean {
    const carried = this.#statuses.get(name)?.spec.meshFamilies ?? [];
    return carried.length === 2 && this.#context.ownAddress('ipv4') !== undefined;
  }

  /** A BGPPeer with an address of its own. */
  #plainCandidate(peer: CompiledPeer): Candidate | undefined {
    const own = this.#nodes.get(this.#nodeName);
    if (peer.address === undefined || !peer.appliesTo(this.#nodeName, own)) return undefined;
    const asn = peer.resource.spec.asNumber;
    if (asn === undefined) return undefined;
    const { address, port } = peer.address;
    return { rank: peer.rank, address, port, asn, families: [], name: peer.name, document: peer.resource };
  }

  /** A BGPPeer with a peerSelector: we select the node, or (reverse peering) the node selects us. */
  #selectedCandidates(peer: CompiledPeer, name: string): readonly Candidate[] {
    const own = this.#nodes.get(this.#nodeName);
    const remote = this.#nodes.get(name);
    if (own === undefined || remote === undefined || name === this.#nodeName) return [];
    const forwards = peer.appliesTo(this.#nodeName, own) && peer.selects(remote);
    const backwards =
      peer.resource.spec.reversePeering !== 'Manual' && peer.selects(own) && peer.appliesTo(name, remote);
    return forwards || backwards ? this.#towardsNode(remote, peer.rank, peer.resource) : [];
  }

  /** One for each family that the node has an address of; IPv6 where this host has one, too. */
  #towardsNode(
    remote: NodeResource,
    rank: Candidate['rank'],
    document: BGPPeerResource | undefined,
  ): readonly Candidate[] {
    const { name } = remote.metadata;
    const { configurations } = this.#context;
    const asn: Asn = configurations.asn(remote, name);
    const port = configurations.listenPort(name);
    const towards = (address: IpAddress, family: Family): Candidate => {
      return { rank, address, port, asn, families: [family], name, document };
    };
    const [ipv4, ipv6] = [nodeAddress(remote)?.address, nodeAddress(remote, 'ipv6')?.address];
    const hasIpv6 = this.#context.ownAddress('ipv6') !== undefined;
    return [
      ...(ipv4 === undefined ? [] : [towards(ipv4, 'ipv4-unicast')]),
      ...(ipv6 === undefined || !hasIpv6 ? [] : [towards(ipv6, 'ipv6-unicast')]),
    ];
  }

  #replaceNode(source: string, name: string, candidates: readonly Candidate[]): void {
    for (const family of addressFamilies) {
      const slot = `${family} ${name}`;
      this.#replaceOne(
        source,
        slot,
        candidates.find(candidate => slotOf(candidate, name) === slot),
      );
    }
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
    const winner = this.#context.isOwnAddress(address)
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
    this.#output.put(key, peerConfig(winner, this.#nodeAt(address), this.#context));
  }

  #nodeAt(address: IpAddress): NodeResource | undefined {
    const [name] = [...(this.#nodesAt.get(address) ?? [])].sort();
    return name === undefined ? undefined : this.#nodes.get(name);
  }
}

const addressFamilies: readonly AddressFamily[] = ['ipv4', 'ipv6'];

function slotOf({ address }: Candidate, nodeName: string): string {
  return `${addressFamily(address)} ${nodeName}`;
}

function nodeOfSlot(slot: string): string {
  return slot.slice(slot.indexOf(' ') + 1);
}

function addressesOf(node: NodeResource | undefined): readonly IpAddress[] {
  return addressFamilies.flatMap(family => nodeAddress(node, family)?.address ?? []);
}

function isReflector(node: NodeResource): boolean {
  return node.spec.bgp?.routeReflectorClusterID !== undefined;
}
