/**
 * Several things at once, their results in order. Yields each as soon as it and those before it are there; hands out no more work once the
 * reader has stopped reading or something has failed.
 *
 * @param atOnce at most so many run at a time
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let stopped = false;
  const begin = () => {
    if (stopped || begun.length === items.length) return;
    const result = run(items[begun.length]!).finally(begin);
    // Whoever awaits it hears of it; nobody may.
    result.catch(() => {});
    begun.push(result);
  };
  for (let i = 0; i < atOnce; i++) begin();
  try {
    for (let i = 0; i < items.length; i++) yield await begun[i]!;
  } finally {
    stopped = true;
  }
}
