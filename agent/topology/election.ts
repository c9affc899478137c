/**
 * Which hosts reflect (pure). Those that do go on, whoever else would do better; a place that is free goes to a value of the label with
 * the fewest reflectors, and among its hosts to the heaviest by the hash of their names: everybody comes to the same.
 */
import { inOrderOfWeight } from './rendezvous.js';

export interface Electable {
  readonly name: string;
  /** Its value of the label over which reflectors are spread. */
  readonly spread: string | undefined;
}

export interface Election {
  /** Reflectors as they are that may go on. */
  readonly kept: readonly Electable[];
  readonly candidates: readonly Electable[];
  readonly count: number;
  /** Those that go on are to be spread as well: people want it otherwise than before. */
  readonly respread: boolean;
}

const SALT = 'reflector';

/** In the order of election: those that were kept first. As many as there are, where that is less than `count`. */
export function elect({ kept, candidates, count, respread }: Election): readonly Electable[] {
  const elected = respread ? wellSpread(kept, candidates, count) : [...kept];
  while (elected.length > count) elected.splice(indexToLose(elected), 1);
  const free = inOrderOfWeight(
    candidates.filter(({ name }) => !kept.some(other => other.name === name)),
    ({ name }) => name,
    SALT,
  );
  while (elected.length < count) {
    const next = leastCrowded(free, elected);
    if (next === undefined) break;
    elected.push(next);
    free.splice(free.indexOf(next), 1);
  }
  // Whoever was to make room for another value of the label does not have to where nobody came.
  const idle = kept.filter(({ name }) => !elected.some(other => other.name === name));
  return [...elected, ...idle.slice(0, Math.max(0, count - elected.length))];
}

/** The first, in the order of weight, of a value that has the fewest. */
function leastCrowded(free: readonly Electable[], elected: readonly Electable[]): Electable | undefined {
  let best: Electable | undefined;
  for (const candidate of free) {
    if (best === undefined || crowd(elected, candidate) < crowd(elected, best)) best = candidate;
  }
  return best;
}

function crowd(elected: readonly Electable[], { spread }: Electable): number {
  return elected.filter(other => other.spread === spread).length;
}

/** Of the most crowded value the one that weighs least. */
function indexToLose(elected: readonly Electable[]): number {
  const order = inOrderOfWeight(elected, ({ name }) => name, SALT);
  let worst = order[order.length - 1]!;
  for (const one of order) if (crowd(elected, one) >= crowd(elected, worst)) worst = one;
  return elected.indexOf(worst);
}

/** No more of a value than its share, as long as another value could have the place. */
function wellSpread(
  kept: readonly Electable[],
  candidates: readonly Electable[],
  count: number,
): Electable[] {
  const values = new Set([...kept, ...candidates].map(({ spread }) => spread));
  const share = Math.ceil(count / Math.max(1, values.size));
  const elected: Electable[] = [];
  for (const one of inOrderOfWeight(kept, ({ name }) => name, SALT)) {
    if (crowd(elected, one) < share) elected.push(one);
  }
  return elected;
}
