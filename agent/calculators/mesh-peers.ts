/**
 * Who this host speaks BGP with: other hosts by the arrangement in force (a mesh of all, or reflectors: `topology.ts`) and whom the BGPPeer
 * documents name, one PeerConfig per remote address (pure).
 *
 * A node has a session per family, as in Calico. Two agents that both say so in their NodeStatus carry both families of the mesh in one.
 *
 * Where several documents lead to one address the most explicit wins: a BGPPeer for this node, then one for every node, then the
 * arrangement; the losers are reported. A node with a `routeReflectorClusterID` is not in it. Our own address is never a peer.
 *
 * Calico makes one side of each mesh session passive, because a restarting BIRD loses graceful restart when its peer dials first.
 * Here both sides dial: collision detection (RFC 4271 section 6.8) settles simultaneous connects, and a new OPEN while the old
 * session still looks Established is taken as the restart it is (RFC 4724 section 5). So a one-way firewall is no obstacle.
 */
import { FAMILIES, type Family } from '../../bgp/family.js';
import type { PeerConfig, RoutePolicy } from '../../bgp/speaker/contract.js';
import type { Asn } from '../../core/asn.js';
import type { IpAddress } from '../../core/ip-address.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type { BGPPeerResource, NodeResource, NodeStatusResource } from '../../core/resources/resource.js';
import { afterChange, type Delta, KeyedOutput, type ResourceChange } from './calculator.js';
import type { Condition } from './condition.js';
import { nodeAddress } from './node-view.js';
import { type Password, type PasswordSource, passwordSource } from './passwords.js';
import { addressFamilies, PeerClaims, slotOf } from './peer-claims.js';
import { duplicatePeers, meshConditions, peerConditions, unknownNode } from './peer-conditions.js';
import { type Candidate, compareCandidates, peerConfig, peerKey } from './peer-config.js';
import { PeerContext, type PeerContextOptions } from './peer-context.js';
import { type CompiledPeer, compilePeer } from './peer-scope.js';
import { TopologyCalculator } from './topology.js';

/** The source of what the arrangement claims; a BGPPeer's is its name. */
const ARRANGED = '';

export class MeshPeersCalculator {
  readonly topology: TopologyCalculator;
  readonly #nodeName: string;
  readonly #context: PeerContext;
  readonly #nodes = new Map<string, NodeResource>();
  readonly #nodesAt = new Map<IpAddress, Set<string>>();
  readonly #statuses = new Map<string, NodeStatusResource>();
  readonly #peers = new Map<string, CompiledPeer>();
  readonly #claims = new PeerClaims();
  readonly #winners = new Map<IpAddress, { readonly key: string; readonly winner: Candidate }>();
  readonly #dirtyNodes = new Set<string>();
  readonly #dirtyPeers = new Set<string>();
  readonly #output = new KeyedOutput<string, PeerConfig>();
  #allDirty = false;

