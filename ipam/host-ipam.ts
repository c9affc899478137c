/**
 * SHELL: one host's address management: everything it does to the records, one thing after the other, so that a host is never in its own way.
 */
import { prefixContains } from '../core/prefix.js';
import { describeStoreError } from '../store/results.js';
import { allocate } from './allocate.js';
import { giveUpBlock } from './claims.js';
import { type IpamContext, Unavailable } from './context.js';
import { EmptyBlocks, type OwnBlock } from './empty-blocks.js';
import { selectsNode } from './pools.js';
import { release } from './release.js';
import type { AllocationOutcome, AllocationRequest, ReleaseOutcome, ReleaseRequest } from './request.js';
import { ownBlocks } from './sources.js';
import { readBlock } from './take.js';
import { dropTakenBack, finishClaims, learnOwn, mendAffinities, reassertAll } from './upkeep.js';

export class HostIpam {
  readonly #context: IpamContext;
  readonly #nowMs: () => number;
  readonly #empty = new EmptyBlocks();
  #turn: Promise<unknown> = Promise.resolve();
  /** What the store has and this host's record does not was taken over. */
  #learnt = false;

  /** @param nowMs of a clock that is never set */
  constructor(context: IpamContext, nowMs: () => number) {
    this.#context = context;
    this.#nowMs = nowMs;
  }

  get context(): IpamContext {
    return this.#context;
  }

  allocate(request: AllocationRequest): Promise<AllocationOutcome> {
    return this.#inTurn(async () => {
      const outcome = await allocate(this.#context, request);
      if (outcome.kind !== 'unavailable' || !outcome.reminder) return outcome;
      const problem = await tried(() => this.#remind());
      return problem === undefined ? await allocate(this.#context, request) : { ...outcome, detail: problem };
    });
  }

  release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.#inTurn(() => release(this.#context, request));
  }

  /** At the start, and whenever the store may have forgotten something. @returns what kept it from being done; undefined: nothing */
  reassert(): Promise<string | undefined> {
    return this.#inTurn(() => tried(() => this.#remind()));
  }

  /** From time to time. @returns what kept it from being done; undefined: nothing */
  tidy(): Promise<string | undefined> {
    return this.#inTurn(() => tried(() => this.#tidy()));
  }

  /** @throws Unavailable */
  async #remind(): Promise<void> {
    const { host, store } = this.#context;
    const reminded = await store.remind(host, async () => {
      await dropTakenBack(this.#context);
      await reassertAll(this.#context);
      await finishClaims(this.#context);
      if (!this.#learnt) await learnOwn(this.#context);
      this.#learnt = true;
    });
    if (reminded.kind === 'error') throw new Unavailable(describeStoreError(reminded.error));
  }

  /** @throws Unavailable */
  async #tidy(): Promise<void> {
    await dropTakenBack(this.#context);
    await finishClaims(this.#context);
    await mendAffinities(this.#context);
    await this.#giveBackEmpty();
  }

  async #giveBackEmpty(): Promise<void> {
    const { host, durable } = this.#context;
    const own: OwnBlock[] = [];
    const all = ownBlocks(this.#context, host);
    const inUse = new Set([...durable.record.allocations.values()].map(({ block }) => block));
    for (const cidr of all.filter(each => !inUse.has(each))) {
      const block = await readBlock(this.#context, cidr);
      if (block?.node === host) own.push({ block, serves: this.#serves(cidr) });
    }
    for (const { cidr, sequence } of this.#empty.observe(own, all, this.#nowMs())) {
      const isSame = (found: { readonly sequence: number; readonly allocations: readonly unknown[] }) =>
        found.sequence === sequence && found.allocations.length === 0;
      await giveUpBlock(this.#context, host, cidr, isSame);
    }
  }

  #serves(cidr: Parameters<typeof prefixContains>[1]): boolean {
    const { documents, host } = this.#context;
    const labels = documents.labelsOf('Node', host);
    return documents.pools.some(
      pool => !pool.spec.disabled && prefixContains(pool.spec.cidr, cidr) && selectsNode(pool, labels),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** What kept it from being done; undefined: nothing. */
async function tried(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
