/**
 * The Adj-RIB-Out of all peers with the same export view and policy that take several paths to a prefix (RFC 7911): the best ones that
 * may be told, in the order of the decision process, each under a path identifier. A peer is not told its own among them. Beside
 * `update-group.ts`, whose one path per prefix costs a look at a column: here the paths of a prefix are gone through at each change.
 */
import { EVERYONE } from './audience.js';
import { selectBest } from './decision.js';
import type { ExportGroup, ToldPath } from './export-group.js';
import type { ExportView } from './export-view.js';
import { sameForm } from './exported-blocks.js';
import { type ExportPolicies, GroupExports } from './group-exports.js';
import { GroupOutput, type Member, type OutputSource } from './group-output.js';
import { keepUsable } from './loc-rib.js';
import type { OutLog, Segment } from './out-log.js';
import { collectPrefixes } from './out-replay.js';
import { OutRuns } from './out-runs.js';
import { PathNlri, routeOf } from './path-nlri.js';
import type { Path } from './path-store.js';
import type { PendingPrefixes } from './pending-prefixes.js';
import { ToldPaths } from './told-paths.js';
import type { GroupContext } from './update-group.js';
import { type MessageForm, UpdatePacker, withdrawForm } from './update-packer.js';

/** Prefixes packed at a time. */
const BATCH = 1024;
const batch = new Int32Array(BATCH);

export class AddPathGroup implements ExportGroup, OutputSource {
  readonly key: string;
  readonly view: ExportView;
  readonly output: GroupOutput;
  readonly exports: GroupExports;
  readonly #context: GroupContext;
  readonly #told: ToldPaths;
  readonly #withdrawForm: MessageForm;
  readonly #packer: UpdatePacker;
  readonly #announces = new OutRuns();
  readonly #withdraws = new OutRuns();
  /** To be told to those alone whom one audience leaves out and another does not. */
  readonly #transitions = new Map<string, Transition>();
  /** Paths told, by audience. */
  readonly #counts: number[] = [];
  readonly #candidates: Path[] = [];
  readonly #blocks: number[] = [];

  constructor(key: string, view: ExportView, policies: ExportPolicies, context: GroupContext) {
    this.key = key;
    this.view = view;
    this.#context = context;
    this.#withdrawForm = withdrawForm(view.family, view.maxMessageLength);
    this.#packer = new UpdatePacker(new PathNlri(context.prefixes), context.buffer);
    this.exports = new GroupExports(view, policies, context);
    this.#told = new ToldPaths(context.prefixes.capacity, block => this.#audienceOf(block));
    this.output = new GroupOutput(this, context.audiences, context.logLimitBytes);
  }

  get blocks() {
    return this.exports.blocks;
  }

  fit(capacity: number): void {
    this.#told.fit(capacity);
  }

  fill(selected: Int32Array): void {
    const { end } = this.#context.prefixes;
    for (let id = 1; id < end; id++) {
      if (selected[id] !== 0) this.#told.set(id, this.#bestOf(id, selected), this.#recount);
    }
  }

  update(decided: Int32Array, count: number, selected: Int32Array): void {
    const { log } = this.output;
    const bytes = log.bytes;
    for (let from = 0; from < count; from += BATCH) {
      const to = Math.min(count, from + BATCH);
      this.#begin();
      for (let i = from; i < to; i++) {
        const id = decided[i]!;
        this.#told.set(id, this.#bestOf(id, selected), this.#tell);
      }
      this.#pack(log);
    }
    this.output.settle(log.bytes - bytes);
  }

  /** The blocks of the best paths that may be told, none where none is selected. */
  #bestOf(id: number, selected: Int32Array): readonly number[] {
    const candidates = this.#candidates;
    const blocks = this.#blocks;
    candidates.length = 0;
    blocks.length = 0;
    if (selected[id] === 0) return blocks;
    this.#context.adjRibIn.collect(id, candidates);
    keepUsable(candidates, this.#context.paths, this.#context.adjRibIn);
    while (candidates.length > 0 && blocks.length < this.view.paths) {
      const best = selectBest(candidates);
      candidates.splice(candidates.indexOf(best), 1);
      const block = this.exports.of(best.number, id);
      if (block !== 0 && !blocks.includes(block)) blocks.push(block);
    }
    return blocks;
  }

