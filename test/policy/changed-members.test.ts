/** What is noted of changes of sets is a short cut: with it and without it the same is rendered and written. */
import test from 'ava';
import { settings } from '../../bench/policy/host-policies.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { planSets } from '../../policy/apply/set-plan.js';
import { noteChange } from '../../policy/changed-members.js';
import { type AddressSet, type HostPolicy, memberOf } from '../../policy/model.js';
import { renderSets } from '../../policy/render/sets.js';
import type { RenderedSet } from '../../policy/rendered.js';
import { Random } from '../support/random.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);

const nets = [
  ...Array.from({ length: 30 }, (_, i) => `10.0.0.${i}/32`),
  ...Array.from({ length: 10 }, (_, i) => `fd00::${i}/128`),
  // Put in by halves, one of which may be a member itself.
  '0.0.0.0/0',
  '0.0.0.0/1',
  '10.0.0.0/8',
];
const ports = Array.from({ length: 30 }, (_, i) =>
  memberOf((i % 3 === 0 ? `fd00::${i}` : `10.0.0.${i}`) as IpAddress, i % 2 === 0 ? 6 : 17, 80 + i),
);

function hostWith(set: AddressSet): HostPolicy {
  return {
    workloads: new Map(),
    hosts: new Map(),
    policies: new Map(),
    profiles: new Map(),
    sets: new Map([[set.id, set]]),
  };
}

function setOf(kind: AddressSet['kind'], members: ReadonlySet<string>): AddressSet {
  const [id, what] = ['s:test', 'a test'];
  return kind === 'nets'
    ? { id, kind, what, members: members as ReadonlySet<Prefix> }
    : { id, kind, what, members };
}

/** As a kernel that has been given it. */
function savedOf({ name, type, family, maxElements, members }: RenderedSet) {
  return [name, { type, family, maxElements, plain: true, members }] as const;
}

for (const [kind, all] of [
  ['nets', nets],
  ['ports', ports],
] as const) {
  test(`a set of ${kind} that changes in place, some of it told and some not, is what it would be anew`, t => {
    t.log(`seed ${seed}`);
    const random = new Random(seed);
    let changed = 0;
    for (let run = 0; run < 60; run++) {
      const members = new Set<string>(all.filter(() => random.below(2) === 0));
      let set = setOf(kind, members);
      let before = renderSets(hostWith(set), settings, 'ipv4')[0]!;
      for (let step = 0; step < 8; step++) {
        const [added, deleted] = [new Set<string>(), new Set<string>()];
        for (const member of all) {
          if (random.below(8) > 0) continue;
          if (members.delete(member)) deleted.add(member);
          else {
            members.add(member);
            added.add(member);
          }
        }
        const next = setOf(kind, members);
        if (random.below(5) > 0) noteChange(set, next, { added, deleted });
        set = next;
        // Not everything is rendered.
        if (random.below(5) === 0) continue;
        const after = renderSets(hostWith(set), settings, 'ipv4')[0]!;
        const anew = renderSets(hostWith(setOf(kind, new Set(members))), { ...settings }, 'ipv4')[0]!;
        t.deepEqual([...after.members].sort(), [...anew.members].sort());
        const [plan, twin] = [after, anew].map(one => planSets([one], new Map([savedOf(before)])));
        const lines = (of: typeof plan) => of!.changes.flatMap(change => [...change.lines]).sort();
        t.deepEqual(lines(plan), lines(twin));
        changed += lines(plan).length;
        before = after;
      }
    }
    t.true(changed > 200, `${changed}`);
  });
}
