/**
 * A path is one attribute block from one session; every prefix announced with it refers to it by number. What can be said of a
 * path without its prefix is said here, once: whether it may be used, and why not.
 *
 * A number is given out again only at a quiet point (see `release`): then every prefix has been decided, so that a selected path
 * is one that still stands in the Adj-RIB-In and its reference counts.
 */
import type { Asn } from '../../core/asn.js';
import { type Ipv4Address, ipv4ToNumber, zonedAddress } from '../../core/ip-address.js';
import type { NextHopSet } from '../speaker/contract.js';
import type { AttributeBlock, AttributeStore } from './attribute-store.js';
import { changedOnImport, type ReceivedRefusal, refusalOf, type Self } from './import.js';
import type { NextHop, NextHops } from './next-hops.js';
import type { Ruling } from './policy.js';
import type { PathFacts } from './policy-conditions.js';
import { grownUint8, grownUint16 } from './prefix-table.js';
import type { Session } from './sources.js';

/** Why a path may not be used; the first that holds. */
export type Refusal = ReceivedRefusal | 'import-policy' | 'next-hop-is-ours' | 'next-hop-unreachable';

export interface Path {
  readonly number: number;
  readonly session: Session;
  /** As it is decided upon and told. */
  readonly block: AttributeBlock;
  /** As the peer sent it: the same, unless it is changed on import. */
  readonly received: AttributeBlock;
  /** The import policy's word, by its key. */
  readonly ruling: string;
  /** `undefined` for our own routes. */
  readonly nextHop: NextHop | undefined;
  /** What the import policy, the loop and the leak checks found: it never changes. */
  readonly refusal: Refusal | undefined;
  /** RFC 4456: it is reflected to everyone. */
  readonly fromClient: boolean;
  /** RFC 4456 section 9: ORIGINATOR_ID stands in for the router id. Unsigned. */
  readonly routerId: number;
  /** Prefixes whose Adj-RIB-In holds it. */
  references: number;
  /** Made when the best-route consumer first hears of it. */
  nextHopSet: NextHopSet | undefined;
  /** Another one of the same session and received block. */
  sibling: Path | undefined;
}

export class PathStore {
  readonly #blocks: AttributeStore;
  readonly #nextHops: NextHops;
  #self: Self;
  readonly #paths: (Path | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  #unused: Path[] = [];
  /** All paths, and the octets of their attributes as they were received: what is about to be freed is still among them. */
  attributeSets = 0;
  attributeBytes = 0;
  /** By path number, for hot loops: 1 if it may be selected; the source. */
  usable = new Uint8Array(1024);
  sources = new Uint16Array(1024);

  constructor(
    blocks: AttributeStore,
    nextHops: NextHops,
    asn: Asn,
    routerId: Ipv4Address,
    clusterId = routerId,
  ) {
    this.#blocks = blocks;
    this.#nextHops = nextHops;
    this.#self = { asn, routerId: ipv4ToNumber(routerId), clusterId: ipv4ToNumber(clusterId) };
  }

  /** Ours as a route reflector; paths made before a change of it have to be made anew. */
  get clusterId(): number {
    return this.#self.clusterId;
  }

  set clusterId(clusterId: number) {
    this.#self = { ...this.#self, clusterId };
  }

  at(number: number): Path {
    return this.#paths[number]!;
  }

  /** The path of a block from a session, with what the import policy says of it. */
  of(session: Session, received: AttributeBlock, ruling: Ruling): Path {
    const first = session.paths.get(received);
    for (let path = first; path !== undefined; path = path.sibling) {
      if (path.ruling === ruling.key) return path;
    }
    const path = this.#newPath(session, received, ruling, first);
    session.paths.set(received, path);
    return path;
  }

