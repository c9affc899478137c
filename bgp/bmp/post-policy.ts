/**
 * What a station is told of peers' routes after policy (RFC 7854 section 5): what it was told of each prefix, and what is to be said so that
 * it knows what holds now. A policy that changes is told as what becomes of routes by it.
 *
 * That takes memory for every path; nobody but stations that ask for it pays.
 */
import type { Prefix } from '../../core/prefix.js';
import { FAMILIES, type Family } from '../family.js';
import type { WalkedPath } from '../rib/contract.js';
import type { TableUpdates } from './table-updates.js';

type Told = Pick<WalkedPath, 'source' | 'pathId' | 'number'>;

export class PostPolicy {
  /** By place of the prefix. */
  readonly #told = new Map<Family, Map<number, readonly Told[]>>(FAMILIES.map(family => [family, new Map()]));
  readonly #isUp: (source: string) => boolean;

  /** @param isUp whether the station knows the peer as up: nothing is said of others */
  constructor(isUp: (source: string) => boolean) {
    this.#isUp = isUp;
  }

  /** What the station does not know yet of a prefix, as {@link PathVisit} shows it. */
  tell(
    family: Family,
    updates: TableUpdates,
    prefix: Prefix,
    paths: readonly WalkedPath[],
    place: number,
  ): void {
    const ofFamily = this.#told.get(family)!;
    const told = ofFamily.get(place) ?? [];
    const now: Told[] = [];
    for (const path of paths) {
      const { source, pathId, number, accepted, stale } = path;
      if (accepted === undefined || stale || !this.#isUp(source)) continue;
      now.push({ source, pathId, number });
      if (find(told, path)?.number !== number) updates.add(prefix, { ...path, attributes: accepted });
    }
    for (const each of told) {
      if (find(now, each) === undefined) updates.withdraw(prefix, each);
    }
    if (now.length > 0) ofFamily.set(place, now);
    else ofFamily.delete(place);
  }

  /** The station has been told that the peer is down, and so that its routes are gone. */
  forget(source: string): void {
    for (const ofFamily of this.#told.values()) {
      for (const [place, told] of ofFamily) {
        const left = told.filter(each => each.source !== source);
        if (left.length === 0) ofFamily.delete(place);
        else if (left.length < told.length) ofFamily.set(place, left);
      }
    }
  }
}

function find(among: readonly Told[], { source, pathId }: Omit<Told, 'number'>): Told | undefined {
  return among.find(each => each.source === source && each.pathId === pathId);
}
