/** What a family's table asks of a group of peers that are told the same, one path per prefix (`update-group.ts`) or several. */
import type { ExportView } from './export-view.js';
import type { ExportedBlocks } from './exported-blocks.js';
import type { GroupExports } from './group-exports.js';
import type { GroupOutput, Member } from './group-output.js';
import type { Path } from './path-store.js';

/** A path that is told of a prefix, and its path identifier (RFC 7911) if it has one. */
export interface ToldPath {
  readonly path: Path;
  readonly pathId: number | undefined;
}

export interface ExportGroup {
  readonly key: string;
  readonly view: ExportView;
  readonly output: GroupOutput;
  readonly exports: GroupExports;
  readonly blocks: ExportedBlocks;
  fit(capacity: number): void;
  /** A new group takes over what is selected, without telling it: those who join read a snapshot. */
  fill(selected: Int32Array): void;
  /** After a decision of `ids[0, count)`: tells what changed. Hot path. */
  update(ids: Int32Array, count: number, selected: Int32Array): void;
  /** Whether the group tells this member of the prefix. */
  isTold(id: number, member: Member): boolean;
  /** How many paths it tells this member. */
  toldCount(member: Member): number;
  /** Which of a prefix's usable paths it tells this member; `selected` is the best. */
  toldPaths(id: number, member: Member, usable: readonly Path[], selected: number): readonly ToldPath[];
  /** Whether the member is told other things of the prefix than by another group for the same session. */
  differs(id: number, from: ExportGroup, member: Member): boolean;
}
