/** A main routing table that counts what is done to it, refuses what it is told to refuse, and can lose its socket. */

import type { Prefix } from '../../core/prefix.js';
import type { KernelRefusal } from '../../linux/netlink/connection.js';
import { plainForm, type Route, type RouteForm } from '../../linux/netlink/route.js';
import type { RouteOperation } from '../../linux/netlink/rtnetlink.js';

const EEXIST = 17;
const ESRCH = 3;

export class FakeKernel {
  /** By destination, tos and metric, as the kernel tells routes apart. */
  readonly #routes = new Map<string, Route>();
  readonly #refusals = new Map<string, KernelRefusal>();
  #socketFailures = 0;
  readonly calls = { dumps: 0, batches: 0, create: 0, replace: 0, delete: 0 };

  /** Every write to this destination is refused until {@link accept}. */
  refuse(destination: string, errno: number, text = ''): void {
    this.#refusals.set(destination, { errno, text });
  }

  accept(destination: string): void {
    this.#refusals.delete(destination);
  }

  /** The next calls end in a failure of the socket: the first half of a batch is done nevertheless. */
  failNext(times = 1): void {
    this.#socketFailures = times;
  }

  get writes(): number {
    return this.calls.create + this.calls.replace + this.calls.delete;
  }

  /** Somebody else's hand. */
  put(route: Route): void {
    this.#routes.set(keyOf(route.destination, route), route);
  }

  remove(destination: string, metric: number): void {
    this.#routes.delete(keyOf(destination as Prefix, { tos: 0, metric }));
  }

  clear(): void {
    this.#routes.clear();
  }

  get table(): readonly Route[] {
    return [...this.#routes.values()];
  }

  async routes(filter: { readonly family: 'ipv4' | 'ipv6'; readonly protocol?: number }) {
    this.calls.dumps++;
    await this.#turn();
    if (this.#socketFails()) throw new Error('netlink: ENOBUFS');
    return this.table.filter(
      ({ destination, protocol }) =>
        destination.includes(':') === (filter.family === 'ipv6') &&
        (filter.protocol === undefined || protocol === filter.protocol),
    );
  }

  async changeRoutes(operations: readonly RouteOperation[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    this.calls.batches++;
    const fails = this.#socketFails();
    const refusals = new Map<number, KernelRefusal>();
    const reached = fails ? operations.slice(0, operations.length / 2) : operations;
    for (const [i, operation] of reached.entries()) {
      const refusal = this.#change(operation);
      if (refusal !== undefined) refusals.set(i, refusal);
    }
    await this.#turn();
    if (fails) throw new Error('netlink: ENOBUFS');
    return refusals;
  }

  #change({ kind, destination, form }: RouteOperation): KernelRefusal | undefined {
    this.calls[kind]++;
    const refusal = this.#refusals.get(destination);
    if (refusal !== undefined) return refusal;
    const key = keyOf(destination, form);
    const there = this.#routes.get(key);
    if (kind === 'delete') {
      if (there?.protocol !== form.protocol) return { errno: ESRCH, text: '' };
      this.#routes.delete(key);
    } else if (kind === 'create' && there !== undefined) return { errno: EEXIST, text: '' };
    else this.#routes.set(key, routeOf(destination, form));
    return undefined;
  }

  #socketFails(): boolean {
    if (this.#socketFailures === 0) return false;
    this.#socketFailures--;
    return true;
  }

  /** Answers come on a later turn, as the real ones do. */
  #turn(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve));
  }
}

/** A route as the kernel would list it. */
export function routeOf(destination: string, form: Partial<RouteForm>): Route {
  return {
    ...plainForm,
    nextHops: [],
    protocol: 0,
    ...form,
    destination: destination as Prefix,
    cloned: false,
  };
}

function keyOf(destination: Prefix, { tos, metric }: Pick<RouteForm, 'tos' | 'metric'>): string {
  return `${destination} ${tos} ${metric}`;
}
