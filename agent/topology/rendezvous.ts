/**
 * Rendezvous hashing (highest random weight) over names (pure): everybody who knows the names comes to the same order, and a name that
 * comes or goes moves nobody who did not have it or would not have it.
 */

/** 0 to 2^32 - 1, evenly spread; the order of the names counts. */
export function weightOf(...names: readonly string[]): number {
  // FNV-1a over UTF-16 units, then MurmurHash3's finaliser: FNV alone leaves names that differ at their end next to each other.
  let hash = 0x811c9dc5;
  for (const name of names) {
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x10000, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The heaviest first. @param salt whose order it is; everybody's own is another one */
export function inOrderOfWeight<T>(things: Iterable<T>, nameOf: (thing: T) => string, salt: string): T[] {
  return [...things]
    .map(thing => ({ thing, name: nameOf(thing), weight: weightOf(salt, nameOf(thing)) }))
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
    .map(({ thing }) => thing);
}