  constructor(options: PeerContextOptions) {
    this.#nodeName = options.nodeName;
    this.#context = new PeerContext(options);
    const { configurations } = this.#context;
    this.topology = new TopologyCalculator(options.nodeName, this.#nodes, configurations);
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
    this.topology.onChange(change);
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
    const rearranged = this.topology.flush();
    const peers = this.#allDirty ? [...this.#peers.keys()] : [...this.#dirtyPeers];
    for (const source of [...this.#claims.sources]) {
      if (source !== ARRANGED && !this.#peers.has(source)) this.#claims.replaceSource(source, new Map());
    }
    for (const name of peers) this.#recomputePeer(name);
    for (const name of this.#allDirty ? this.#knownNodes() : this.#dirtyNodes) this.#recomputeNode(name);
    if (rearranged && !this.#allDirty) for (const name of this.#knownNodes()) this.#rearrange(name);
    if (this.#allDirty) for (const address of this.#claims.addresses) this.#claims.touch(address);
    for (const address of this.#claims.takeDirty()) this.#elect(address);
    this.#dirtyNodes.clear();
    this.#dirtyPeers.clear();
    this.#allDirty = false;
    return this.#output.take();
  }

  /** As of the last flush: sessions that the arrangement has, by their keys; those that a document overrides are not among them. */
  get arranged(): ReadonlyMap<string, Candidate> {
    const found = [...this.#winners.values()].filter(({ winner }) => winner.rank === 'mesh');
    return new Map(found.map(({ key, winner }) => [key, winner]));
  }

  /** As of the last flush: what of the documents is not as its author wants it. */
  get conditions(): readonly Condition[] {
    const isArranged = this.#claims.ofSource(ARRANGED).length > 0;
    const found: Condition[] = isArranged ? meshConditions(this.#context) : [];
    found.push(...this.topology.conditions);
    const own = this.#nodes.get(this.#nodeName);
    for (const peer of this.#peers.values()) {
      const claims = this.#claims.ofSource(peer.name);
      const isOurs = claims.length > 0 || peer.appliesTo(this.#nodeName, own);
      if (isOurs) found.push(...peerConditions(peer.resource, claims, this.#context));
      if (peer.resource.spec.node !== undefined && !this.#nodes.has(peer.resource.spec.node)) {
        found.push(unknownNode(peer.resource));
      }
    }
    for (const address of this.#claims.addresses) {
      const claims = this.#claims.at(address);
      if (claims.length < 2) continue;
      const sorted = claims.toSorted(compareCandidates);
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
      this.#claims.touch(address);
    }
    if (node === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, node);
    for (const address of addressesOf(node)) {
      this.#nodesAt.set(address, (this.#nodesAt.get(address) ?? new Set()).add(name));
      this.#claims.touch(address);
    }
    if (name !== this.#nodeName) this.#dirtyNodes.add(name);
  }

  /** Also those that are gone and still have candidates. */
  #knownNodes(): Set<string> {
    return new Set([...this.#nodes.keys(), ...this.#claims.nodes()]);
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
    this.#claims.replaceSource(name, wanted);
  }

  #recomputeNode(name: string): void {
    this.#rearrange(name);
    for (const peer of this.#peers.values()) {
      if (peer.selectsNodes) this.#claims.replaceNode(peer.name, name, this.#selectedCandidates(peer, name));
    }
  }

  #rearrange(name: string): void {
    this.#claims.replaceNode(ARRANGED, name, this.#arrangedCandidates(name));
  }

  #arrangedCandidates(name: string): readonly Candidate[] {
    const remote = this.#nodes.get(name);
    const session = remote === undefined ? undefined : this.topology.sessionWith(remote);
    if (remote === undefined || session === undefined || this.#context.clusterId !== undefined) return [];
    const towards = this.#towardsNode(remote, 'mesh', undefined).map(one => ({ ...one, session }));
    const [ipv4, ...others] = towards;
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

  // ---------------------------------------------------------------- election

  #elect(address: IpAddress): void {
    const winner = this.#context.isOwnAddress(address)
      ? undefined
      : this.#claims.at(address).toSorted(compareCandidates)[0];
    const key = winner === undefined ? undefined : peerKey(winner);
    const before = this.#winners.get(address)?.key;
    if (before !== undefined && before !== key) {
      this.#output.remove(before);
      this.#winners.delete(address);
    }
    if (winner === undefined || key === undefined) return;
    this.#winners.set(address, { key, winner });
    this.#output.put(key, peerConfig(winner, this.#nodeAt(address), this.#context));
  }

  #nodeAt(address: IpAddress): NodeResource | undefined {
    const [name] = [...(this.#nodesAt.get(address) ?? [])].sort();
    return name === undefined ? undefined : this.#nodes.get(name);
  }
}

function addressesOf(node: NodeResource | undefined): readonly IpAddress[] {
  return addressFamilies.flatMap(family => nodeAddress(node, family)?.address ?? []);
}