  #newPath(session: Session, received: AttributeBlock, ruling: Ruling, sibling: Path | undefined): Path {
    const number = this.#freeNumbers.pop() ?? this.#paths.length;
    const { peer } = session;
    const refusal = peer === undefined ? undefined : refusalOf(peer, received, this.#self);
    const changed =
      peer === undefined || refusal !== undefined || !ruling.accept
        ? undefined
        : changedOnImport(peer, received, ruling.operations);
    const block = changed === undefined ? received : this.#blocks.make(changed);
    const path: Path = {
      number,
      session,
      block,
      received,
      ruling: ruling.key,
      nextHop: this.#nextHopOf(session, block),
      refusal: refusal ?? (ruling.accept ? undefined : 'import-policy'),
      fromClient: session.kind === 'ibgp' && peer?.routeReflectorClient === true,
      routerId: block.attributes.originatorId ?? (peer === undefined ? 0 : ipv4ToNumber(peer.remoteRouterId)),
      references: 0,
      nextHopSet: undefined,
      sibling,
    };
    this.#paths[number] = path;
    if (number >= this.usable.length) {
      this.usable = grownUint8(this.usable, 2 * number);
      this.sources = grownUint16(this.sources, 2 * number);
    }
    this.sources[number] = session.source.index;
    session.attributeSets++;
    session.attributeBytes += received.length;
    this.attributeSets++;
    this.attributeBytes += received.length;
    received.references++;
    if (block !== received) block.references++;
    if (path.nextHop !== undefined) this.#nextHops.acquire(path.nextHop);
    this.judge(path);
    // Until a prefix takes it, it is one that may go.
    this.#unused.push(path);
    return path;
  }

  /** Where packets would go: a link-local address on the interface it came over, if the peer is on it (RFC 2545 section 3). */
  #nextHopOf({ peer }: Session, { nextHop, linkLocal }: AttributeBlock): NextHop | undefined {
    if (peer === undefined || nextHop === undefined) return undefined;
    const onLink = linkLocal !== undefined && peer.interface !== undefined;
    return this.#nextHops.of(onLink ? zonedAddress(linkLocal, peer.interface) : nextHop);
  }

  /** What a policy is told of a block from a session. */
  factsOf(session: Session, block: AttributeBlock): PathFacts {
    return {
      kind: session.kind,
      peer: session.peer?.key,
      attributes: block.attributes,
      localPref: block.localPref,
      interface: this.#nextHopOf(session, block)?.interface,
    };
  }

  /** Says anew whether the path may be selected; true if that changed. */
  judge(path: Path): boolean {
    const usable = refusalNow(path) === undefined ? 1 : 0;
    const changed = this.usable[path.number] !== usable;
    this.usable[path.number] = usable;
    return changed;
  }

  /** Every path that is in use or was until lately. */
  *all(): Generator<Path> {
    for (const path of this.#paths) if (path !== undefined) yield path;
  }

  /** A prefix of the Adj-RIB-In lets go of the path. Hot path. */
  drop(path: Path): void {
    if (--path.references === 0) this.#unused.push(path);
  }

  /** Everything is decided: frees the paths that no prefix holds, each after `forget` has been told. */
  release(forget: (path: Path) => void): void {
    if (this.#unused.length === 0) return;
    const unused = this.#unused;
    this.#unused = [];
    for (const path of unused) {
      if (path.references > 0 || this.#paths[path.number] !== path) continue;
      forget(path);
      this.#free(path);
    }
  }

  #free(path: Path): void {
    const { session, block, received } = path;
    unlink(path);
    session.attributeSets--;
    session.attributeBytes -= received.length;
    this.attributeSets--;
    this.attributeBytes -= received.length;
    if (session.lastPath === path) {
      session.lastPath = undefined;
      session.lastBlock = undefined;
    }
    if (path.nextHop !== undefined) this.#nextHops.release(path.nextHop);
    if (--received.references === 0) this.#blocks.release(received);
    if (block !== received && --block.references === 0) this.#blocks.release(block);
    this.#paths[path.number] = undefined;
    this.usable[path.number] = 0;
    this.#freeNumbers.push(path.number);
  }
}

/** Out of its session's list, if it still stands there. */
function unlink(path: Path): void {
  const { paths } = path.session;
  const first = paths.get(path.received);
  if (first === path) {
    if (path.sibling === undefined) paths.delete(path.received);
    else paths.set(path.received, path.sibling);
    return;
  }
  for (let at = first; at !== undefined; at = at.sibling) {
    if (at.sibling === path) at.sibling = path.sibling;
  }
}

/** Why a path may not be selected at this moment. */
export function refusalNow(path: Path): Refusal | undefined {
  if (path.refusal !== undefined) return path.refusal;
  if (path.nextHop === undefined) return undefined;
  if (path.nextHop.ours) return 'next-hop-is-ours';
  return path.nextHop.reachable ? undefined : 'next-hop-unreachable';
}
