import test from 'ava';
import type { TopologyInForce } from '../../../agent/calculators/topology.js';
import { ArrangementView, MESH } from '../../../agent/topology/arrangement.js';
import { directSession } from '../../../agent/topology/topology-session.js';
import { TopologyWatch } from '../../../agent/topology/topology-watch.js';
import type { SpeakerAnswer, SpeakerQuery } from '../../../bgp/speaker/contract.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import { pass } from '../controller/faulty-store.js';
import { settingsOf } from './hosts.js';

interface Rig {
  readonly clock: FakeClock;
  readonly asked: SpeakerQuery[];
  generation: number;
  ending: boolean;
  changes: number;
  answers: boolean;
  readonly watch: TopologyWatch;
}

function rig(): Rig {
  const clock = new FakeClock();
  const made: Rig = {
    clock,
    asked: [],
    generation: 1,
    ending: false,
    changes: 0,
    answers: true,
    watch: new TopologyWatch({
      clock,
      inForce: (): TopologyInForce => ({
        plan: {
          ...{ generation: made.generation, decidedUnixMs: 0, current: MESH },
          ...{ heldDown: [], reasons: [] },
        },
        settings: settingsOf(),
        layers: [{ view: new ArrangementView(MESH, 'a'), stays: !made.ending }],
      }),
      arranged: () =>
        new Map(
          made.ending ? [['Mesh_2', { name: 'two', session: { ...directSession, stays: false } }]] : [],
        ),
      ask: async (query): Promise<SpeakerAnswer> => {
        made.asked.push(query);
        if (!made.answers) return { kind: 'error', message: 'restarting' };
        return query.kind === 'peers'
          ? { kind: 'peers', peers: [] }
          : {
              kind: 'dependence',
              dependence: [{ peer: 'Mesh_2', prefixes: 1, example: '10.0.0.0/8' as never }],
            };
      },
      changed: () => made.changes++,
    }),
  };
  return made;
}

test('it looks when something changes, again and again as long as there is something to wait for, and rests then', async t => {
  const made = rig();
  t.is(made.watch.progress, undefined);
  made.watch.review();
  made.watch.review();
  await pass(made.clock, 1000);
  t.like(made.watch.progress, { generation: 1, inSync: true });
  await pass(made.clock, 60_000);
  t.is(made.asked.length, 1);
  made.generation = 2;
  made.ending = true;
  made.watch.review();
  await pass(made.clock, 1000);
  t.like(made.watch.progress, { generation: 2, inSync: false, waitsFor: ['two'] });
  t.is(made.changes, 2);
  t.deepEqual(made.asked.at(-1), { kind: 'dependence', ending: ['Mesh_2'], relays: [] });
  const before = made.asked.length;
  await pass(made.clock, 60_000);
  const looks = (made.asked.length - before) / 2;
  t.true(looks >= 5 && looks <= 10, `${looks}`);
  made.watch.close();
  await pass(made.clock, 60_000);
  t.is((made.asked.length - before) / 2, looks);
});

test('what a speaker does not answer is asked again', async t => {
  const made = rig();
  made.answers = false;
  made.watch.review();
  await pass(made.clock, 3000);
  t.is(made.watch.progress, undefined);
  made.answers = true;
  await pass(made.clock, 10_000);
  t.true(made.watch.progress?.inSync);
});

test('whom others wait for is told after a minute, and not any more when it is in sync', async t => {
  const made = rig();
  made.watch.review();
  await pass(made.clock, 600_000);
  made.generation = 2;
  made.ending = true;
  made.watch.review();
  await pass(made.clock, 50_000);
  t.deepEqual(made.watch.conditions(), []);
  await pass(made.clock, 15_000);
  t.like(made.watch.conditions()[0], { severity: 'warning', objects: ['TopologyPlan/default'] });
  made.ending = false;
  made.watch.review();
  await pass(made.clock, 1000);
  t.deepEqual(made.watch.conditions(), []);
});
