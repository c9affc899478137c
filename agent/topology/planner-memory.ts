/**
 * What the controller remembers between its rounds, measured by its own clock (pure): who was silent lately, and how often the plan has
 * changed. Its successor begins without it: then a plan that it finds counts as just made, and whoever the plan holds down is held anew.
 */
import type { TopologyPlanResource } from '../../core/resources/cluster-documents.js';
import type { TopologyHosts } from './cluster-hosts.js';
import type { TopologySettings } from './settings.js';

export interface PlannerMemory {
  /** Of the plan as it was seen last. */
  readonly generation: number;
  /** When generations began, the last last. */
  readonly changesMs: readonly number[];
  /** By name: when it was last seen silent. */
  readonly silentMs: ReadonlyMap<string, number>;
  readonly settings: TopologySettings | undefined;
  /** People want something else than when the plan was made: they do not wait. */
  readonly wishChanged: boolean;
}

export const nothingSeen: PlannerMemory = {
  generation: 0,
  changesMs: [],
  silentMs: new Map(),
  settings: undefined,
  wishChanged: false,
};

/** Whoever was silent as a reflector, or at all, is not elected before it has lived for so long. */
export const HOLD_DOWN_SECONDS = 300;
/** Between two changes of the plan; doubled with each that was made within the last {@link LATELY_SECONDS}. */
const LEAST_PAUSE_SECONDS = 30;
const MOST_PAUSE_SECONDS = 600;
const LATELY_SECONDS = 3600;

export function remember(
  memory: PlannerMemory,
  plan: TopologyPlanResource['spec'] | undefined,
  hosts: TopologyHosts,
  settings: TopologySettings,
  nowMs: number,
): PlannerMemory {
  const silentMs = new Map<string, number>();
  for (const [name, sinceMs] of memory.silentMs) {
    if (nowMs - sinceMs < HOLD_DOWN_SECONDS * 1000) silentMs.set(name, sinceMs);
  }
  for (const { name, alive } of hosts.values()) if (!alive) silentMs.set(name, nowMs);
  const isNew = plan !== undefined && plan.generation !== memory.generation;
  // A controller that has just begun knows of no silence but what the plan says.
  if (memory.generation === 0) for (const name of plan?.heldDown ?? []) silentMs.set(name, nowMs);
  const changesMs = memory.changesMs.filter(atMs => nowMs - atMs < LATELY_SECONDS * 1000);
  const wishChanged =
    memory.wishChanged ||
    (memory.settings !== undefined && JSON.stringify(memory.settings) !== JSON.stringify(settings));
  return {
    generation: plan?.generation ?? memory.generation,
    changesMs: isNew ? [...changesMs, nowMs] : changesMs,
    silentMs,
    settings,
    wishChanged,
  };
}

export function changed(memory: PlannerMemory, generation: number, nowMs: number): PlannerMemory {
  return { ...memory, generation, changesMs: [...memory.changesMs, nowMs], wishChanged: false };
}

export function isHeldDown({ silentMs }: PlannerMemory, name: string, nowMs: number): boolean {
  const sinceMs = silentMs.get(name);
  return sinceMs !== undefined && nowMs - sinceMs < HOLD_DOWN_SECONDS * 1000;
}

/** How long the plan is still to stay as it is; 0 or less: it may change. */
export function pauseSeconds({ changesMs }: PlannerMemory, nowMs: number): number {
  const last = changesMs.at(-1);
  if (last === undefined) return 0;
  const pause = Math.min(MOST_PAUSE_SECONDS, LEAST_PAUSE_SECONDS * 2 ** (changesMs.length - 1));
  return pause - (nowMs - last) / 1000;
}
