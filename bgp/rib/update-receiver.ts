/**
 * From an UPDATE to the Adj-RIBs-In (RFC 4271 sections 6.3 and 9, RFC 4760, RFC 7606). Hot path for what nearly every message is:
 * IPv4 prefixes with the attributes of the message before. A run of those is one announcement.
 *
 * Nothing of a message is applied before all of it has been judged, but for withdrawals of a well-formed field.
 */
import { addressFamily } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import { AttributeType, CeaseError, ErrorCode, UpdateError } from '../iana.js';
import type { AttributeContext } from '../wire/attributes/entry.js';
import { type AttributeProblem, fatalProblem, strongestDisposition } from '../wire/attributes/problems.js';
import { HEADER_LENGTH } from '../wire/framer.js';
import { BgpMessageError } from '../wire/message-error.js';
import { invalidNetworkField, PATH_ID_LENGTH } from '../wire/nlri.js';
import { readU16, viewOf } from '../wire/reader.js';
import { newUpdateFields, scanUpdate } from '../wire/update.js';
import { MAX_PATHS_PER_PREFIX } from './adj-rib-in.js';
import { type AttributeBlock, type AttributeStore, isBlock, missingFrom } from './attribute-store.js';
import type { ReceivedUpdates, UpdateOutcome } from './contract.js';
import type { FamilyTable } from './family-table.js';
import {
  cutMultiprotocol,
  hasMultiprotocol,
  type MultiprotocolBlock,
  type NlriField,
} from './multiprotocol.js';
import { readPathNlri } from './path-nlri.js';
import type { PathStore } from './path-store.js';
import { type PathPolicy, policyForPath, type Ruling, rulingOn } from './policy.js';
import { receivedDetail, undecided } from './route-detail.js';
import type { Session } from './sources.js';

const ok: UpdateOutcome = { kind: 'ok' };
const endOfRib = {
  'ipv4-unicast': { kind: 'end-of-rib', family: 'ipv4-unicast' },
  'ipv6-unicast': { kind: 'end-of-rib', family: 'ipv6-unicast' },
} as const satisfies Record<Family, UpdateOutcome>;

/** As many prefixes as the longest message (RFC 8654) can carry. */
const ids = new Int32Array(65536);
const runIds = new Int32Array(65536);
const fields = newUpdateFields();
/** Of `ids`, where the session has them. */
const pathIds = new Int32Array(65536);

export class UpdateReceiver {
  readonly #tables: Readonly<Record<Family, FamilyTable>>;
  readonly #ipv4: FamilyTable;
  readonly #blocks: AttributeStore;
  readonly #paths: PathStore;

  constructor(tables: Readonly<Record<Family, FamilyTable>>, blocks: AttributeStore, paths: PathStore) {
    this.#tables = tables;
    this.#ipv4 = tables['ipv4-unicast'];
    this.#blocks = blocks;
    this.#paths = paths;
  }

  /** As {@link Rib.receiveUpdates}. */
  receive(session: Session, buffer: Uint8Array, start: number, end: number): ReceivedUpdates {
    try {
      for (let at = start; at < end; ) {
        at = this.#announceRun(session, buffer, at, end);
        if (at === end) break;
        const next = at + readU16(buffer, at + 16);
        const outcome = this.#receive(session, buffer, at, next);
        if (outcome.kind !== 'ok') return { outcome, next };
        at = next;
      }
    } catch (error) {
      if (!(error instanceof BgpMessageError)) throw error;
      const { code, subcode, data, message } = error;
      return { outcome: { kind: 'error', code, subcode, data, detail: message }, next: end };
    }
    return { outcome: ok, next: end };
  }

