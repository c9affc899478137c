/**
 * What the headers of the kernel's sets tell of others' doing to ours (pure). A set that is as we know it is compared with how it looked before,
 * one that we have just written with how many members it was given. What does not change its looks, as one member in another's place, is not
 * told.
 */
import type { IpsetHeader } from '../../linux/netlink/ipset.js';
import type { SavedSet } from './saved-sets.js';
import type { SavedSets } from './set-plan.js';

/** So often in a row a set may hold something else than it was given, before the kernel is taken to count otherwise than we do. */
const MOST_MISCOUNTS = 3;

interface Look {
  readonly known: SavedSet;
  readonly fingerprint: string;
  /** So often in a row it did not hold what it had just been given. */
  readonly miscounts: number;
}

export class SetDrift {
  #looks: ReadonlyMap<string, Look> = new Map();

  /**
   * Names of ours that others have changed, each change once.
   *
   * @param known what the kernel's sets are, as far as we know; a set that is another object here has been read or written anew
   */
  compare(known: SavedSets, headers: ReadonlyMap<string, IpsetHeader>): readonly string[] {
    const looks = new Map<string, Look>();
    const changed: string[] = [];
    for (const [name, set] of known) {
      const header = headers.get(name);
      const last = this.#looks.get(name);
      let miscounts = last?.miscounts ?? 0;
      if (header === undefined || header.type !== set.type || header.family !== set.family)
        changed.push(name);
      else if (last?.known === set) {
        if (last.fingerprint !== header.fingerprint) changed.push(name);
      } else {
        const { elements = set.members.size } = header;
        miscounts = elements === set.members.size ? 0 : miscounts + 1;
        if (miscounts > 0 && miscounts <= MOST_MISCOUNTS) changed.push(name);
      }
      if (header !== undefined) looks.set(name, { known: set, fingerprint: header.fingerprint, miscounts });
    }
    this.#looks = looks;
    return changed;
  }
}
