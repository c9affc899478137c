/**
 * Margay's applier and raw commands in turn: each in a network namespace of its own, both with the same rules and sets in it. What the applier
 * has sent is what the raw commands are given next, so that both go from the same state to the same state by the same text.
 */
import type { Implementation } from '../../linux/iptables-choice.js';
import type { Applied, ApplierCommand } from './applier-process.js';
import { makePlaces, type Places } from './namespaces.js';
import type { RawCommand } from './raw-process.js';
import { type Remote, startRemote } from './remote.js';
import { ruleCounts, type Sample } from './rows.js';

export type LineSample = readonly [line: string, sample: Sample];

const CHANGES = 30;
const LOADS = 4;
const MEMBERS = 100_000;
const CHANGED_MEMBERS = 100;

export async function* measureTables(
  backend: Implementation,
  profile: readonly string[],
): AsyncGenerator<LineSample> {
  for (const count of ruleCounts) {
    const pair = await Pair.open(backend, profile);
    try {
      yield [`first-${count}`, await pair.step({ kind: 'load-rules', count })];
      for (let number = 1; number <= LOADS; number++) {
        await pair.step({ kind: 'load-rules', count: 0 });
        yield [`load-${count}`, await pair.step({ kind: 'load-rules', count })];
      }
      for (let number = 1; number <= CHANGES; number++)
        yield [`chain-${count}`, await pair.step({ kind: 'change-chain', number })];
    } finally {
      await pair.close();
    }
  }
}

export async function* measureSets(profile: readonly string[]): AsyncGenerator<LineSample> {
  const pair = await Pair.open('nft', profile);
  const added = CHANGED_MEMBERS;
  try {
    yield ['load', await pair.step({ kind: 'load-set', members: MEMBERS })];
    for (let number = 1; number <= CHANGES; number++)
      yield ['delta', await pair.step({ kind: 'change-set', added, removed: CHANGED_MEMBERS })];
  } finally {
    await pair.close();
  }
}

class Pair {
  readonly #places: Places;
  readonly #backend: Implementation;
  readonly #margay: Remote<ApplierCommand, Applied>;
  readonly #raw: Remote<RawCommand, number>;

  private constructor(places: Places, backend: Implementation, flags: readonly string[]) {
    const [own, other] = places.networkNamespaces;
    const { env } = places;
    this.#places = places;
    this.#backend = backend;
    this.#margay = startRemote('applier-process', { networkNamespace: own!, env, flags });
    this.#raw = startRemote('raw-process', { networkNamespace: other!, env });
  }

  /** Both with nothing to enforce yet, and what that takes. */
  static async open(backend: Implementation, flags: readonly string[]): Promise<Pair> {
    const pair = new Pair(makePlaces(2), backend, flags);
    try {
      await pair.step({ kind: 'start', backend });
      return pair;
    } catch (error) {
      await pair.close();
      throw error;
    }
  }

  async step(command: ApplierCommand): Promise<Sample> {
    const { renderMs, applyMs, commandMs, writes } = await this.#margay.ask(command);
    if (writes.length === 0) throw new Error(`${command.kind}: nothing was written`);
    const rawMs = await this.#raw.ask({ backend: this.#backend, writes });
    return { margayMs: applyMs, commandMs, rawMs, toRaw: applyMs / rawMs, renderMs };
  }

  async close(): Promise<void> {
    await Promise.all([this.#margay.stop(), this.#raw.stop()]);
    this.#places.remove();
  }
}
