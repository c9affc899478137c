/**
 * The Adj-RIB-Out of all peers with the same export view and policy (RFC 4271 section 3.2): one `sent` column says what the
 * group's log has told of each prefix, whoever has read it so far. A change is packed and encoded once; split horizon is a
 * property of the segment (`Audience`). Hot path.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { RouteDetail } from '../speaker/contract.js';
import type { AdjRibIn } from './adj-rib-in.js';
import type { Audiences } from './audience.js';
import { EVERYONE } from './audience.js';
import type { ExportGroup, ToldPath } from './export-group.js';
import type { ExportView } from './export-view.js';
import { type ExportedBlocks, PER_PREFIX, sameForm } from './exported-blocks.js';
import { type ExportPolicies, GroupExports } from './group-exports.js';
import { GroupOutput, type Member, type OutputSource } from './group-output.js';
import type { OutBuffer } from './out-buffer.js';
import type { OutLog, Segment } from './out-log.js';
import { collectPrefixes } from './out-replay.js';
import type { OutRuns } from './out-runs.js';
import type { Path, PathStore } from './path-store.js';
import type { PendingPrefixes } from './pending-prefixes.js';
import { grownInt32, type PrefixTable } from './prefix-table.js';
import { type MessageForm, type UpdatePacker, withdrawForm } from './update-packer.js';

/** What all groups of a family share. */
export interface GroupContext {
  readonly prefixes: PrefixTable;
  readonly paths: PathStore;
  readonly audiences: Audiences;
  readonly packer: UpdatePacker;
  /** What `packer` writes into. */
  readonly buffer: OutBuffer;
  readonly adjRibIn: AdjRibIn;
  readonly announces: OutRuns;
  readonly withdraws: OutRuns;
  readonly logLimitBytes: number;
  detail(path: Path, id: number): RouteDetail;
  /** Room for more prefixes in every column. */
  reserve(count: number): void;
  /** A prefix is not pending for a slow peer any more, and may be free. */
  offerFree(id: number): void;
}

/** Prefixes of a slow peer packed at a time. */
const PENDING_BATCH = 4096;
const pendingIds = new Int32Array(PENDING_BATCH);

export class UpdateGroup implements ExportGroup, OutputSource {
  readonly key: string;
  readonly output: GroupOutput;
  readonly exports: GroupExports;
  readonly blocks: ExportedBlocks;
  /** By id: number of the exported block last told, 0 for none. */
  sent: Int32Array;
  readonly view: ExportView;
  readonly #context: GroupContext;
  readonly #withdrawForm: MessageForm;
  /** Prefixes told, by audience. */
  readonly #told: number[] = [];
  #transitions: Map<string, Transition> | undefined;

  constructor(key: string, view: ExportView, policies: ExportPolicies, context: GroupContext) {
    this.key = key;
    this.view = view;
    this.#context = context;
    this.exports = new GroupExports(view, policies, context);
    this.blocks = this.exports.blocks;
    this.#withdrawForm = withdrawForm(view.family, view.maxMessageLength);
    this.sent = new Int32Array(context.prefixes.capacity);
    this.output = new GroupOutput(this, context.audiences, context.logLimitBytes);
  }

  fit(capacity: number): void {
    this.sent = grownInt32(this.sent, capacity);
  }

  /** A new group takes over what is selected, without telling it: those who join read a snapshot. */
  fill(selected: Int32Array): void {
    const { end } = this.#context.prefixes;
    for (let id = 1; id < end; id++) {
      const block = this.exports.of(selected[id]!, id);
      if (block === 0) continue;
      this.sent[id] = block;
      this.#count(block, 1);
    }
  }

  /** After a decision: tells what changed of `changed[0, count)`. */
  update(changed: Int32Array, count: number, selected: Int32Array): void {
    const { announces, withdraws } = this.#context;
    const { sent } = this;
    const behind = this.output.behind.size > 0;
    announces.begin(count);
    withdraws.begin(count);
    // Neighbours mostly have the same path: what was found for the last one is kept.
    let lastPath = 0;
    let lastBlock = 0;
    let lastOld = 0;
    let lastAudience = EVERYONE;
    let fresh = 0;
    for (let i = 0; i < count; i++) {
      const id = changed[i]!;
      const path = selected[id]!;
      if (path !== lastPath) {
        this.#count(lastBlock, fresh);
        fresh = 0;
        lastPath = path;
        lastBlock = path === 0 ? 0 : this.exports.ofPath(path);
      }
      const block = lastBlock === PER_PREFIX ? this.exports.ofPrefix(path, id) : lastBlock;
      const old = sent[id]!;
      if (block === old) continue;
      sent[id] = block;
      if (behind) this.output.note(id);
      if (old === 0) {
        announces.add(id, block);
        if (lastBlock === PER_PREFIX) this.#count(block, 1);
        else fresh++;
        continue;
      }
      if (block !== 0) {
        this.#replace(id, old, block);
        continue;
      }
      if (old !== lastOld) {
        lastOld = old;
        lastAudience = this.blocks.at(old).audience;
      }
      withdraws.add(id, lastAudience);
      this.#told[lastAudience]!--;
    }
    this.#count(lastBlock, fresh);
    const { log } = this.output;
    const bytes = log.bytes;
    this.#pack(log);
    this.output.settle(log.bytes - bytes);
  }

