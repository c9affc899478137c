/**
 * The octets of an exported path, made from the octets that were received: most attributes are copied, few are changed, and
 * nothing in between is built. Hot path where many distinct attributes come in; `exportPath` with `encodeAttributes` is the slow
 * and obvious way, which takes over whatever this one declines: other families and next hops of them, 2-octet AS numbers on either
 * side, multiprotocol attributes, blocks that had problems or hold communities that are not to go on as they are, roles, and peers
 * that are told so as we go.
 */
import { addressFamily, type Ipv4Address, ipv4ToNumber } from '../../core/ip-address.js';
import { AsPathSegmentType, AttributeFlag, AttributeType, MessageType, WellKnownCommunity } from '../iana.js';
import { hasPrivateAsn } from '../wire/attributes/as-path.js';
import { attributeByType } from '../wire/attributes/table.js';
import { HEADER_LENGTH } from '../wire/framer.js';
import { type AttributeBlock, DEFAULT_LOCAL_PREF } from './attribute-store.js';
import { type ExportView, exportedNextHop, isTransitive } from './export-view.js';
import type { Path } from './path-store.js';
import { isReflected, mayAdvertise } from './reflection.js';

/** Blocks up to this length are taken; the message has room for what is added. */
const MAX_BLOCK = 3600;
const ATTRIBUTES = HEADER_LENGTH + 4;
const { optional, transitive, partial, extendedLength } = AttributeFlag;
const OPTIONAL_TRANSITIVE = optional | transitive;

export class ExportEncoder {
  /** The message up to its NLRI, `length` octets; message and attribute lengths are the caller's. */
  readonly message = new Uint8Array(4096);
  length = 0;
  readonly #source = new Uint8Array(MAX_BLOCK + 4);
  readonly #view: ExportView;
  readonly #localAddress: number;
  #nextHop = 0;

  constructor(view: ExportView) {
    this.#view = view;
    const { localAddress } = view;
    this.#localAddress =
      addressFamily(localAddress) === 'ipv4' ? ipv4ToNumber(localAddress as Ipv4Address) : 0;
    this.message.fill(0xff, 0, 16);
    this.message[18] = MessageType.update;
  }

  /** True if `message` holds the path; false if it is not exported; undefined if it is declined. */
  encode(path: Path): boolean | undefined {
    const { block, session } = path;
    const view = this.#view;
    const { fourOctetAs } = block.context;
    if (view.family !== 'ipv4-unicast' || !view.fourOctetAs || !fourOctetAs) return undefined;
    if (block.length > MAX_BLOCK || block.problems.length > 0 || view.gracefulShutdown) return undefined;
    if (view.role !== undefined) return undefined;
    if (view.removePrivateAsns && hasPrivateAsn(block.attributes.asPath ?? [])) return undefined;
    if (view.kind === 'ebgp' && block.attributes.extendedCommunities?.every(isTransitive) === false)
      return undefined;
    if (!mayAdvertise(session.kind, view.kind, view.toClient || path.fromClient)) return false;
    const nextHop = exportedNextHop(path, view);
    if (nextHop === undefined) return false;
    if (view.extendedNextHop && addressFamily(nextHop) === 'ipv6') return undefined;
    this.#nextHop = nextHop === view.localAddress ? this.#localAddress : ipv4ToNumber(nextHop as Ipv4Address);
    this.#expand(block.words);
    return this.#copy(path, block, session.kind);
  }

