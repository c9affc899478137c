/**
 * The plan of the cluster's sessions from the one before (pure): what is wanted, when it may change, and when the arrangement before may
 * be let go. What the controller has seen and no plan says is its memory, in and out; the clock is its own.
 *
 * An arrangement is let go only once every living host is in sync with the one after it. One that is given up before that was never
 * relied upon: the last that was stays `previous`, and is simply `current` again where that is what is wanted.
 */
import type { TopologyArrangement, TopologyPlanResource } from '../../core/resources/cluster-documents.js';
import { arrangementWords, sameArrangement } from './arrangement.js';
import { laggards, type TopologyHosts } from './cluster-hosts.js';
import {
  changed,
  HOLD_DOWN_SECONDS,
  isHeldDown,
  type PlannerMemory,
  pauseSeconds,
  remember,
} from './planner-memory.js';
import { provisionalArrangement } from './provisional.js';
import { chosenReflectors } from './reflector-choice.js';
import type { TopologySettings } from './settings.js';
import { type Wanted, wantedArrangement } from './wanted-arrangement.js';

export type TopologyPlan = TopologyPlanResource['spec'];

export interface PlannerInput {
  /** The one in force; undefined: there has been none. */
  readonly previous: TopologyPlan | undefined;
  /** Those that take part. */
  readonly hosts: TopologyHosts;
  readonly settings: TopologySettings;
  readonly memory: PlannerMemory;
  /** Of the controller's clock. */
  readonly nowMs: number;
  /** The time of day, for people. */
  readonly unixMs: number;
}

export interface Planned {
  /** The one that was given, itself, if nothing changes; undefined if there is none and nobody to make one for. */
  readonly plan: TopologyPlan | undefined;
  readonly memory: PlannerMemory;
  /** What keeps a change from being made, in a sentence; "" for nothing. */
  readonly waits: string;
}

export function planTopology(input: PlannerInput): Planned {
  const { previous, hosts, settings, nowMs } = input;
  if (hosts.size === 0) return { plan: previous, memory: input.memory, waits: '' };
  const memory = remember(input.memory, previous, hosts, settings, nowMs);
  const base = previous?.current ?? provisionalArrangement([...hosts.values()], settings);
  const wanted = wantedArrangement(base, hosts, settings, name => isHeldDown(memory, name, nowMs));
  if (previous === undefined) {
    const plan = newPlan(input, wanted, 0, base, []);
    return { plan, memory: changed(memory, 1, nowMs), waits: '' };
  }
  if (sameArrangement(wanted.arrangement, base)) {
    return { ...settled(waiting(previous, undefined), hosts), memory: { ...memory, wishChanged: false } };
  }
  const pause = pauseSeconds(memory, nowMs);
  if (pause > 0 && !memory.wishChanged && !isUrgent(base, hosts)) {
    const waits = `plans have changed lately: the next change, to ${arrangementWords(wanted.arrangement)}, may come in ${Math.ceil(pause / 60)} min`;
    const untilUnixMs = Math.round(input.unixMs + pause * 1000);
    return { plan: settled(waiting(previous, untilUnixMs), hosts).plan, memory, waits };
  }
  const { generation, heldDown } = previous;
  const standing = previous.previous ?? previous.current;
  const held = heldDown.filter(name => isHeldDown(memory, name, nowMs));
  const plan = newPlan(input, wanted, generation, standing, held);
  return { plan, memory: changed(memory, plan.generation, nowMs), waits: '' };
}

/** A host has lost every reflector of its own. */
function isUrgent(base: TopologyArrangement, hosts: TopologyHosts): boolean {
  if (base.mode === 'mesh') return false;
  const isDead = (name: string) => hosts.get(name)?.alive !== true;
  if (!base.reflectors.some(({ node }) => isDead(node))) return false;
  return [...hosts.values()].some(({ name, alive }) => alive && chosenReflectors(name, base).every(isDead));
}

/** @param standing what every host has now */
function newPlan(
  { unixMs }: PlannerInput,
  { arrangement, reasons, replaced }: Wanted,
  generation: number,
  standing: TopologyArrangement,
  heldDown: readonly string[],
): TopologyPlan {
  const held = [...new Set([...heldDown, ...replaced])].sort();
  const news = replaced.map(
    name => `${name} is not elected again before it has been steady for ${HOLD_DOWN_SECONDS} s`,
  );
  return {
    generation: generation + 1,
    decidedUnixMs: unixMs,
    current: arrangement,
    ...(sameArrangement(arrangement, standing) ? {} : { previous: standing }),
    heldDown: held,
    reasons: [...reasons, ...news],
  };
}

/** Within which two readings of two clocks are the same time. */
const SAME_TIME_MS = 15_000;

/** @param untilUnixMs undefined: nothing else is wanted */
function waiting(plan: TopologyPlan, untilUnixMs: number | undefined): TopologyPlan {
  const { nextChangeUnixMs, ...rest } = plan;
  if (untilUnixMs === undefined) return nextChangeUnixMs === undefined ? plan : rest;
  const isSaid = nextChangeUnixMs !== undefined && Math.abs(nextChangeUnixMs - untilUnixMs) < SAME_TIME_MS;
  return isSaid ? plan : { ...plan, nextChangeUnixMs: untilUnixMs };
}

interface PlanAndWaits {
  readonly plan: TopologyPlan;
  readonly waits: string;
}

/** Nothing else is wanted: the arrangement before may be let go, or is waited for. */
function settled(plan: TopologyPlan, hosts: TopologyHosts): PlanAndWaits {
  const { previous, ...rest } = plan;
  if (previous === undefined) return { plan, waits: '' };
  const [first, ...others] = laggards(plan.generation, hosts);
  if (first === undefined) return { plan: rest, waits: '' };
  const more = others.length === 0 ? '' : `, and for ${others.length} more`;
  return {
    plan,
    waits: `${arrangementWords(previous)} is kept beside ${arrangementWords(plan.current)} for ${first.node}${more}: ${first.why}`,
  };
}
