import test from 'ava';
import fc from 'fast-check';
import { ArrangementView } from '../../../agent/topology/arrangement.js';
import type { TopologyHosts } from '../../../agent/topology/cluster-hosts.js';
import { planTopology, type TopologyPlan } from '../../../agent/topology/planner.js';
import { nothingSeen } from '../../../agent/topology/planner-memory.js';
import { rankReflectors } from '../../../agent/topology/reflector-choice.js';
import type { TopologySettings } from '../../../agent/topology/settings.js';
import { hostOf, hostsOf, inSync, mapOf, settingsOf, silent } from './hosts.js';

/** A controller through time. */
class Rounds {
  plan: TopologyPlan | undefined;
  waits = '';
  memory = nothingSeen;
  nowMs = 0;
  /** Generations, in the order in which they came. */
  readonly generations: TopologyPlan[] = [];

  round(hosts: TopologyHosts, settings: TopologySettings, seconds = 5): TopologyPlan {
    this.nowMs += seconds * 1000;
    const planned = planTopology({
      previous: this.plan,
      hosts,
      settings,
      memory: this.memory,
      nowMs: this.nowMs,
      unixMs: 1_000_000 + this.nowMs,
    });
    if (planned.plan?.generation !== this.plan?.generation) this.generations.push(planned.plan!);
    this.plan = planned.plan;
    this.memory = planned.memory;
    this.waits = planned.waits;
    return planned.plan!;
  }
}

const names = (plan: TopologyPlan) => plan.current.reflectors.map(({ node }) => node);
const auto = settingsOf({ meshLimit: 10 });

test('the first plan is what hosts do without one: a mesh up to the limit, reflectors above', t => {
  const small = new Rounds().round(hostsOf(10), auto);
  t.like(small, { generation: 1, current: { mode: 'mesh' } });
  t.is(small.previous, undefined);
  const large = new Rounds().round(hostsOf(11), auto);
  t.like(large, { generation: 1, current: { mode: 'reflectors' } });
  t.is(large.previous, undefined);
  t.is(large.current.reflectors.length, 3);
});

test('what a mesh is kept for is still true when hosts have joined: no other plan comes of that', t => {
  const rounds = new Rounds();
  const plan = rounds.round(hostsOf(1), auto);
  t.is(rounds.round(hostsOf(5), auto), plan);
  t.deepEqual(plan.reasons, ['there are no more hosts than a mesh is kept for, 10']);
});

test('reasons with a label are sentences also where hosts have none', t => {
  const rounds = new Rounds();
  const settings = settingsOf({ meshLimit: 10, spreadBy: 'rack' });
  rounds.round(hostsOf(10), settings);
  const { current, reasons } = rounds.round(hostsOf(11), settings, 60);
  const why = rankReflectors('client', current).map(one => one.why);
  t.true(
    reasons.some(reason => /the hosts without that label/.test(reason)),
    reasons.join(),
  );
  t.true(
    why.some(reason => /the first without the label rack/.test(reason)),
    why.join(),
  );
  t.notRegex([...reasons, ...why].join(), /no label/);
});

test('nothing is planned for nobody', t => {
  const rounds = new Rounds();
  t.is<unknown, undefined>(rounds.round(new Map(), auto), undefined);
});

test('a mesh that grows past its limit is kept beside the reflectors until every living host is in sync', t => {
  const rounds = new Rounds();
  rounds.round(hostsOf(10), auto);
  const grown = hostsOf(12);
  const plan = rounds.round(grown, auto, 60);
  t.like(plan, { generation: 2, current: { mode: 'reflectors' }, previous: { mode: 'mesh' } });
  t.is(rounds.round(grown, auto), plan, 'nobody has reported');
  t.regex(rounds.waits, /node-0 and for 11 more|for node-0, and for 11 more/);
  const almost = inSync(grown, 2);
  almost.set('node-5', hostOf('node-5', { progress: progress(2, ['node-7']) }));
  t.is(rounds.round(almost, auto), plan);
  t.regex(rounds.waits, /node-5/);
  // Whoever is gone is not waited for, and neither is what somebody waits for from there.
  const without = mapOf(almost.values());
  without.set('node-7', silent(hostOf('node-7'), 20));
  const done = rounds.round(without, auto);
  t.is(done.previous, undefined);
  t.is(done.generation, 2);
});

function progress(generation: number, waitsFor: readonly string[]) {
  return { generation, inSync: waitsFor.length === 0, detail: '', waitsFor };
}

