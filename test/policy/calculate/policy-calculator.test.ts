import test from 'ava';
import { PolicyCalculator } from '../../../policy/calculate/policy-calculator.js';
import type { EndpointTier, HostEndpoint, HostPolicy, RuleSide } from '../../../policy/model.js';
import { Random } from '../../support/random.js';
import { runSequences } from './sequences.js';
import type { World } from './whole-snapshot.js';
import { HOST, WorldMaker } from './worlds.js';

const rounds = Number(process.env.MARGAY_WORLDS ?? 8);
const firstSeed = Number(process.env.MARGAY_SEED ?? 20261126);

function worldsOf(seed: number): World[] {
  const maker = new WorldMaker(new Random(seed));
  const worlds = [maker.world()];
  while (worlds.length < 4) worlds.push(maker.changed(worlds.at(-1)!));
  return [...worlds, maker.world()];
}

const seeds = Array.from({ length: rounds }, (_, i) => firstSeed + i);

for (const seed of seeds) {
  test(`whatever way a store tells of a world, the calculation is that of the whole snapshot: seed ${seed}`, t => {
    runSequences(t, worldsOf(seed), new Random(-seed));
  });
}

test('the generated worlds have something of everything', t => {
  const seen = new Map<string, number>();
  const all = Array.from({ length: 40 }, (_, i) => worldsOf(firstSeed + i)).flat();
  for (const world of all) {
    const calculator = new PolicyCalculator(HOST);
    calculator.setInterfaceAddresses(world.interfaces);
    for (const document of [...world.documents.values(), ...world.standIns.values()])
      calculator.set(document);
    calculator.take();
    for (const what of contentsOf(calculator.current)) seen.set(what, (seen.get(what) ?? 0) + 1);
  }
  t.log(Object.fromEntries(seen));
  for (const what of expected) t.true((seen.get(what) ?? 0) >= 8, `${what}: ${seen.get(what) ?? 0} times`);
});

const sideParts = [
  'nets',
  'notNets',
  'sets',
  'notSets',
  'ports',
  'notPorts',
  'namedPorts',
  'notNamedPorts',
] as const satisfies readonly (keyof RuleSide)[];
const ruleParts = ['family', 'protocol', 'notProtocol', 'icmp', 'notIcmp', 'annotations'] as const;
const stages = [
  'tiers',
  'forward',
  'untracked',
  'preDnat',
] as const satisfies readonly (keyof HostEndpoint)[];
const kinds = [
  'NetworkPolicy',
  'GlobalNetworkPolicy',
  'KubernetesNetworkPolicy',
  'StagedNetworkPolicy',
  'StagedGlobalNetworkPolicy',
  'StagedKubernetesNetworkPolicy',
];
const expected = [
  ...sideParts.flatMap(part => [`source.${part}`, `destination.${part}`]),
  ...ruleParts,
  ...stages,
  ...kinds,
  'workload in two tiers',
  'workload in no tier',
  'three policies one way',
  'disabled',
  'missing profile',
  'profile with rules',
  'second interface of a host endpoint',
  'set of several addresses',
  'set of several ports',
  'empty set',
  'flush on deny true',
  'flush on deny false',
];

function* contentsOf({ workloads, hosts, policies, profiles, sets }: HostPolicy): Generator<string> {
  for (const { tiers, disabled, profiles: names } of workloads.values()) {
    if (tiers.length >= 2) yield 'workload in two tiers';
    if (tiers.length === 0) yield 'workload in no tier';
    if (tiers.some(threeOneWay)) yield 'three policies one way';
    if (disabled) yield 'disabled';
    if (names.some(name => !profiles.has(name))) yield 'missing profile';
  }
  for (const host of hosts.values()) {
    yield* stages.filter(stage => host[stage].length > 0);
    if (host.key.includes('%')) yield 'second interface of a host endpoint';
  }
  for (const { ingress, egress } of profiles.values())
    if (ingress.length + egress.length > 0) yield 'profile with rules';
  for (const { key, flushOnDeny, ingress, egress } of policies.values()) {
    yield key.slice(0, key.indexOf('/'));
    if (flushOnDeny !== undefined) yield `flush on deny ${flushOnDeny}`;
    for (const rule of [...ingress, ...egress]) {
      yield* ruleParts.filter(part => rule[part] !== undefined);
      for (const side of ['source', 'destination'] as const)
        yield* sideParts.filter(part => rule[side][part].length > 0).map(part => `${side}.${part}`);
    }
  }
  for (const { kind, members } of sets.values()) {
    if (members.size === 0) yield 'empty set';
    if (members.size > 1) yield kind === 'nets' ? 'set of several addresses' : 'set of several ports';
  }
}

function threeOneWay({ ingress, egress }: EndpointTier): boolean {
  return Math.max(ingress.length, egress.length) >= 3;
}
