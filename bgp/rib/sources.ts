/**
 * Where paths come from. A source is a peer by its key and outlives its sessions; a session is one Established period. Paths
 * belong to a session, so that after a loss they are stale without being touched (RFC 4724 section 4.2), and a path of the next
 * session replaces one of the last because both have the same source.
 */
import type { Family } from '../family.js';
import type { AttributeBlock } from './attribute-store.js';
import type { PeerIndex, RibPeer } from './contract.js';
import type { Path } from './path-store.js';
import { accepted, type CompiledPolicy, compilePolicy } from './policy.js';

/** The source of our own routes. */
export const OWN_SOURCE = 0;

export interface Source {
  readonly index: PeerIndex;
  readonly key: string;
  /** The Established session. */
  session: Session | undefined;
  /**
   * Those before that still have paths: stale ones of a session that was lost, and of the present one what it told before a refresh
   * (RFC 7313), at whose beginning a new one takes over, so that what was not told again is known by its session.
   */
  former: readonly Session[];
}

export interface FamilyCounts {
  received: number;
  /** Received, passed by the import policy and the checks that never change (AS loop, ORIGINATOR_ID, CLUSTER_LIST). */
  accepted: number;
}

export interface Session {
  readonly source: Source;
  /** `undefined` for our own routes. Replaced when its policies change. */
  peer: RibPeer | undefined;
  readonly kind: 'own' | 'ibgp' | 'ebgp';
  importPolicy: CompiledPolicy;
  stale: boolean;
  /** RFC 7313: families of which the peer has begun to tell its table again since; what it told here is gone at the end of that. */
  readonly outdated: Record<Family, boolean>;
  /** Families the session carries. */
  readonly carries: Readonly<Record<Family, boolean>>;
  /** RFC 7911: families in which the peer tells its paths apart by identifiers. */
  readonly pathIds: Readonly<Record<Family, boolean>>;
  readonly counts: Readonly<Record<Family, FamilyCounts>>;
  /** Its paths, and the octets of their attributes as they were received. */
  attributeSets: number;
  attributeBytes: number;
  /** The id the next prefix probably has, by family. */
  readonly hints: Record<Family, number>;
  /** Attributes mostly repeat: the last block and its path. */
  lastBlock: AttributeBlock | undefined;
  lastPath: Path | undefined;
  /** By received block the first of its paths. */
  readonly paths: Map<AttributeBlock, Path>;
}

export function newSession(source: Source, peer: RibPeer | undefined): Session {
  const kind = peer === undefined ? 'own' : peer.asn === peer.localAsn ? 'ibgp' : 'ebgp';
  return {
    source,
    peer,
    kind,
    importPolicy:
      peer === undefined ? { kind: 'constant', ruling: accepted } : compilePolicy(peer.importPolicy, 'peers'),
    stale: false,
    outdated: { 'ipv4-unicast': false, 'ipv6-unicast': false },
    carries: {
      'ipv4-unicast': peer?.families.includes('ipv4-unicast') ?? true,
      'ipv6-unicast': peer?.families.includes('ipv6-unicast') ?? true,
    },
    pathIds: {
      'ipv4-unicast': peer?.addPath.receive.includes('ipv4-unicast') ?? false,
      'ipv6-unicast': peer?.addPath.receive.includes('ipv6-unicast') ?? false,
    },
    counts: {
      'ipv4-unicast': { received: 0, accepted: 0 },
      'ipv6-unicast': { received: 0, accepted: 0 },
    },
    attributeSets: 0,
    attributeBytes: 0,
    hints: { 'ipv4-unicast': 0, 'ipv6-unicast': 0 },
    lastBlock: undefined,
    lastPath: undefined,
    paths: new Map(),
  };
}

/** The present one, if there is one, and those before. */
export function sessionsOf({ session, former }: Source): readonly Session[] {
  return session === undefined ? former : [session, ...former];
}

/** All sources by index and key. An index is given out again only when nothing can refer to it any more. */
export class Sources {
  readonly own: Source = { index: OWN_SOURCE, key: 'own', session: undefined, former: [] };
  readonly #byIndex: (Source | undefined)[] = [this.own];
  readonly #byKey = new Map<string, Source>();
  /** Without session or stale paths; their indexes still stand in output that was not decided anew. */
  readonly #leaving = new Set<Source>();

  at(index: PeerIndex): Source | undefined {
    return this.#byIndex[index];
  }

  byKey(key: string): Source | undefined {
    return this.#byKey.get(key);
  }

  /** The peers that have a session or stale paths. */
  peers(): RibPeer[] {
    const peers: RibPeer[] = [];
    for (const { session, former } of this.#byKey.values()) {
      const peer = session?.peer ?? former[0]?.peer;
      if (peer !== undefined) peers.push(peer);
    }
    return peers;
  }

  /** The source of a key, known or new. */
  enter(key: string): Source {
    let source = this.#byKey.get(key);
    if (source === undefined) {
      let index = 1;
      while (this.#byIndex[index] !== undefined) index++;
      source = { index, key, session: undefined, former: [] };
      this.#byIndex[index] = source;
      this.#byKey.set(key, source);
    }
    this.#leaving.delete(source);
    return source;
  }

  /** Notes that a source may go at the next quiet point. */
  leave(source: Source): void {
    if (source.session === undefined && source.former.length === 0) this.#leaving.add(source);
  }

  /** Sessions with routes, live and stale. */
  *sessions(): Generator<Session> {
    for (const source of this.#byKey.values()) {
      yield* sessionsOf(source);
    }
  }

  /** Nothing is left undecided: forgets the sources that left. */
  release(): void {
    for (const source of this.#leaving) {
      this.#byIndex[source.index] = undefined;
      this.#byKey.delete(source.key);
    }
    this.#leaving.clear();
  }
}
