/**
 * Which arrangement the hosts should have, given the one that they have and what people want, without regard to how often it may change
 * (pure). It clings to what there is: a mesh grows to its limit and comes back below four fifths of it, reflectors go on as long as they
 * live and may.
 */
import type { TopologyArrangement } from '../../core/resources/cluster-documents.js';
import { isSelector, matchesSelector, parseSelector } from '../../core/selector.js';
import { MESH } from './arrangement.js';
import type { TopologyHost, TopologyHosts } from './cluster-hosts.js';
import { type Electable, elect } from './election.js';
import type { TopologySettings } from './settings.js';
import { countWords, crowdWords, electedWords, goneWords } from './wanted-reasons.js';

export interface Wanted {
  readonly arrangement: TopologyArrangement;
  readonly reasons: readonly string[];
  /** Reflectors that others replaced because they were silent. */
  readonly replaced: readonly string[];
}

export const LEAST_REFLECTORS = 3;
/** A reflector has about so many sessions with clients at most. */
const SESSIONS_OF_REFLECTOR = 500;
/** Below this part of a limit the way back is taken. */
const WAY_BACK = 0.8;

/** @param isHeld whether a host that lives has been silent lately: it is not elected */
export function wantedArrangement(
  base: TopologyArrangement,
  hosts: TopologyHosts,
  settings: TopologySettings,
  isHeld: (name: string) => boolean,
): Wanted {
  const mode = wantedMode(base, hosts.size, settings);
  if (mode.mode === 'mesh') return { arrangement: MESH, reasons: [mode.reason], replaced: [] };
  const electorate = electorateOf(base, hosts, settings, isHeld);
  const able = electorate.kept.length + electorate.candidates.length;
  if (able < LEAST_REFLECTORS && base.mode === 'mesh' && hosts.size <= settings.meshLimit) {
    const reason = `${mode.reason}, but only ${able} living hosts may reflect and ${LEAST_REFLECTORS} are needed: the mesh stays`;
    return { arrangement: MESH, reasons: [reason], replaced: [] };
  }
  return withReflectors(base, hosts, settings, { ...electorate, reason: mode.reason });
}

function wantedMode(
  base: TopologyArrangement,
  count: number,
  { mode, meshLimit }: TopologySettings,
): { readonly mode: 'mesh' | 'reflectors'; readonly reason: string } {
  if (mode !== 'auto') return { mode, reason: `BGPTopology/default has mode ${mode}` };
  const hosts = `${count} ${count === 1 ? 'host' : 'hosts'}`;
  if (count > meshLimit) {
    return { mode: 'reflectors', reason: `${hosts} are more than a mesh is kept for, ${meshLimit}` };
  }
  const back = Math.floor(WAY_BACK * meshLimit);
  if (base.mode === 'mesh' || count <= back) {
    return { mode: 'mesh', reason: `there are no more hosts than a mesh is kept for, ${meshLimit}` };
  }
  return {
    mode: 'reflectors',
    reason: `${hosts}: there are reflectors, and the way back to a mesh begins at ${back}`,
  };
}

interface Electorate {
  readonly kept: readonly Electable[];
  readonly candidates: readonly Electable[];
  /** Reflectors that have been silent for too long, the longest last. */
  readonly silent: readonly Electable[];
  /** About the electorate, in sentences. */
  readonly remarks: readonly string[];
}

function electorateOf(
  base: TopologyArrangement,
  hosts: TopologyHosts,
  settings: TopologySettings,
  isHeld: (name: string) => boolean,
): Electorate {
  const { spreadBy, reflectorSelector, replaceAfterSeconds } = settings;
  const selector = parseSelector(reflectorSelector);
  const selected = (labels: TopologyHost['labels']) =>
    isSelector(selector) && matchesSelector(selector, labels);
  const electable = ({ name, labels }: TopologyHost): Electable => ({
    name,
    spread: spreadBy === undefined ? undefined : labels[spreadBy],
  });
  const matching = [...hosts.values()].filter(({ labels }) => selected(labels));
  const remarks: string[] = [];
  // Hosts without any reflector have no routes at all: rather against the selector than that.
  const allowed = matching.length === 0 ? [...hosts.values()] : matching;
  if (matching.length === 0 && hosts.size > 0) {
    remarks.push(`no host matches the reflectorSelector ${reflectorSelector}: any may reflect`);
  }
  const reflecting = base.reflectors
    .map(({ node }) => allowed.find(({ name }) => name === node))
    .filter(host => host !== undefined);
  const isSilent = ({ alive, silentSeconds }: TopologyHost) => !alive && silentSeconds >= replaceAfterSeconds;
  const living = allowed.filter(host => host.alive && !reflecting.includes(host));
  const steady = living.filter(({ name }) => !isHeld(name));
  const kept = reflecting.filter(host => !isSilent(host));
  const enough = kept.length + steady.length >= LEAST_REFLECTORS || base.mode === 'reflectors';
  const silent = reflecting.filter(isSilent).sort((a, b) => a.silentSeconds - b.silentSeconds);
  return {
    kept: kept.map(electable),
    candidates: (enough ? steady : living).map(electable),
    silent: silent.map(electable),
    remarks,
  };
}

function withReflectors(
  base: TopologyArrangement,
  hosts: TopologyHosts,
  settings: TopologySettings,
  { kept, candidates, silent, remarks, reason }: Electorate & { readonly reason: string },
): Wanted {
  const { spreadBy, sessionsPerClient } = settings;
  const count = Math.min(hosts.size, settings.reflectors ?? countFor(base, hosts.size, sessionsPerClient));
  const respread = base.mode === 'reflectors' && base.spreadBy !== spreadBy;
  const elected = elect({ kept, candidates, count, respread });
  // Nobody is there for it: a reflector that comes back is better than one that was given up.
  const spared = silent.slice(0, Math.max(0, count - elected.length));
  const all = [...elected, ...spared];
  if (all.length === 0) {
    const alone = `${reason}, but nobody who may reflect lives: nothing is changed`;
    return { arrangement: base, replaced: [], reasons: [alone] };
  }
  const arrangement: TopologyArrangement = {
    mode: 'reflectors',
    reflectors: all
      .map(({ name, spread }) => (spread === undefined ? { node: name } : { node: name, spread }))
      .sort((a, b) => (a.node < b.node ? -1 : 1)),
    sessionsPerClient,
    ...(spreadBy === undefined ? {} : { spreadBy }),
  };
  const before = new Set(base.reflectors.map(({ node }) => node));
  const gone = [...before].filter(name => !all.some(one => one.name === name));
  const replaced = gone.filter(name => silent.some(one => one.name === name));
  return {
    arrangement,
    replaced,
    reasons: [
      reason,
      countWords(all.length, count, settings, hosts.size),
      ...remarks,
      ...gone.map(name => goneWords(name, hosts, silent, settings)),
      ...all.filter(({ name }) => !before.has(name)).map(one => electedWords(one, settings)),
      ...spared.map(({ name }) => `${name} is silent and stays: nobody can take its place`),
      ...crowdWords(all, candidates, spreadBy),
    ],
  };
}

/** Grows at once, and shrinks where it would with a fifth more hosts, too. */
function countFor(base: TopologyArrangement, hosts: number, sessions: number): number {
  const needed = (count: number) =>
    Math.max(LEAST_REFLECTORS, Math.ceil((count * sessions) / SESSIONS_OF_REFLECTOR));
  const most = needed(hosts / WAY_BACK);
  return Math.max(needed(hosts), Math.min(most, base.reflectors.length));
}
