/**
 * The newest of each of several streams, once all have told something, and again whenever one tells something new. Ends with the first
 * that ends.
 */
export async function* latest<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<readonly T[]> {
  const iterators = streams.map(stream => stream[Symbol.asyncIterator]());
  const ask = async (i: number) => ({ i, result: await iterators[i]!.next() });
  const asked = iterators.map((_, i) => ask(i));
  const newest = new Map<number, T>();
  try {
    for (;;) {
      const { i, result } = await Promise.race(asked);
      if (result.done === true) return;
      newest.set(i, result.value);
      asked[i] = ask(i);
      if (newest.size === streams.length) yield iterators.map((_, each) => newest.get(each) as T);
    }
  } finally {
    // Not waited for: one that is asked answers first.
    for (const one of asked) one.catch(() => {});
    for (const iterator of iterators) void iterator.return?.(undefined).catch(() => {});
  }
}
