/** One host's way to a store: slow, cut off, and with writes that are made though nobody says so. */
import type { FakeClock } from '../../../bgp/testing/index.js';
import type { MemoryStore } from '../../../store/memory-store.js';
import type { Store, StoreResult } from '../../../store/port.js';
import { unavailable } from '../../../store/results.js';

export interface Faults {
  /** Of a way there, and as much back. */
  delayMs: number;
  reachable: boolean;
  /** What was done is not told: the answer is lost. */
  answersLost: boolean;
}

export function faultless(): Faults {
  return { delayMs: 0, reachable: true, answersLost: false };
}

export class FaultyStore implements Store {
  readonly #store: MemoryStore;
  readonly #clock: FakeClock;
  readonly faults: Faults;

  constructor(store: MemoryStore, clock: FakeClock, faults: Faults = faultless()) {
    this.#store = store;
    this.#clock = clock;
    this.faults = faults;
  }

  list: Store['list'] = kind => this.#over('list', () => this.#store.list(kind));
  get: Store['get'] = id => this.#over('get', () => this.#store.get(id));
  create: Store['create'] = resource => this.#over('create', () => this.#store.create(resource));
  update: Store['update'] = (resource, expected) =>
    this.#over('update', () => this.#store.update(resource, expected));
  delete: Store['delete'] = (id, expected) => this.#over('delete', () => this.#store.delete(id, expected));
  remind: Store['remind'] = (claimant, work) => this.#store.remind(claimant, work);
  watch: Store['watch'] = options => this.#store.watch(options);
  close: Store['close'] = async () => {};

  async #over<T>(operation: string, work: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    await this.#pass();
    if (!this.faults.reachable) return unavailable(operation, new Error('cut off'));
    const result = await work();
    await this.#pass();
    return this.faults.answersLost ? unavailable(operation, new Error('answer lost')) : result;
  }

  async #pass(): Promise<void> {
    const { delayMs } = this.faults;
    if (delayMs > 0) await new Promise<void>(resolve => void this.#clock.schedule(delayMs, resolve));
  }
}

/** Whatever promises there are have run. */
export async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

/** Time goes on in small steps, so that what waits for one another takes its turns. */
export async function pass(clock: FakeClock, milliseconds: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += stepMs) {
    clock.advance(Math.min(stepMs, milliseconds - passed));
    await settled();
  }
}
