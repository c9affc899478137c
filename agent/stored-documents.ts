/**
 * SHELL: documents as people ask for them: those of the store, or, while it is away, those that are in force on this host. Of records there
 * is nothing then.
 */
import { redacted } from '../core/resources/redaction.js';
import {
  formatResourceId,
  isRecord,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../core/resources/resource.js';
import type { StoredResource, StoreResult } from '../store/port.js';
import { describeStoreError } from '../store/results.js';
import type { Agent } from './agent.js';
import { ControlFailure } from './control/backend.js';
import type { ResourcesView, StoreAway, StoredView } from './control/types.js';

export class StoredDocuments {
  readonly #agent: Agent;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** In the order of their names. @throws {@link ControlFailure} for records of a store that is away */
  async list(kind: ResourceKind): Promise<ResourcesView> {
    const listed = await this.#asked(kind, store => store.list(kind));
    return listed.kind === 'ok'
      ? { resources: inOrder(listed.value.map(shown)) }
      : { resources: inOrder(this.#agent.documents(kind).map(inForce)), storeAway: listed.away };
  }

  /** @throws {@link ControlFailure} where there is no such document */
  async get(id: ResourceId): Promise<StoredView> {
    const found = await this.#asked(id.kind, store => store.get(id));
    if (found.kind === 'ok') return shown(found.value);
    const known = this.#agent.document(id);
    if (known !== undefined) return { ...inForce(known), storeAway: found.away };
    const error = `the store is away (${found.away.detail}), and no ${formatResourceId(id)} is in force on this host`;
    throw new ControlFailure(503, { error });
  }

  /** Of all kinds that are no records. */
  async all(): Promise<readonly Resource[]> {
    const listed = await this.#asked(undefined, store => store.list());
    return listed.kind === 'ok' ? listed.value.map(({ resource }) => resource) : this.#agent.allDocuments();
  }

  /** A store that is known to be away is not asked: each question would wait for it. */
  async #asked<T>(
    kind: ResourceKind | undefined,
    question: (store: Agent['options']['store']) => Promise<StoreResult<T>>,
  ): Promise<
    { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'away'; readonly away: StoreAway }
  > {
    const { state, options } = this.#agent;
    const hasCopies = kind === undefined || !isRecord(kind);
    const sinceUnixMs = state.storeSinceUnixMs ?? Date.now();
    if (hasCopies && state.store === 'unavailable')
      return { kind: 'away', away: { sinceUnixMs, detail: state.storeDetail } };
    const answer = await question(options.store);
    if (!hasCopies || answer.kind === 'ok' || answer.error.kind !== 'unavailable')
      return { kind: 'ok', value: unwrap(answer) };
    return { kind: 'away', away: { sinceUnixMs, detail: describeStoreError(answer.error) } };
  }
}

/** @throws {@link ControlFailure} with what went wrong */
export function unwrap<T>(result: StoreResult<T>): T {
  if (result.kind === 'ok') return result.value;
  const { error } = result;
  const status = { 'not-found': 404, 'already-exists': 409, conflict: 409, unavailable: 503 }[error.kind];
  const name = error.kind === 'unavailable' ? '' : `${formatResourceId(error.id)}: `;
  throw new ControlFailure(status, { error: `${name}${describeStoreError(error)}` });
}

/** As it is stored, and may be shown. */
function shown({ resource, revision }: StoredResource): StoredView {
  return { resource: redacted(resource), revision };
}

function inForce(resource: Resource): StoredView {
  return { resource: redacted(resource), revision: '' };
}

function inOrder(views: readonly StoredView[]): readonly StoredView[] {
  const name = ({ resource }: StoredView) => formatResourceId(resourceIdOf(resource));
  return views.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
}