  #receive(session: Session, buffer: Uint8Array, start: number, end: number): UpdateOutcome {
    scanUpdate(buffer, start, end, fields);
    const { withdrawnStart, withdrawnEnd, attributesStart, attributesEnd } = fields;
    if (withdrawnEnd > withdrawnStart) {
      this.#withdraw(session, buffer, { family: 'ipv4-unicast', start: withdrawnStart, end: withdrawnEnd });
    }
    const length = attributesEnd - attributesStart;
    if (length === 0 && attributesEnd === end) {
      return withdrawnEnd === withdrawnStart ? endOfRib['ipv4-unicast'] : ok;
    }
    return this.#receiveBlock(session, buffer, attributesStart, attributesEnd, end);
  }

  /**
   * The messages from `start` on that announce IPv4 prefixes with the path of the message before and do nothing else. Returns where they
   * end: `start` if there is none.
   */
  #announceRun(session: Session, buffer: Uint8Array, start: number, end: number): number {
    const block = session.lastBlock;
    if (block === undefined) return start;
    const view = viewOf(buffer);
    const shift = buffer.byteOffset;
    const table = this.#ipv4;
    const { prefixes } = table;
    const { length } = block;
    let hint = session.hints['ipv4-unicast'];
    let count = 0;
    let at = start;
    while (at < end) {
      const next = at + view.getUint16(shift + at + 16);
      const attributes = at + HEADER_LENGTH + 4;
      const nlri = attributes + length;
      // No octets of withdrawn routes and as many of attributes as the block has.
      if (nlri >= next || view.getInt32(shift + attributes - 4) !== length) break;
      if (!isBlock(block, view, shift + attributes, length) || count + next - nlri > ids.length) break;
      table.reserve(next - nlri);
      const read = prefixes.readNlri(buffer, nlri, next, ids, count, hint, true);
      if (read < 0) {
        this.#announceAgain(session, count);
        this.#forsake(table, count, count + ~read);
        throw invalidNetworkField();
      }
      count += read;
      hint = ids[count - 1]! + 1;
      at = next;
    }
    this.#announceAgain(session, count);
    return at;
  }

  /** `ids[0, count)` with the path of the message before. */
  #announceAgain(session: Session, count: number): void {
    if (count === 0) return;
    session.hints['ipv4-unicast'] = ids[count - 1]! + 1;
    this.#ipv4.adjRibIn.announce(ids, count, session.lastPath!);
  }

  /** `ids[from, to)` were read of a field that is malformed: those that nobody has a path to are to be forgotten. */
  #forsake({ dirty }: FamilyTable, from: number, to: number): void {
    for (let i = from; i < to; i++) dirty.add(ids[i]!);
  }

  /** A block that is not the one of the message before, or not only of IPv4. */
  #receiveBlock(session: Session, buffer: Uint8Array, from: number, to: number, end: number): UpdateOutcome {
    const nlri = to < end ? ({ family: 'ipv4-unicast', start: to, end } as const) : undefined;
    const cut = hasMultiprotocol(buffer, from, to) ? cutMultiprotocol(buffer, from, to, false) : undefined;
    const context: AttributeContext = {
      fourOctetAs: session.peer!.fourOctetAs,
      ibgp: session.kind === 'ibgp',
      extendedNextHop: session.peer!.extendedNextHop,
    };
    const block =
      cut === undefined
        ? this.#blocks.intern(buffer, from, to, context)
        : this.#blocks.intern(cut.bytes, 0, cut.bytes.length, context);
    try {
      if (cut !== undefined) return this.#receiveMultiprotocol(session, buffer, from, to, block, cut, nlri);
      const problems = nlri === undefined ? block.problems : this.#judge(session, block, true);
      const announce = () => {
        if (nlri !== undefined) this.#announce(session, block, buffer, nlri);
      };
      if (problems.length > 0) return this.#repair(session, buffer, problems, [nlri], announce);
      announce();
      return ok;
    } finally {
      if (block.references === 0) this.#blocks.release(block);
    }
  }

  #receiveMultiprotocol(
    session: Session,
    buffer: Uint8Array,
    from: number,
    to: number,
    block: AttributeBlock,
    cut: MultiprotocolBlock,
    nlri: NlriField | undefined,
  ): UpdateOutcome {
    const { reach, unreach } = cut;
    const emptyUnreach = unreach !== undefined && unreach.start === unreach.end;
    if (cut.unreachOnly && emptyUnreach && nlri === undefined && block.problems.length === 0) {
      return unreach.family === undefined ? ok : endOfRib[unreach.family];
    }
    const announces = nlri !== undefined || (reach !== undefined && reach.start < reach.end);
    const problems = announces ? this.#judge(session, block, nlri !== undefined, reach) : block.problems;
    const whole = problems.map(problem => withWholeAttribute(problem, buffer, cut));
    this.#throwFatal(whole, announces);
    if (unreach !== undefined) this.#withdraw(session, buffer, unreach);
    const announce = () => {
      if (nlri !== undefined) {
        // The next hop of the NLRI field is NEXT_HOP's, whatever MP_REACH_NLRI says.
        const own = cutMultiprotocol(buffer, from, to, true).bytes;
        const ownBlock = this.#blocks.intern(own, 0, own.length, block.context);
        this.#announce(session, ownBlock, buffer, nlri);
        if (ownBlock.references === 0) this.#blocks.release(ownBlock);
      }
      if (reach !== undefined) this.#announce(session, block, buffer, reach);
    };
    if (problems.length > 0) return this.#repair(session, buffer, problems, [nlri, reach], announce);
    announce();
    return ok;
  }

  /** What is wrong with a block that announces routes. */
  #judge(
    session: Session,
    block: AttributeBlock,
    nlri: boolean,
    reach?: NlriField | undefined,
  ): readonly AttributeProblem[] {
    const problems = [...block.problems, ...missingFrom(block, nlri)];
    // RFC 4271 section 6.3: an external peer stands first in the paths it sends.
    const { asn, enforceFirstAs } = session.peer!;
    if (session.kind === 'ebgp' && enforceFirstAs && block.attributes.asPath && block.peerAs !== asn) {
      problems.push(
        withdrawFor(AttributeType.asPath, UpdateError.malformedAsPath, 'first AS is not the peer'),
      );
    }
    if (reach?.family !== undefined && !isNextHopFor(reach.family, block, session.peer!.extendedNextHop)) {
      const { invalidNextHop } = UpdateError;
      problems.push(withdrawFor(AttributeType.mpReachNlri, invalidNextHop, 'next hop of MP_REACH_NLRI'));
    }
    return problems;
  }

  /** RFC 7606 section 2. */
  #repair(
    session: Session,
    buffer: Uint8Array,
    problems: readonly AttributeProblem[],
    announced: readonly (NlriField | undefined)[],
    announce: () => void,
  ): UpdateOutcome {
    const announces = announced.some(field => field !== undefined && field.start < field.end);
    this.#throwFatal(problems, announces);
    const withdraws = strongestDisposition(problems) === 'treat-as-withdraw';
    let treatedAsWithdraw = 0;
    if (!withdraws) announce();
    for (const field of withdraws ? announced : []) {
      if (field !== undefined) treatedAsWithdraw += this.#withdraw(session, buffer, field);
    }
    return {
      kind: 'repaired',
      treatedAsWithdraw,
      attributesDiscarded: problems.filter(({ disposition }) => disposition === 'attribute-discard').length,
      detail: problems.map(({ detail }) => detail).join('; '),
    };
  }

  #throwFatal(problems: readonly AttributeProblem[], announces: boolean): void {
    const fatal = fatalProblem(problems, announces);
    if (fatal !== undefined) {
      throw new BgpMessageError(ErrorCode.update, fatal.subcode, fatal.data, fatal.detail);
    }
  }

  /** Returns how many prefixes the field has. Of a family that was not negotiated they are of no account. */
  #withdraw(session: Session, buffer: Uint8Array, field: NlriField): number {
    const { family, start, end } = field;
    if (family === undefined || !session.carries[family]) return 0;
    const table = this.#tables[family];
    if (session.pathIds[family]) return this.#withdrawPaths(session, table, buffer, field);
    const count = table.prefixes.readNlri(buffer, start, end, ids, 0, session.hints[family], false);
    if (count < 0) throw malformedNlri(buffer, field);
    if (count > 0) session.hints[family] = ids[count - 1]! + 1;
    table.adjRibIn.withdraw(ids, count, session.source.index);
    return countNlri(buffer, start, end, 0);
  }

  /** RFC 7911 section 3: each by its identifier. */
  #withdrawPaths(session: Session, table: FamilyTable, buffer: Uint8Array, field: NlriField): number {
    const { start, end } = field;
    const count = readPathNlri(table.prefixes, buffer, start, end, ids, pathIds, false);
    if (count < 0) throw malformedNlri(buffer, field);
    for (let i = 0; i < count; i++) table.adjRibIn.withdrawPath(ids[i]!, pathIds[i]!, session.source.index);
    return countNlri(buffer, start, end, PATH_ID_LENGTH);
  }

  #announce(session: Session, block: AttributeBlock, buffer: Uint8Array, field: NlriField): void {
    const { family, start, end } = field;
    if (family === undefined || !session.carries[family]) return;
    const table = this.#tables[family];
    table.reserve(end - start);
    if (session.pathIds[family]) {
      this.#announcePaths(session, block, table, buffer, field);
      return;
    }
    const count = table.prefixes.readNlri(buffer, start, end, ids, 0, session.hints[family], true);
    if (count < 0) {
      this.#forsake(table, 0, ~count);
      throw malformedNlri(buffer, field);
    }
    if (count === 0) return;
    session.hints[family] = ids[count - 1]! + 1;
    const policy = policyForPath(session.importPolicy, () => this.#paths.factsOf(session, block));
    if (policy.kind !== 'constant') {
      this.#announceByPolicy(session, block, table, policy, count);
      return;
    }
    const path = this.#paths.of(session, block, policy.ruling);
    table.adjRibIn.announce(ids, count, path);
    if (family === 'ipv4-unicast' && block.problems.length === 0 && block.attributes.mpReach === undefined) {
      session.lastBlock = block;
      session.lastPath = path;
    }
  }

  /** RFC 7911 section 3: each under its identifier, in place of what stood there. */
  #announcePaths(
    session: Session,
    block: AttributeBlock,
    table: FamilyTable,
    buffer: Uint8Array,
    field: NlriField,
  ): void {
    const { prefixes, adjRibIn, family } = table;
    const count = readPathNlri(prefixes, buffer, field.start, field.end, ids, pathIds, true);
    if (count < 0) {
      this.#forsake(table, 0, ~count);
      throw malformedNlri(buffer, field);
    }
    const policy = policyForPath(session.importPolicy, () => this.#paths.factsOf(session, block));
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const detail = () => receivedDetail(session, block, prefixes.prefix(id), family, undecided);
      const path = this.#paths.of(session, block, rulingOn(policy, prefixes, id, detail));
      if (adjRibIn.announcePath(id, pathIds[i]!, path)) continue;
      this.#forsake(table, i, count);
      throw tooManyPaths(prefixes.prefix(id));
    }
  }

  /** Prefix by prefix; those in a row of which the same is said go together. */
  #announceByPolicy(
    session: Session,
    block: AttributeBlock,
    table: FamilyTable,
    policy: PathPolicy,
    count: number,
  ): void {
    let last: Ruling | undefined;
    let run = 0;
    const announceRun = () => {
      if (last !== undefined) table.adjRibIn.announce(runIds, run, this.#paths.of(session, block, last));
      run = 0;
    };
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const prefix = () => table.prefixes.prefix(id);
      const detail = () => receivedDetail(session, block, prefix(), table.family, undecided);
      const ruling = rulingOn(policy, table.prefixes, id, detail);
      if (ruling !== last) announceRun();
      last = ruling;
      runIds[run++] = id;
    }
    announceRun();
  }
}

