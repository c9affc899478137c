/**
 * Whose claim stands, where a host's own record and the store disagree (pure).
 *
 * A store may forget: a copy that lagged takes over, a backup is put back. A host then finds in its record what the store does not say, and
 * has to tell two cases apart. Either its claim was given up, by somebody who had the right to, and it missed that: then it yields. Or its
 * claim was forgotten, and the same thing was claimed by another meanwhile: then there are two who rely on it, and the older stays.
 *
 * The chain of claims tells: each one names the one that was given up before it (`after`). A claim that follows ours, directly or by others,
 * was made knowing that ours was over. One that does not was made by somebody who could not see ours.
 */
export interface Claim {
  readonly sequence: number;
  /** The `sequence` of the claim that was given up before this one; 0: none. */
  readonly after: number;
  readonly unixMs: number;
  /** Decides between claims of the same moment. */
  readonly name: string;
}

export type Precedence =
  /** They are one. */
  | 'same'
  /** Theirs was made after ours was given up. */
  | 'theirs-follows'
  /** Ours was made after theirs was given up. */
  | 'ours-follows'
  /** Neither knew of the other. */
  | 'ours-older'
  | 'theirs-older';

export function precedence(ours: Claim, theirs: Claim): Precedence {
  if (ours.sequence === theirs.sequence && ours.name === theirs.name) return 'same';
  if (theirs.after >= ours.sequence) return 'theirs-follows';
  if (ours.after >= theirs.sequence) return 'ours-follows';
  if (ours.unixMs !== theirs.unixMs) return ours.unixMs < theirs.unixMs ? 'ours-older' : 'theirs-older';
  return ours.name <= theirs.name ? 'ours-older' : 'theirs-older';
}

export function isOurs(found: Precedence): boolean {
  return found === 'same' || found === 'ours-follows' || found === 'ours-older';
}