  readonly #recount = (_id: number, _pathId: number, before: number, after: number): void => {
    if (before !== 0) this.#count(before, -1);
    if (after !== 0) this.#count(after, 1);
  };

  /** Another block under an identifier: if other peers are left out than before, those have to be told as well. */
  readonly #tell = (id: number, pathId: number, before: number, after: number): void => {
    this.#recount(id, pathId, before, after);
    if (this.output.behind.size > 0) this.output.note(id);
    const route = routeOf(id, pathId);
    if (after === 0) {
      this.#withdraws.add(route, this.#audienceOf(before));
      return;
    }
    if (before === 0) {
      this.#announces.add(route, after);
      return;
    }
    const was = this.#audienceOf(before);
    const is = this.#audienceOf(after);
    const same = was !== is && sameForm(this.blocks.at(before).form, this.blocks.at(after).form);
    if (!same) this.#announces.add(route, after);
    else this.#transition(route, after, is, was);
    if (was !== is) this.#transition(route, 0, was, is);
  };

  #transition(route: number, block: number, except: number, only: number): void {
    if (only === EVERYONE) return;
    const key = `${block} ${except} ${only}`;
    const transition = this.#transitions.get(key) ?? { block, except, only, routes: [] };
    this.#transitions.set(key, transition);
    transition.routes.push(route);
  }

  #audienceOf(block: number): number {
    return this.blocks.at(block).audience;
  }

  #count(block: number, change: number): void {
    const audience = this.#audienceOf(block);
    this.#counts[audience] = (this.#counts[audience] ?? 0) + change;
  }

  #begin(): void {
    this.#announces.begin(BATCH * this.#most);
    this.#withdraws.begin(BATCH * this.#most);
  }

  /** Most routes of one prefix at a time. */
  get #most(): number {
    return Math.max(this.view.paths, this.#told.highest);
  }

  #pack(log: OutLog): void {
    const packer = this.#packer;
    for (const audience of this.#withdraws.keys) {
      packer.pack(this.#withdrawForm, this.#withdraws, audience, log, audience, -1);
    }
    for (const number of this.#announces.keys) {
      const { form, audience } = this.blocks.at(number);
      packer.pack(form, this.#announces, number, log, audience, -1);
    }
    for (const { routes, block, except, only } of this.#transitions.values()) {
      this.#announces.begin(routes.length);
      for (const route of routes) this.#announces.add(route, 1);
      const form = block === 0 ? this.#withdrawForm : this.blocks.at(block).form;
      packer.pack(form, this.#announces, 1, log, except, only);
    }
    this.#transitions.clear();
  }

  // -------------------------------------------------------------- for its output

  packTable(into: OutLog): void {
    const { end } = this.#context.prefixes;
    for (let from = 1; from < end; from += BATCH) {
      this.#begin();
      for (let id = from; id < Math.min(end, from + BATCH); id++) {
        for (let pathId = 1; pathId <= this.#told.highest; pathId++) {
          const block = this.#told.at(id, pathId);
          if (block !== 0) this.#announces.add(routeOf(id, pathId), block);
        }
      }
      this.#pack(into);
    }
  }

  collectTable(into: PendingPrefixes): void {
    const { end } = this.#context.prefixes;
    for (let id = 1; id < end; id++) {
      for (let pathId = 1; pathId <= this.#told.highest; pathId++) {
        if (this.#told.at(id, pathId) !== 0) into.add(id);
      }
    }
  }

  /** Identifiers that mean nothing now are withdrawn whether the peer knows of them or not. */
  packPending(member: Member, into: OutLog): void {
    const count = member.pending!.take(batch, BATCH);
    const highest = Math.max(this.#told.highest, member.highestPathId);
    this.#announces.begin(count * highest);
    this.#withdraws.begin(count * highest);
    for (let i = 0; i < count; i++) {
      for (let pathId = 1; pathId <= highest; pathId++) {
        const block = this.#told.at(batch[i]!, pathId);
        const route = routeOf(batch[i]!, pathId);
        if (this.#isFor(block, member)) this.#announces.add(route, block);
        else this.#withdraws.add(route, EVERYONE);
      }
    }
    this.#pack(into);
    for (let i = 0; i < count; i++) this.#context.offerFree(batch[i]!);
  }

  collectPrefixes(segment: Segment, into: PendingPrefixes): void {
    this.#context.reserve(segment.end - segment.start);
    collectPrefixes(segment, this.#context.prefixes, into, true);
  }

  // -------------------------------------------------------------- what a member is told

  #isFor(block: number, { source, address }: Member): boolean {
    return block !== 0 && !this.#context.audiences.excludes(this.#audienceOf(block), source, address);
  }

  isTold(id: number, member: Member): boolean {
    for (let pathId = 1; pathId <= this.#told.highest; pathId++) {
      if (this.#isFor(this.#told.at(id, pathId), member)) return true;
    }
    return false;
  }

  toldCount({ source, address }: Member): number {
    let count = 0;
    for (const [audience, told] of this.#counts.entries()) {
      if (told && !this.#context.audiences.excludes(audience, source, address)) count += told;
    }
    return count;
  }

  toldPaths(id: number, member: Member, usable: readonly Path[]): readonly ToldPath[] {
    const told: ToldPath[] = [];
    for (let pathId = 1; pathId <= this.#told.highest; pathId++) {
      const block = this.#told.at(id, pathId);
      const path = usable.find(each => this.exports.of(each.number, id) === block);
      if (path !== undefined && this.#isFor(block, member)) told.push({ path, pathId });
    }
    return told;
  }

  /** The identifiers of the group before are of no use here where they mean another path. */
  differs(id: number, from: ExportGroup, member: Member): boolean {
    if (!(from instanceof AddPathGroup)) return from.isTold(id, member) || this.isTold(id, member);
    for (let pathId = 1; pathId <= Math.max(this.#told.highest, from.#told.highest); pathId++) {
      const before = from.#told.at(id, pathId);
      const after = this.#told.at(id, pathId);
      const wasTold = from.#isFor(before, member);
      if (wasTold !== this.#isFor(after, member)) return true;
      if (wasTold && !sameForm(from.blocks.at(before).form, this.blocks.at(after).form)) return true;
    }
    return false;
  }

  /** The highest path identifier that a member may know. */
  highestPathId(member: Member): number {
    return Math.max(this.#told.highest, member.highestPathId);
  }
}

interface Transition {
  readonly routes: number[];
  /** 0: the withdrawal. */
  readonly block: number;
  readonly except: number;
  readonly only: number;
}
