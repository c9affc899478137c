/**
 * What was rendered of a part before, as long as the part and the settings are the same objects: what a host enforces is never changed in
 * place. The same part gives the same rules then, by identity, and who compares them need not look into them.
 */
const memory = new WeakMap<object, WeakMap<object, Map<string, unknown>>>();

/** @param key what of the part: of every `make` for one part and one key the results are equal */
export function remembered<T>(settings: object, part: object, key: string, make: () => T): T {
  const ofSettings = within(memory, settings, () => new WeakMap<object, Map<string, unknown>>());
  const ofPart = within(ofSettings, part, () => new Map<string, unknown>());
  if (!ofPart.has(key)) ofPart.set(key, make());
  return ofPart.get(key) as T;
}

/** What was made for a part that may be gone from what is enforced now; undefined: nothing. */
export function recalled<T>(settings: object, part: object, key: string): T | undefined {
  return memory.get(settings)?.get(part)?.get(key) as T | undefined;
}

function within<T>(map: WeakMap<object, T>, key: object, make: () => T): T {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
