/**
 * Runs a list of worlds through a calculator in every way that a store may tell them: forwards, reversed, shuffled, with duplicates,
 * with empties in between, squashed, split; each torn down in another order. After each take, what is current must be what the twin
 * makes of the world alone, and all deltas together must add up to it.
 */
import type { ExecutionContext } from 'ava';
import type { GlobalNetworkPolicyResource } from '../../../core/resources/policy-documents.js';
import { type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import type { PartDelta, PolicyDelta } from '../../../policy/calculate/policy-delta.js';
import type { HostPolicy } from '../../../policy/model.js';
import type { Random } from '../../support/random.js';
import { plainPolicy, type World, wholeSnapshot } from './whole-snapshot.js';
import { HOST } from './worlds.js';

/** One call, and what it makes of a world. */
interface Step {
  readonly tell: (calculator: PolicyCalculator, world: World) => void;
  readonly after: (world: World) => World;
}

/** Steps with a take after the last. */
type Stop = readonly Step[];

const nothing: World = { documents: new Map(), standIns: new Map(), interfaces: new Map() };

export function runSequences(t: ExecutionContext, worlds: readonly World[], random: Random): void {
  const reversed = [...worlds].reverse();
  const variants: Readonly<Record<string, readonly Stop[]>> = {
    forwards: stops(worlds),
    reversed: stops(reversed),
    shuffled: stops(worlds).map(stop => shuffle(stop, random)),
    duplicated: stops(worlds).map(stop => stop.flatMap(step => [step, repeated(step), step])),
    'empties between': stops(worlds.flatMap(world => [world, nothing])),
    squashed: [stops([...worlds, nothing, ...reversed]).flat()],
    split: stops(worlds).flatMap(stop => shuffle(stop, random).map(step => [step])),
  };
  for (const [name, sequence] of Object.entries(variants)) {
    const subject = new Subject(t, name);
    for (const stop of sequence) subject.run(stop);
    subject.tearDown(random);
  }
}

class Subject {
  readonly #t: ExecutionContext;
  readonly #name: string;
  readonly #calculator = new PolicyCalculator(HOST);
  readonly #told = new Told();
  #world = nothing;
  #stop = 0;

  constructor(t: ExecutionContext, name: string) {
    this.#t = t;
    this.#name = name;
  }

  run(stop: Stop): void {
    for (const { tell, after } of stop) {
      this.#world = after(this.#world);
      tell(this.#calculator, this.#world);
    }
    this.#check();
  }

  /** In an order that has nothing to do with how it came, with takes now and then; at the end nothing is left anywhere. */
  tearDown(random: Random): void {
    const steps = shuffle(stepsBetween(this.#world, nothing), random);
    while (steps.length > 0) this.run(steps.splice(0, 1 + random.below(12)));
    this.#t.deepEqual(this.#told.count, 0, `${this.#name}: told when everything is gone`);
    const left = Object.entries(this.#calculator.size).filter(([, count]) => count !== 0);
    this.#t.deepEqual(left, [], `${this.#name}: left when everything is gone`);
  }

  #check(): void {
    const where = `${this.#name}, stop ${this.#stop++}`;
    const delta = this.#calculator.take();
    if (delta !== undefined) this.#told.apply(delta, where);
    const { current } = this.#calculator;
    this.#t.deepEqual(plainPolicy(current), wholeSnapshot(this.#world, HOST), where);
    this.#t.deepEqual(this.#told.copy(), copyOf(current), `${where}: the deltas add up`);
    this.#t.is(this.#calculator.take(), undefined, `${where}: nothing new the second time`);
  }
}

// ---------------------------------------------------------------- steps

function stops(worlds: readonly World[]): Stop[] {
  return worlds.map((world, i) => stepsBetween(worlds[i - 1] ?? nothing, world));
}

function stepsBetween(before: World, after: World): Step[] {
  const steps: Step[] = [];
  for (const part of ['documents', 'standIns'] as const) {
    for (const [id, document] of before[part])
      if (!after[part].has(id))
        steps.push({
          tell: calculator => calculator.remove(resourceIdOf(document)),
          after: world => withPart(world, part, id, undefined),
        });
    for (const [id, document] of after[part])
      if (JSON.stringify(before[part].get(id)) !== JSON.stringify(document))
        steps.push({
          tell: calculator => {
            if (part === 'documents') calculator.set(document);
            else calculator.invalid(resourceIdOf(document), written(document));
          },
          after: world => withPart(world, part, id, document),
        });
  }
  if (JSON.stringify([...before.interfaces]) !== JSON.stringify([...after.interfaces]))
    steps.push({
      tell: calculator => calculator.setInterfaceAddresses(after.interfaces),
      after: world => ({ ...world, interfaces: after.interfaces }),
    });
  return steps;
}

function withPart(
  world: World,
  part: 'documents' | 'standIns',
  id: string,
  document: Resource | undefined,
): World {
  const changed = new Map(world[part]);
  if (document === undefined) changed.delete(id);
  else changed.set(id, document);
  return { ...world, [part]: changed };
}

/** What a stand-in stands in for: something about its rules cannot be understood. */
function written(document: Resource): unknown {
  const { spec } = document as GlobalNetworkPolicyResource;
  return { ...document, spec: { ...spec, ingress: 'everything', order: 'early' } };
}

/** And told that what was understood has become invalid, which changes nothing. */
function repeated({ tell, after }: Step): Step {
  return {
    tell: (calculator, world) => {
      tell(calculator, world);
      for (const document of world.documents.values())
        calculator.invalid(resourceIdOf(document), { spec: { tier: 'other' } });
    },
    after,
  };
}

function shuffle<T>(list: readonly T[], random: Random): T[] {
  const rest = [...list];
  return list.map(() => rest.splice(random.below(rest.length), 1)[0] as T);
}

// ---------------------------------------------------------------- sums of deltas

class Told {
  readonly #parts = {
    workloads: new Map<string, unknown>(),
    hosts: new Map<string, unknown>(),
    policies: new Map<string, unknown>(),
    profiles: new Map<string, unknown>(),
  };

  readonly #sets = new Map<
    string,
    { readonly kind: string; readonly what: string; readonly members: Set<string> }
  >();

  apply(delta: PolicyDelta, where: string): void {
    for (const name of ['workloads', 'hosts', 'policies', 'profiles'] as const)
      applyPart(this.#parts[name], delta[name] as PartDelta<string, unknown>, `${where}: ${name}`);
    const { added, deleted, changed } = delta.sets;
    for (const id of deleted)
      if (!this.#sets.delete(id)) throw new Error(`${where}: set ${id} is deleted and was not there`);
    for (const [id, { kind, what, members }] of added) {
      if (this.#sets.has(id)) throw new Error(`${where}: set ${id} is added and was there`);
      this.#sets.set(id, { kind, what, members: new Set<string>(members) });
    }
    for (const [id, { added: come, deleted: gone }] of changed) {
      const members = this.#sets.get(id)?.members;
      if (members === undefined) throw new Error(`${where}: set ${id} changes and is not there`);
      for (const member of gone)
        if (!members.delete(member)) throw new Error(`${where}: ${member} goes from ${id} and was not in it`);
      for (const member of come) {
        if (members.has(member)) throw new Error(`${where}: ${member} comes to ${id} and was in it`);
        members.add(member);
      }
    }
  }

  get count(): number {
    const { workloads, hosts, policies, profiles } = this.#parts;
    return workloads.size + hosts.size + policies.size + profiles.size + this.#sets.size;
  }

  copy(): unknown {
    const { workloads, hosts, policies, profiles } = this.#parts;
    return [workloads, hosts, policies, profiles, this.#sets].map(part => sortedEntries(part));
  }
}

function applyPart(held: Map<string, unknown>, delta: PartDelta<string, unknown>, where: string): void {
  for (const key of delta.deleted)
    if (!held.delete(key)) throw new Error(`${where}: ${key} is deleted and was not there`);
  for (const [key, value] of delta.set) {
    if (JSON.stringify(held.get(key)) === JSON.stringify(value))
      throw new Error(`${where}: ${key} is told again unchanged`);
    held.set(key, value);
  }
}

function copyOf({ workloads, hosts, policies, profiles, sets }: HostPolicy): unknown {
  const plainSets = new Map(
    Array.from(sets, ([id, { kind, what, members }]) => [id, { kind, what, members }]),
  );
  return [workloads, hosts, policies, profiles, plainSets].map(part => sortedEntries(part));
}

function sortedEntries(map: ReadonlyMap<string, unknown>): unknown {
  return [...map]
    .map(([key, value]) => [key, plainValue(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function plainValue(value: unknown): unknown {
  const { members, ...rest } = value as { members?: ReadonlySet<string> };
  return members === undefined ? value : { ...rest, members: [...members].sort() };
}