test('the way back to a mesh begins at four fifths of the limit', t => {
  const rounds = new Rounds();
  rounds.round(hostsOf(11), auto);
  for (const count of [10, 9, 11, 10, 9]) {
    t.is(rounds.round(inSync(hostsOf(count), 1), auto, 600).generation, 1);
  }
  t.like(rounds.round(inSync(hostsOf(8), 1), auto, 600), { generation: 2, current: { mode: 'mesh' } });
  for (const count of [9, 10, 8, 10]) {
    t.is(rounds.round(inSync(hostsOf(count), 2), auto, 600).current.mode, 'mesh');
  }
});

test('reflectors are three at least, or as many as are wanted, each on another value of the label', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 11, max: 60 }),
      fc.integer({ min: 1, max: 7 }),
      fc.option(fc.integer({ min: 3, max: 9 }), { nil: undefined }),
      (count, racks, reflectors) => {
        const wish = reflectors === undefined ? {} : { reflectors };
        const settings = settingsOf({ meshLimit: 10, spreadBy: 'rack', ...wish });
        const plan = new Rounds().round(hostsOf(count, racks), settings);
        t.is(plan.current.reflectors.length, reflectors ?? 3);
        const of = new Map<string | undefined, number>();
        for (const { spread } of plan.current.reflectors) of.set(spread, (of.get(spread) ?? 0) + 1);
        const most = Math.max(...of.values());
        // No value has two more than another, which has none then.
        for (let i = 0; i < racks; i++) t.true(most - (of.get(`r${i}`) ?? 0) <= 1);
        t.true(plan.reasons.every(reason => /^\S.*\S$/.test(reason)));
      },
    ),
  );
});

test('every two hosts are connected by at most two reflectors, and both ends of a session agree on it', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 11, max: 40 }),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 2, max: 3 }),
      (count, racks, sessionsPerClient) => {
        const spread = racks === 0 ? {} : { spreadBy: 'rack' };
        const settings = settingsOf({ meshLimit: 10, sessionsPerClient, ...spread });
        const hosts = hostsOf(count, racks);
        const { current } = new Rounds().round(hosts, settings);
        const views = new Map([...hosts.keys()].map(name => [name, new ArrangementView(current, name)]));
        const opposite = {
          mesh: 'mesh',
          fellow: 'fellow',
          client: 'reflector',
          reflector: 'client',
        } as const;
        const reflectorsOf = (name: string) =>
          views.get(name)!.reflects
            ? [name]
            : [...hosts.keys()].filter(other => views.get(name)!.partOf(other) === 'reflector');
        for (const a of hosts.keys()) {
          if (!views.get(a)!.reflects) t.is(reflectorsOf(a).length, sessionsPerClient);
          for (const b of hosts.keys()) {
            const part = views.get(a)!.partOf(b);
            t.is(views.get(b)!.partOf(a), part === undefined ? undefined : opposite[part]);
          }
        }
        // All reflectors are fellows: from any of one's own to any of the other's there is a session, or it is the same.
        for (const { node } of current.reflectors) {
          for (const { node: other } of current.reflectors) {
            if (node !== other) t.is(views.get(node)!.partOf(other), 'fellow');
          }
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('a better candidate changes nothing', t => {
  fc.assert(
    fc.property(fc.integer({ min: 11, max: 30 }), fc.integer({ min: 1, max: 100 }), (count, more) => {
      const settings = settingsOf({ meshLimit: 10, spreadBy: 'rack' });
      const rounds = new Rounds();
      const first = rounds.round(hostsOf(count, 1), settings);
      const joined = hostsOf(count, 1);
      for (let i = 0; i < more; i++) joined.set(`x-${i}`, hostOf(`x-${i}`, { labels: { rack: `q${i}` } }));
      t.is(rounds.round(joined, settings, 600), first);
    }),
  );
});

test('a reflector is replaced once it has been silent for as long as is allowed, and by one alone', t => {
  const settings = settingsOf({ meshLimit: 10, spreadBy: 'rack' });
  const rounds = new Rounds();
  const hosts = hostsOf(20, 4);
  const first = rounds.round(hosts, settings);
  const lost = names(first)[1]!;
  const rack = hosts.get(lost)!.labels.rack;
  const taken = first.current.reflectors.map(({ spread }) => spread).filter(value => value !== rack);
  for (const seconds of [15, 30, 59]) {
    hosts.set(lost, silent(hosts.get(lost)!, seconds));
    t.is(rounds.round(hosts, settings, 40), first);
  }
  hosts.set(lost, silent(hosts.get(lost)!, 60));
  const second = rounds.round(hosts, settings);
  t.is(second.generation, 2);
  t.deepEqual(second.previous, first.current);
  t.deepEqual(second.heldDown, [lost]);
  const stayed = names(second).filter(name => names(first).includes(name));
  t.deepEqual(
    stayed,
    names(first).filter(name => name !== lost),
  );
  const [added] = second.current.reflectors.filter(({ node }) => !names(first).includes(node));
  t.false(taken.includes(added?.spread), 'its value had no reflector');
  t.true(second.reasons.some(reason => reason.includes(lost)));
});

test('one that leaves the selector, or the cluster, is replaced at once; one that is silent where nobody else is left stays', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(11);
  const [gone, unwanted, dead] = names(rounds.round(hosts, auto));
  hosts.delete(gone!);
  const second = rounds.round(hosts, auto, 60);
  t.false(names(second).includes(gone!));
  t.is(names(second).length, 3);
  hosts.set(unwanted!, hostOf(unwanted!, { labels: { role: 'tenant' } }));
  const third = rounds.round(hosts, { ...auto, reflectorSelector: "role != 'tenant'" }, 60);
  t.false(names(third).includes(unwanted!));
  const few = mapOf([...hosts.values()].filter(({ name }) => names(third).includes(name)));
  const others = [...hosts.keys()].filter(name => !few.has(name));
  for (const name of others) few.set(name, hostOf(name, { labels: { role: 'tenant' } }));
  few.set(dead!, silent(hostOf(dead!), 100));
  const fourth = rounds.round(few, { ...auto, reflectorSelector: "role != 'tenant'" }, 600);
  t.is(fourth, third);
});

test('a reflector that flaps is replaced once, is not elected before it was steady, and plans come ever more slowly', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(12);
  const flapping = names(rounds.round(hosts, auto))[0]!;
  let silentSeconds = 0;
  // Away for 90 s, there for 30 s, for an hour.
  for (let at = 0; at < 3600; at += 5) {
    const away = at % 120 < 90;
    silentSeconds = away ? silentSeconds + 5 : 0;
    hosts.set(flapping, away ? silent(hosts.get(flapping)!, silentSeconds) : hostOf(flapping));
    rounds.round(hosts, auto);
  }
  t.is(rounds.generations.length, 2);
  t.false(names(rounds.plan!).includes(flapping));
  // Another is lost at the moment: the one that flapped is no candidate, and is again once it has been steady.
  hosts.set(flapping, hostOf(flapping));
  const others = [...hosts.keys()].filter(name => name !== flapping && !names(rounds.plan!).includes(name));
  for (const name of others) hosts.set(name, silent(hostOf(name), 600));
  const lost = names(rounds.plan!)[0]!;
  hosts.set(lost, silent(hostOf(lost), 61));
  const before = rounds.plan!;
  t.is(rounds.round(hosts, auto), before);
  for (let at = 0; at < 260; at += 5) t.is(rounds.round(hosts, auto), before);
  for (let at = 0; at < 60; at += 5) rounds.round(hosts, auto);
  t.true(names(rounds.plan!).includes(flapping));
});

