/**
 * What becomes of a session between two hosts where several arrangements are in force at once (pure): one that is to stay and, until every
 * host has it, the one before.
 */
import type { ArrangementView, SessionPart } from './arrangement.js';

/** An arrangement in force. */
export interface Layer {
  readonly view: ArrangementView;
  /** Of a mesh that is larger than its limit: hosts that have a session of it. */
  readonly among?: ReadonlySet<string>;
  /** False for one that is to go. */
  readonly stays: boolean;
}

export interface TopologySession {
  /** What the other end is to this host, by the arrangement that is to stay where that has the session. */
  readonly part: SessionPart;
  /** RFC 4456: a client of this host, by one of them. */
  readonly client: boolean;
  /** What other hosts have told us is passed on. */
  readonly reflects: boolean;
  /** False: it ends with the arrangement before. */
  readonly stays: boolean;
  /** The other end passes on what others tell it, and ceases to with the arrangement before. */
  readonly relayEnds: boolean;
}

/** Between hosts that nobody reflects to. */
export const directSession: TopologySession = {
  part: 'mesh',
  client: false,
  reflects: false,
  stays: true,
  relayEnds: false,
};

/** Undefined: no arrangement has one. @param own this host, of the views */
export function sessionBy(
  layers: readonly Layer[],
  own: string,
  remote: string,
): TopologySession | undefined {
  const parts = layers.flatMap(({ view, among, stays }) => {
    const left = among !== undefined && !(among.has(own) && among.has(remote));
    const part = left ? undefined : view.partOf(remote);
    return part === undefined ? [] : [{ part, stays }];
  });
  const staying = parts.filter(({ stays }) => stays);
  const shown = staying.length > 0 ? staying : parts;
  const main = shown.find(({ part }) => part !== 'mesh') ?? shown[0];
  if (main === undefined) return undefined;
  const has = (of: typeof parts, wanted: readonly SessionPart[]) =>
    of.some(({ part }) => wanted.includes(part));
  return {
    part: main.part,
    client: has(parts, ['client']),
    reflects: has(parts, ['client', 'fellow']),
    stays: staying.length > 0,
    relayEnds: has(parts, relaying) && !has(staying, relaying),
  };
}

const relaying: readonly SessionPart[] = ['reflector', 'fellow'];
