/**
 * Who has a session with whom by an arrangement, and what each is to the other (pure). Both ends come to the same by themselves: all that
 * it takes stands in the arrangement.
 */
import type { TopologyArrangement } from '../../core/resources/cluster-documents.js';
import { chosenReflectors } from './reflector-choice.js';

/** What the other end of a session is to this host; of two reflectors each is the other's fellow (RFC 4456: a non-client). */
export type SessionPart = 'mesh' | 'reflector' | 'client' | 'fellow';

export const MESH: TopologyArrangement = { mode: 'mesh', reflectors: [], sessionsPerClient: 2 };

export function sameArrangement(a: TopologyArrangement, b: TopologyArrangement): boolean {
  if (a.mode !== b.mode) return false;
  // How many sessions a client would have means nothing in a mesh.
  return a.mode === 'mesh' || JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

function canonical({ reflectors, sessionsPerClient, spreadBy }: TopologyArrangement): unknown {
  return [
    reflectors.map(({ node, spread }) => [node, spread ?? null]).sort(),
    sessionsPerClient,
    spreadBy ?? null,
  ];
}

/** "a mesh", "3 reflectors" */
export function arrangementWords({ mode, reflectors }: TopologyArrangement): string {
  if (mode === 'mesh') return 'a mesh';
  return reflectors.length === 1 ? '1 reflector' : `${reflectors.length} reflectors`;
}

/** An arrangement as one host sees it: what each of the others is to it. Remembers what others choose. */
export class ArrangementView {
  readonly arrangement: TopologyArrangement;
  readonly #own: string;
  readonly #reflectors: ReadonlySet<string>;
  readonly #chosen = new Map<string, ReadonlySet<string>>();

  constructor(arrangement: TopologyArrangement, own: string) {
    this.arrangement = arrangement;
    this.#own = own;
    this.#reflectors = new Set(arrangement.reflectors.map(({ node }) => node));
  }

  get reflects(): boolean {
    return this.#reflectors.has(this.#own);
  }

  /** Undefined: there is no session between the two. */
  partOf(remote: string): SessionPart | undefined {
    if (remote === this.#own) return undefined;
    if (this.arrangement.mode === 'mesh') return 'mesh';
    const other = this.#reflectors.has(remote);
    if (this.reflects) return other ? 'fellow' : this.#isChosen(remote, this.#own) ? 'client' : undefined;
    return other && this.#isChosen(this.#own, remote) ? 'reflector' : undefined;
  }

  #isChosen(client: string, reflector: string): boolean {
    let chosen = this.#chosen.get(client);
    if (chosen === undefined) {
      chosen = new Set(chosenReflectors(client, this.arrangement));
      this.#chosen.set(client, chosen);
    }
    return chosen.has(reflector);
  }
}