  /** One exported block in place of another: if other peers are left out than before, those have to be told as well. */
  #replace(id: number, old: number, block: number): void {
    const before = this.blocks.at(old);
    const after = this.blocks.at(block);
    this.#count(old, -1);
    this.#count(block, 1);
    if (before.audience === after.audience) {
      this.#context.announces.add(id, block);
      return;
    }
    if (sameForm(before.form, after.form)) {
      this.#transition(id, block, after.audience, before.audience);
    } else {
      this.#context.announces.add(id, block);
    }
    if (after.audience !== EVERYONE) this.#transition(id, 0, before.audience, after.audience);
  }

  /** Tells `block` (0: the withdrawal) to those alone whom `only` leaves out and `except` does not. */
  #transition(id: number, block: number, except: number, only: number): void {
    if (only === EVERYONE || !this.#leavesOut(only)) return;
    this.#transitions ??= new Map();
    const key = `${block} ${except} ${only}`;
    let transition = this.#transitions.get(key);
    if (transition === undefined) {
      transition = { block, except, only, ids: [] };
      this.#transitions.set(key, transition);
    }
    transition.ids.push(id);
  }

  #leavesOut(audience: number): boolean {
    const { audiences } = this.#context;
    for (const { source, address } of this.output.members) {
      if (audiences.excludes(audience, source, address)) return true;
    }
    return false;
  }

  #pack(log: OutLog): void {
    const { announces, withdraws, packer } = this.#context;
    for (const audience of withdraws.keys) {
      packer.pack(this.#withdrawForm, withdraws, audience, log, audience, -1);
    }
    for (const number of announces.keys) {
      const block = this.blocks.at(number);
      packer.pack(block.form, announces, number, log, block.audience, -1);
    }
    if (this.#transitions === undefined) return;
    for (const { block, except, only, ids } of this.#transitions.values()) {
      announces.begin(ids.length);
      for (const id of ids) announces.add(id, 1);
      const form = block === 0 ? this.#withdrawForm : this.blocks.at(block).form;
      packer.pack(form, announces, 1, log, except, only);
    }
    this.#transitions = undefined;
  }

  packTable(into: OutLog): void {
    const { announces, withdraws, prefixes } = this.#context;
    const { sent } = this;
    announces.begin(prefixes.size);
    withdraws.begin(0);
    for (let id = 1; id < prefixes.end; id++) if (sent[id] !== 0) announces.add(id, sent[id]!);
    this.#pack(into);
  }

  collectTable(into: PendingPrefixes): void {
    const { end } = this.#context.prefixes;
    for (let id = 1; id < end; id++) if (this.sent[id] !== 0) into.add(id);
  }

  packPending(member: Member, into: OutLog): void {
    const { announces, withdraws } = this.#context;
    const count = member.pending!.take(pendingIds, PENDING_BATCH);
    announces.begin(count);
    withdraws.begin(count);
    for (let i = 0; i < count; i++) {
      const id = pendingIds[i]!;
      if (this.isTold(id, member)) announces.add(id, this.sent[id]!);
      else withdraws.add(id, EVERYONE);
    }
    this.#pack(into);
    for (let i = 0; i < count; i++) this.#context.offerFree(pendingIds[i]!);
  }

  collectPrefixes(segment: Segment, into: PendingPrefixes): void {
    this.#context.reserve(segment.end - segment.start);
    collectPrefixes(segment, this.#context.prefixes, into);
  }

  toldPaths(id: number, member: Member, usable: readonly Path[], selected: number): readonly ToldPath[] {
    const path = usable.find(({ number }) => number === selected);
    return path !== undefined && this.isTold(id, member) ? [{ path, pathId: undefined }] : [];
  }

  differs(id: number, from: ExportGroup, member: Member): boolean {
    const before = from.isTold(id, member);
    if (before !== this.isTold(id, member) || !(from instanceof UpdateGroup)) return true;
    return before && !sameForm(from.blocks.at(from.sent[id]!).form, this.blocks.at(this.sent[id]!).form);
  }

  isTold(id: number, member: { readonly source: number; readonly address: IpAddress }): boolean {
    const block = this.sent[id]!;
    if (block === 0) return false;
    return !this.#context.audiences.excludes(this.blocks.at(block).audience, member.source, member.address);
  }

  toldCount(member: Member): number {
    let count = 0;
    for (const [audience, told] of this.#told.entries()) {
      if (told && !this.#context.audiences.excludes(audience, member.source, member.address)) count += told;
    }
    return count;
  }

  #count(block: number, change: number): void {
    if (block === 0 || change === 0) return;
    const { audience } = this.blocks.at(block);
    while (this.#told.length <= audience) this.#told.push(0);
    this.#told[audience]! += change;
  }
}

interface Transition {
  readonly block: number;
  readonly except: number;
  readonly only: number;
  readonly ids: number[];
}
