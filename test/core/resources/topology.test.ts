import test from 'ava';
import { problems, readsAs, refuses, written } from './written.js';

const usual = {
  mode: 'auto',
  meshLimit: 100,
  sessionsPerClient: 2,
  reflectorSelector: 'all()',
  replaceAfterSeconds: 60,
};

test('a BGPTopology that says nothing is the one that is in force without one', t => {
  readsAs(t, 'BGPTopology', {}, usual);
  readsAs(t, 'BGPTopology', { mode: null, spreadBy: null }, usual);
});

test('a BGPTopology keeps what it says', t => {
  const spec = {
    mode: 'reflectors',
    meshLimit: 50,
    reflectors: 5,
    sessionsPerClient: 3,
    spreadBy: 'topology.kubernetes.io/zone',
    reflectorSelector: "role == 'spine' && !has(spot)",
    replaceAfterSeconds: 30,
  };
  readsAs(t, 'BGPTopology', spec);
});

test('each wrong value of a BGPTopology is named with what is allowed', t => {
  refuses(t, 'BGPTopology', [
    [{ mode: 'star' }, 'mode', '"star"', 'one of auto, mesh, reflectors'],
    [{ meshLimit: 1 }, 'meshLimit', '1', 'a whole number from 2 to 1000'],
    [{ reflectors: 2 }, 'reflectors', '2', 'a whole number from 3 to 100'],
    [{ sessionsPerClient: 1 }, 'sessionsPerClient', '1', 'a whole number from 2 to 10'],
    [{ reflectors: 3, sessionsPerClient: 4 }, 'sessionsPerClient', '4', /which is 3/],
    [{ spreadBy: 'no label!' }, 'spreadBy', '"no label!"', /^the key of a label/],
    [{ reflectorSelector: 'has(' }, 'reflectorSelector', '"has("', /^a selector such as/],
    [{ replaceAfterSeconds: 0 }, 'replaceAfterSeconds', '0', 'a whole number from 5 to 3600'],
    [{ meshlimit: 5 }, 'meshlimit', '5', /meshLimit/],
  ]);
});

test('there is one BGPTopology and one TopologyPlan, called default', t => {
  for (const [kind, spec] of [['BGPTopology', {}] as const, ['TopologyPlan', plan] as const]) {
    const found = problems({ ...written(kind, spec), metadata: { name: 'mine' } });
    t.deepEqual(
      found.map(({ path, value }) => [path, value]),
      [['metadata.name', '"mine"']],
    );
  }
});

const plan = {
  generation: 3,
  decidedUnixMs: 1_700_000_000_000,
  current: {
    mode: 'reflectors',
    reflectors: [{ node: 'a', spread: 'r1' }, { node: 'b' }],
    sessionsPerClient: 2,
    spreadBy: 'rack',
  },
  previous: { mode: 'mesh', reflectors: [], sessionsPerClient: 2 },
  heldDown: ['c'],
  nextChangeUnixMs: 1_700_000_060_000,
  reasons: ['because'],
};

test('a TopologyPlan is read as it was written', t => {
  readsAs(t, 'TopologyPlan', plan);
  const mesh = { generation: 1, decidedUnixMs: 0, current: { mode: 'mesh' }, reasons: [] };
  readsAs(t, 'TopologyPlan', mesh, { ...mesh, current: plan.previous, heldDown: [] });
});

test('each wrong value of a TopologyPlan is named with what is allowed', t => {
  refuses(t, 'TopologyPlan', [
    [{ ...plan, generation: 0 }, 'generation', '0', /^a whole number from 1/],
    [{ ...plan, current: { mode: 'reflectors' } }, 'current.reflectors', 'nothing', /at least one/],
    [
      { ...plan, current: { mode: 'reflectors', reflectors: [{ node: 'a' }, { node: 'a' }] } },
      'current.reflectors',
      /a/,
      /different nodes/,
    ],
    [
      { ...plan, previous: { mode: 'mesh', reflectors: [{ node: 'a' }] } },
      'previous.reflectors',
      /a/,
      /a mesh has none/,
    ],
    [{ ...plan, heldDown: 'a' }, 'heldDown', '"a"', 'a list of node names'],
  ]);
});