  #expand(words: Int32Array): void {
    const source = this.#source;
    for (let i = 0, at = 0; i < words.length; i++, at += 4) {
      const word = words[i]!;
      source[at] = word >>> 24;
      source[at + 1] = word >>> 16;
      source[at + 2] = word >>> 8;
      source[at + 3] = word;
    }
  }

  /** The attributes one after another, those that are missing in their places by type. */
  #copy(path: Path, block: AttributeBlock, from: Path['session']['kind']): boolean | undefined {
    const end = block.length;
    const source = this.#source;
    const external = this.#view.kind === 'ebgp';
    const reflected = isReflected(from, this.#view.kind);
    this.length = ATTRIBUTES;
    let nextHopDone = false;
    // One that comes late, out of the order of types, is not missing.
    let localPrefDone = external || block.attributes.localPref !== undefined;
    let originatorDone = !reflected;
    let clusterListDone = !reflected || block.attributes.clusterList !== undefined;
    for (let at = 0; at < end; ) {
      const header = (source[at]! & extendedLength) === 0 ? 3 : 4;
      const type = source[at + 1]!;
      const value = at + header;
      const next = value + (header === 3 ? source[at + 2]! : (source[at + 2]! << 8) | source[at + 3]!);
      if (!nextHopDone && type >= AttributeType.nextHop) {
        this.#number(AttributeType.nextHop, this.#nextHop);
        nextHopDone = true;
      }
      if (!localPrefDone && type >= AttributeType.localPref) {
        this.#number(AttributeType.localPref, DEFAULT_LOCAL_PREF);
        localPrefDone = true;
      }
      if (!originatorDone && type >= AttributeType.originatorId) {
        this.#number(AttributeType.originatorId, path.routerId, optional);
        originatorDone = true;
      }
      if (!clusterListDone && type > AttributeType.clusterList) {
        this.#number(AttributeType.clusterList, this.#view.clusterId, optional);
        clusterListDone = true;
      }
      switch (type) {
        case AttributeType.mpReachNlri:
        case AttributeType.mpUnreachNlri:
          return undefined;
        case AttributeType.nextHop:
          break;
        case AttributeType.asPath:
          if (external) this.#prepend(value, next);
          else this.#attribute(at, next);
          break;
        case AttributeType.multiExitDisc:
          if (!external || from === 'own') this.#attribute(at, next);
          break;
        case AttributeType.localPref:
          if (!external) this.#attribute(at, next);
          break;
        case AttributeType.originatorId:
          // Written above; only what is reflected has it, from inside the AS as it is.
          break;
        case AttributeType.clusterList:
          if (reflected) this.#prependCluster(value, next);
          break;
        case AttributeType.communities:
          if (from !== 'own' && !this.#communitiesAllow(value, next, external)) return false;
          this.#attribute(at, next);
          break;
        case AttributeType.largeCommunities:
          // RFC 8092 section 3: what was repeated is not to go on so.
          if (next - value !== 12 * (block.attributes.largeCommunities?.length ?? 0)) return undefined;
          this.#attribute(at, next);
          break;
        default:
          this.#passOn(at, next, type);
      }
      at = next;
    }
    if (!nextHopDone) this.#number(AttributeType.nextHop, this.#nextHop);
    if (!localPrefDone) this.#number(AttributeType.localPref, DEFAULT_LOCAL_PREF);
    if (!originatorDone) this.#number(AttributeType.originatorId, path.routerId, optional);
    if (!clusterListDone) this.#number(AttributeType.clusterList, this.#view.clusterId, optional);
    return true;
  }

  /** RFC 4271 section 4.3: the unused flags are zero in what we send, and so is Partial but for optional transitive attributes. */
  #attribute(at: number, next: number): void {
    const start = this.length;
    this.#append(at, next);
    const flags = this.#source[at]!;
    this.message[start] = flags & ((flags & OPTIONAL_TRANSITIVE) === OPTIONAL_TRANSITIVE ? 0xf0 : 0xd0);
  }

  #append(start: number, end: number): void {
    const { message } = this;
    let to = this.length;
    for (let at = start; at < end; at++) message[to++] = this.#source[at]!;
    this.length = to;
  }

  /** RFC 4271 section 5: an unknown attribute goes on with Partial set if it is transitive. */
  #passOn(at: number, next: number, type: number): void {
    const known = attributeByType[type] !== undefined;
    if (!known && (this.#source[at]! & transitive) === 0) return;
    const start = this.length;
    this.#attribute(at, next);
    if (!known) this.message[start]! |= partial;
  }

  #number(type: number, value: number, flags: number = transitive): void {
    const { message } = this;
    const at = this.length;
    message[at] = flags;
    message[at + 1] = type;
    message[at + 2] = 4;
    this.length = at + 3;
    this.#word(value);
  }

  #word(value: number): void {
    const { message } = this;
    const at = this.length;
    message[at] = value >>> 24;
    message[at + 1] = value >>> 16;
    message[at + 2] = value >>> 8;
    message[at + 3] = value;
    this.length = at + 4;
  }

  /** RFC 4456 section 8. */
  #prependCluster(value: number, next: number): void {
    const { message } = this;
    const length = next - value + 4;
    let at = this.length;
    message[at++] = length > 255 ? optional | extendedLength : optional;
    message[at++] = AttributeType.clusterList;
    if (length > 255) message[at++] = length >>> 8;
    message[at++] = length;
    this.length = at;
    this.#word(this.#view.clusterId);
    this.#append(value, next);
  }

  /** RFC 4271 section 5.1.2 b: into a leading AS_SEQUENCE if it has room, in front of anything else as a new one. */
  #prepend(value: number, next: number): void {
    const { message } = this;
    const source = this.#source;
    const joins = next > value && source[value] === AsPathSegmentType.asSequence && source[value + 1]! < 255;
    const length = next - value + (joins ? 4 : 6);
    let at = this.length;
    message[at++] = length > 255 ? transitive | extendedLength : transitive;
    message[at++] = AttributeType.asPath;
    if (length > 255) message[at++] = length >>> 8;
    message[at++] = length;
    message[at++] = AsPathSegmentType.asSequence;
    message[at++] = joins ? source[value + 1]! + 1 : 1;
    this.length = at;
    this.#word(this.#view.localAsn);
    this.#append(joins ? value + 2 : value, next);
  }

  /** RFC 1997, RFC 9494. */
  #communitiesAllow(value: number, next: number, external: boolean): boolean {
    const source = this.#source;
    for (let at = value; at < next; at += 4) {
      // All of the well-known ones that matter begin with these octets.
      if (source[at] !== 0xff || source[at + 1] !== 0xff) continue;
      const community = 0xffff0000 + ((source[at + 2]! << 8) | source[at + 3]!);
      if (community === WellKnownCommunity.noAdvertise) return false;
      if (community === WellKnownCommunity.llgrStale && !this.#view.takesLongLived) return false;
      if (!external) continue;
      if (community === WellKnownCommunity.noExport) return false;
      if (community === WellKnownCommunity.noExportSubconfed) return false;
    }
    return true;
  }
}