test('however often one host after the other fails, plans change at most so often: some at once, then one in ten minutes', t => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat({ max: 13 })), stream => {
      const rounds = new Rounds();
      const failing = stream[Symbol.iterator]();
      for (let at = 0; at < 7200; at += 60) {
        const hosts = hostsOf(14);
        const one = `node-${failing.next().value}`;
        hosts.set(one, silent(hosts.get(one)!, 100));
        rounds.round(hosts, auto, 60);
      }
      t.true(rounds.generations.length <= 16, `${rounds.generations.length} plans in two hours`);
    }),
    { numRuns: 20 },
  );
});

test('what was before goes when all are in sync, also while the next change waits', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(20);
  rounds.round(hostsOf(10), auto);
  const [lost] = names(rounds.round(hosts, auto, 60));
  const later = inSync(hosts, 2);
  later.set(lost!, silent(hosts.get(lost!)!, 61));
  const plan = rounds.round(later, auto);
  t.regex(rounds.waits, /the next change, to 3 reflectors, may come in 1 min/);
  t.is(plan.generation, 2);
  t.is(plan.previous, undefined);
  // The pause of two changes, from the second one on, by the time of day.
  t.is(plan.nextChangeUnixMs, 1_000_000 + 65_000 + 60_000);
  t.is(rounds.round(later, auto), plan, 'said once');
  later.set(lost!, hosts.get(lost!)!);
  const steady = rounds.round(inSync(hosts, 2), auto);
  t.is(steady.generation, 2);
  t.is(steady.nextChangeUnixMs, undefined, 'nothing else is wanted any more');
});

test('a host that has lost all of its reflectors does not wait', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(30);
  const [a, b] = names(rounds.round(hosts, auto));
  hosts.set(a!, silent(hosts.get(a!)!, 61));
  t.is(rounds.round(hosts, auto).generation, 1);
  hosts.set(b!, silent(hosts.get(b!)!, 61));
  t.is(rounds.round(hosts, auto).generation, 2);
});