/** RFC 4271 section 6.3; in a multiprotocol attribute, RFC 4760 section 7. */
function malformedNlri(buffer: Uint8Array, { attribute, end }: NlriField): BgpMessageError {
  if (attribute === undefined) return invalidNetworkField();
  const data = buffer.slice(attribute, end);
  const detail = 'a prefix in a multiprotocol attribute is malformed';
  return new BgpMessageError(ErrorCode.update, UpdateError.optionalAttributeError, data, detail);
}

/** RFC 4760 section 7: a NOTIFICATION carries the attribute as it came, with the prefixes that were cut out. */
function withWholeAttribute(
  problem: AttributeProblem,
  buffer: Uint8Array,
  { reach, unreach }: MultiprotocolBlock,
): AttributeProblem {
  const field =
    problem.type === AttributeType.mpReachNlri
      ? reach
      : problem.type === AttributeType.mpUnreachNlri
        ? unreach
        : undefined;
  if (field?.attribute === undefined || problem.data.length === 0) return problem;
  return { ...problem, data: buffer.slice(field.attribute, field.end) };
}

/** RFC 4486: what a peer could fill our memory and time with. */
function tooManyPaths(prefix: Prefix): BgpMessageError {
  const detail = `more than ${MAX_PATHS_PER_PREFIX} paths to ${prefix}`;
  return new BgpMessageError(ErrorCode.cease, CeaseError.outOfResources, new Uint8Array(0), detail);
}

function withdrawFor(type: number, subcode: number, detail: string): AttributeProblem {
  return { type, disposition: 'treat-as-withdraw', subcode, data: new Uint8Array(0), detail };
}

/** An address of a host, of the family of the prefixes or, where that was negotiated, an IPv6 one (RFC 8950). */
function isNextHopFor(family: Family, { nextHop }: AttributeBlock, extended: boolean): boolean {
  if (nextHop === undefined) return false;
  if (addressFamily(nextHop) === 'ipv6') {
    return (family === 'ipv6-unicast' || extended) && nextHop !== '::' && !nextHop.startsWith('ff');
  }
  const first = Number.parseInt(nextHop, 10);
  return family === 'ipv4-unicast' && first !== 0 && first < 224;
}

/** Prefixes in a well-formed field, `skip` octets in front of each. */
function countNlri(buffer: Uint8Array, start: number, end: number, skip: number): number {
  let count = 0;
  for (let at = start + skip; at < end; at += 1 + ((buffer[at]! + 7) >>> 3) + skip) count++;
  return count;
}
