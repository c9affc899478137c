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
import { countAsn } from '../wire/attributes/as-path.js';
import type { AttributeBlock, AttributeStore } from './attribute-store.js';
import type { NextHop, NextHops } from './next-hops.js';
import { grownUint8, grownUint16 } from './prefix-table.js';
import type { Session } from './sources.js';

/** Why a path may not be used; the first that holds. */
export type Refusal =
  | 'as-loop'
  | 'own-originator-id'
  | 'own-cluster-id'
  | 'import-policy'
  /** Its only next hop is a link-local address, and the peer is not known to be on a link of ours. */
  | 'link-local-next-hop'
  | 'next-hop-is-ours'
  | 'next-hop-unreachable';

export interface Path {
  readonly number: number;
  readonly session: Session;
  readonly block: AttributeBlock;
  /** `undefined` for our own routes. */
  readonly nextHop: NextHop | undefined;
  /** What the import policy and the loop checks found: it never changes. */
  readonly refusal: Refusal | undefined;
  /** RFC 4456: it is reflected to everyone. */
  readonly fromClient: boolean;
  /** RFC 4456 section 9: ORIGINATOR_ID stands in for the router id. Unsigned. */
  readonly routerId: number;
  /** Prefixes whose Adj-RIB-In holds it. */
  references: number;
  /** Made when the best-route consumer first hears of it. */
  nextHopSet: NextHopSet | undefined;
}

export class PathStore {
  readonly #blocks: AttributeStore;
  readonly #nextHops: NextHops;
  readonly #asn: Asn;
  readonly #routerId: number;
  /** Ours as a route reflector; paths made before a change of it have to be made anew. */
  clusterId: number;
  readonly #paths: (Path | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  #unused: Path[] = [];
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
    this.#asn = asn;
    this.#routerId = ipv4ToNumber(routerId);
    this.clusterId = ipv4ToNumber(clusterId);
  }

  at(number: number): Path {
    return this.#paths[number]!;
  }

  /** The path of a block from a session; `accepted` is the import policy's word. */
  of(session: Session, block: AttributeBlock, accepted: boolean): Path {
    let pair = session.paths.get(block);
    if (pair === undefined) {
      pair = {};
      session.paths.set(block, pair);
    }
    const known = accepted ? pair.accepted : pair.rejected;
    if (known !== undefined) return known;
    const path = this.#newPath(session, block, accepted);
    if (accepted) pair.accepted = path;
    else pair.rejected = path;
    return path;
  }

  #newPath(session: Session, block: AttributeBlock, accepted: boolean): Path {
    const number = this.#freeNumbers.pop() ?? this.#paths.length;
    const { peer } = session;
    const path: Path = {
      number,
      session,
      block,
      nextHop: this.#nextHopOf(session, block),
      refusal: this.#refusalOf(session, block) ?? (accepted ? undefined : 'import-policy'),
      fromClient: session.kind === 'ibgp' && peer?.routeReflectorClient === true,
      routerId: block.attributes.originatorId ?? (peer === undefined ? 0 : ipv4ToNumber(peer.remoteRouterId)),
      references: 0,
      nextHopSet: undefined,
    };
    this.#paths[number] = path;
    if (number >= this.usable.length) {
      this.usable = grownUint8(this.usable, 2 * number);
      this.sources = grownUint16(this.sources, 2 * number);
    }
    this.sources[number] = session.source.index;
    block.references++;
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

  /** RFC 4271 section 9.1.2 and RFC 4456 section 8: routes that went round in a circle. */
  #refusalOf(session: Session, { attributes, nextHop, linkLocal }: AttributeBlock): Refusal | undefined {
    const { peer } = session;
    if (peer === undefined) return undefined;
    if (linkLocal !== undefined && nextHop === linkLocal && peer.interface === undefined) {
      return 'link-local-next-hop';
    }
    const asPath = attributes.asPath ?? [];
    if (countAsn(asPath, this.#asn) > 0 || countAsn(asPath, peer.localAsn) > 0) return 'as-loop';
    if (attributes.originatorId === this.#routerId) return 'own-originator-id';
    return attributes.clusterList?.includes(this.clusterId) === true ? 'own-cluster-id' : undefined;
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
    const { session, block } = path;
    const pair = session.paths.get(block);
    if (pair?.accepted === path) pair.accepted = undefined;
    if (pair?.rejected === path) pair.rejected = undefined;
    if (pair?.accepted === undefined && pair?.rejected === undefined) session.paths.delete(block);
    if (session.lastPath === path) {
      session.lastPath = undefined;
      session.lastBlock = undefined;
    }
    if (path.nextHop !== undefined) this.#nextHops.release(path.nextHop);
    if (--block.references === 0) this.#blocks.release(block);
    this.#paths[path.number] = undefined;
    this.usable[path.number] = 0;
    this.#freeNumbers.push(path.number);
  }
}

/** Why a path may not be selected at this moment. */
export function refusalNow(path: Path): Refusal | undefined {
  if (path.refusal !== undefined) return path.refusal;
  if (path.nextHop === undefined) return undefined;
  if (path.nextHop.ours) return 'next-hop-is-ours';
  return path.nextHop.reachable ? undefined : 'next-hop-unreachable';
}
