/**
 * One object for all routes that do the same (pure): what is equal compares with `===` then, is put into bytes once, and costs a table
 * of many routes a pointer each.
 */
import { type DesiredRoute, sameDesiredRoute } from './desired.js';

/** Forgotten all at once when there are so many: sharing is a saving, nobody depends on it. */
const MOST_FORMS = 20_000;

export class SharedRoutes {
  readonly #forms = new Map<string, DesiredRoute>();
  #last: DesiredRoute | undefined;

  /** An equal route, the same object each time. */
  share(route: DesiredRoute): DesiredRoute {
    // A table read back tells the same form many times in a row.
    if (this.#last !== undefined && sameDesiredRoute(this.#last, route)) return this.#last;
    const key = canonicalText(route);
    let shared = this.#forms.get(key);
    if (shared === undefined) {
      if (this.#forms.size >= MOST_FORMS) this.#forms.clear();
      shared = route;
      this.#forms.set(key, route);
    }
    this.#last = shared;
    return shared;
  }
}

function canonicalText(route: DesiredRoute): string {
  if (route.kind === 'blackhole') return `blackhole ${route.metric}`;
  const { legs, preferredSource, mtu, metric } = route;
  const words = legs.map(({ gateway, ifindex, onlink }) => `${gateway} ${ifindex} ${onlink}`);
  return `${words.join()} ${preferredSource} ${mtu} ${metric}`;
}
