/** The rule of Calico's configuration kinds: `default` speaks for the cluster, `node.NAME` overrides it for one host, field by field. */
import type { Resource } from '../../core/resources/resource.js';

export class Configurations<R extends Exclude<Resource, { readonly kind: 'Secret' }>> {
  readonly #byName = new Map<string, R>();

  set(resource: R): void {
    this.#byName.set(resource.metadata.name, resource);
  }

  delete(name: string): void {
    this.#byName.delete(name);
  }

  get(name: string): R | undefined {
    return this.#byName.get(name);
  }

  get documents(): Iterable<R> {
    return this.#byName.values();
  }

  /** The value for a node: its own document's, else the cluster's. */
  of<K extends keyof R['spec']>(nodeName: string, field: K): R['spec'][K] | undefined {
    const own: R['spec'] | undefined = this.#byName.get(ownName(nodeName))?.spec;
    const cluster: R['spec'] | undefined = this.#byName.get(CLUSTER_NAME)?.spec;
    return own?.[field] ?? cluster?.[field];
  }
}

/** The name of the cluster's document. */
export const CLUSTER_NAME = 'default';

/** The name of the document that speaks for one node alone. */
export function ownName(nodeName: string): string {
  return `node.${nodeName}`;
}