test('what people want otherwise does not wait', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(11);
  rounds.round(hosts, auto);
  t.is(rounds.round(hosts, settingsOf({ mode: 'mesh' })).current.mode, 'mesh');
  t.is(rounds.round(hosts, settingsOf({ mode: 'reflectors' })).current.mode, 'reflectors');
  t.is(rounds.round(hosts, settingsOf({ mode: 'reflectors', reflectors: 5 })).current.reflectors.length, 5);
});

test('an arrangement that is given up before all had it leaves the last that all had', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(11);
  const mesh = settingsOf({ mode: 'mesh' });
  rounds.round(hosts, mesh);
  const second = rounds.round(hosts, settingsOf({ mode: 'reflectors' }));
  t.is(second.previous?.mode, 'mesh');
  const third = rounds.round(hosts, settingsOf({ mode: 'reflectors', reflectors: 4 }));
  t.like(third, { generation: 3, previous: { mode: 'mesh' } });
  const back = rounds.round(hosts, mesh);
  t.like(back, { generation: 4, current: { mode: 'mesh' } });
  t.is(back.previous, undefined);
});

test('a new spread is made of those that reflect as far as they fit', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(30, 10);
  const first = rounds.round(hosts, settingsOf({ mode: 'reflectors', reflectors: 4 }));
  // Two of them in one room, the others' rooms without one.
  const rooms = new Map([...hosts.keys()].map((name, i) => [name, `room${i % 5}`]));
  for (const name of names(first)) rooms.set(name, 'room0');
  for (const host of hosts.values()) {
    hosts.set(host.name, hostOf(host.name, { labels: { room: rooms.get(host.name)! } }));
  }
  const second = rounds.round(hosts, settingsOf({ mode: 'reflectors', reflectors: 4, spreadBy: 'room' }));
  t.is(new Set(second.current.reflectors.map(({ spread }) => spread)).size, 4);
  t.is(names(second).filter(name => names(first).includes(name)).length, 1);
});

test('where too few may reflect the mesh stays as long as it is small; no host that matches is no reason to have none', t => {
  const picky = settingsOf({ meshLimit: 10, mode: 'reflectors', reflectorSelector: "role == 'reflector'" });
  const small = new Rounds().round(hostsOf(5), picky);
  t.is(small.current.mode, 'reflectors', 'nobody matches: any may');
  const one = hostsOf(5);
  one.set('node-3', hostOf('node-3', { labels: { role: 'reflector' } }));
  t.is(new Rounds().round(one, picky).current.mode, 'mesh');
  const large = hostsOf(50);
  large.set('node-3', hostOf('node-3', { labels: { role: 'reflector' } }));
  t.deepEqual(names(new Rounds().round(large, picky)), ['node-3']);
  t.is(new Rounds().round(hostsOf(2), settingsOf({ mode: 'reflectors' })).current.mode, 'mesh');
});

test('more hosts take more reflectors, and as few again only with a fifth less', t => {
  const rounds = new Rounds();
  const of = (count: number) => {
    const hosts = hostsOf(count);
    const plan = rounds.round(
      rounds.plan === undefined ? hosts : inSync(hosts, rounds.plan.generation),
      settingsOf(),
      1800,
    );
    return plan.current.reflectors.length;
  };
  t.is(of(700), 3);
  t.is(of(800), 4);
  t.is(of(740), 4);
  t.is(of(610), 4);
  t.is(of(590), 3);
  t.is(of(5000), 20);
});

test('the next controller finds the plan, holds down whom it holds down, and lets it be for a while', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(12);
  const lost = names(rounds.round(hosts, auto))[0]!;
  hosts.set(lost, silent(hosts.get(lost)!, 61));
  const plan = rounds.round(hosts, auto, 60);
  const next = new Rounds();
  next.plan = plan;
  const back = hostsOf(12);
  t.is(next.round(back, auto), plan);
  const second = names(plan)[0]!;
  for (const name of back.keys()) {
    if (!names(plan).includes(name) && name !== lost) back.set(name, silent(hostOf(name), 999));
  }
  back.set(second, silent(hostOf(second), 61));
  for (let at = 0; at < 280; at += 5) t.is(next.round(back, auto), plan, `${at}`);
});

test('where nobody lives nothing is changed', t => {
  const rounds = new Rounds();
  const hosts = hostsOf(12);
  const plan = rounds.round(hosts, auto);
  const dead = mapOf([...hosts.values()].map(host => silent(host, 600)));
  t.is(rounds.round(dead, auto, 600), plan);
  const fresh = new Rounds().round(dead, auto);
  t.like(fresh, { generation: 1, current: plan.current });
});
