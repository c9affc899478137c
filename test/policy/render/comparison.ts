/** One generated host: what the reference says of a packet, and what the simulated rules do with it. */
import { evaluate } from '../../../policy/evaluate/evaluate.js';
import type { End, Situation } from '../../../policy/evaluate/situation.js';
import type { Judgement, Step } from '../../../policy/evaluate/trace.js';
import type { HostPolicy, Rule } from '../../../policy/model.js';
import { allocateMarks } from '../../../policy/render/marks.js';
import type { RenderedFilter } from '../../../policy/rendered.js';
import type { Random } from '../../support/random.js';
import type { GeneratedHost } from './generated-policies.js';
import { Simulator, type Way } from './simulator.js';

export interface Mismatch {
  readonly host: GeneratedHost;
  readonly situation: Situation;
  readonly way: Way;
  readonly judgement: Judgement;
  readonly passes: boolean;
}

export function compare(
  host: GeneratedHost,
  situations: readonly Situation[],
  filter: RenderedFilter,
  random: Random,
  seen: (judgement: Judgement, way: Way) => void = () => {},
): Mismatch | undefined {
  const simulator = new Simulator(filter);
  for (const situation of situations) {
    const judgement = evaluate(host.policy, host.settings, situation);
    const way = wayOf(host, situation, random);
    const passes = simulator.passes(situation.packet, way);
    seen(judgement, way);
    if (passes !== (judgement.verdict === 'allow')) return { host, situation, way, judgement, passes };
  }
  return undefined;
}

const states = {
  new: 'NEW',
  established: 'ESTABLISHED',
  related: 'RELATED',
  invalid: 'INVALID',
  cut: 'ESTABLISHED',
} as const;

function wayOf(
  { policy, settings }: GeneratedHost,
  { from, to, connection = 'new' }: Situation,
  random: Random,
): Way {
  const nameOf = (end: End) => (end.kind === 'interface' ? end.name : undefined);
  // Untracked policy sees the interface from before DNAT, and its packets are not translated. What is cut began elsewhere.
  const translated =
    from.kind === 'process' &&
    connection !== 'invalid' &&
    connection !== 'cut' &&
    [...policy.hosts.values()].every(({ untracked }) => untracked.length === 0);
  const marks = allocateMarks(settings.markMask);
  // What others have in it is theirs.
  const others = random.below(2) === 0 ? 0 : ~marks.mask >>> 0;
  return {
    in: nameOf(from),
    out: nameOf(to),
    state: states[connection],
    dnat: translated && random.below(4) === 0,
    mark: random.below(2) === 0 ? 0 : 0xffffffff,
    connectionMark: connection === 'cut' ? (others | marks.cut) >>> 0 : others,
    // Without a bit of its own for connections it may close more than the reference says.
    restores: marks.cut !== marks.unjudged && random.below(2) === 0,
  };
}

// ---------------------------------------------------------------- what was hit

export class Coverage {
  readonly counts = new Map<string, number>();
  packets = 0;

  count(policy: HostPolicy, { verdict, trace }: Judgement, way: Way): void {
    this.packets++;
    this.#add(`verdict ${verdict}`);
    this.#add(`way ${wayWords(way)}`);
    for (const step of trace) this.#countStep(policy, step);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  table(): string {
    const lines = [...this.counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return lines.map(([what, count]) => `${String(count).padStart(8)}  ${what}`).join('\n');
  }

  #countStep(policy: HostPolicy, step: Step): void {
    if (step.kind === 'decided') this.#add(`reason ${step.verdict}: ${step.why}`);
    if (step.kind === 'endpoint') this.#add(`part ${step.part} ${step.direction}`);
    if (step.kind === 'tier-default') this.#add(`tier default ${step.action}`);
    if (step.kind === 'staged') this.#add(`staged would ${step.would?.action ?? 'nothing'}`);
    if (step.kind !== 'rule') return;
    const { owner, direction, rule } = step;
    const rules = owner.kind === 'policy' ? policy.policies.get(owner.key) : policy.profiles.get(owner.name);
    this.#add(`${owner.kind} rule ${step.action}`);
    for (const field of fieldsOf(rules![direction][rule]!)) this.#add(`field ${field}`);
  }

  #add(what: string): void {
    this.counts.set(what, this.of(what) + 1);
  }
}

function wayWords({ in: from = 'process', out: to = 'process', dnat }: Way): string {
  const kind = (name: string) => name.replace(/^(cali|tap).*/, 'workload').replace(/^eth.*/, 'network');
  return `${kind(from)} -> ${kind(to)}${dnat ? ', after DNAT' : ''}`;
}

/** Those that say something. */
export function fieldsOf(rule: Rule): readonly string[] {
  const own = (['family', 'protocol', 'notProtocol', 'icmp', 'notIcmp'] as const).filter(
    name => rule[name] !== undefined,
  );
  const sides = (['source', 'destination'] as const).flatMap(side =>
    Object.entries(rule[side])
      .filter(([, list]) => list.length > 0)
      .map(([name]) => `${side}.${name}`),
  );
  return [...own, ...sides];
}
