import test from 'ava';
import fc from 'fast-check';
import { chosenReflectors, rankReflectors } from '../../../agent/topology/reflector-choice.js';
import type { TopologyArrangement } from '../../../core/resources/cluster-documents.js';

const racks = ['r1', 'r2', 'r3', undefined] as const;
const reflectors = fc.uniqueArray(
  fc.record({ node: fc.string({ minLength: 1, maxLength: 8 }), spread: fc.constantFrom(...racks) }),
  { selector: ({ node }) => node, minLength: 1, maxLength: 9 },
);
const arrangements = fc
  .record({ reflectors, sessions: fc.integer({ min: 2, max: 5 }), spread: fc.boolean() })
  .map(({ reflectors: chosen, sessions, spread }): TopologyArrangement => {
    const planned = chosen.map(({ node, spread: value }) =>
      value === undefined ? { node } : { node, spread: value },
    );
    const by = spread ? { spreadBy: 'rack' } : {};
    return { mode: 'reflectors', reflectors: planned, sessionsPerClient: sessions, ...by };
  });
const clients = fc.string({ minLength: 1, maxLength: 8 });

function racked(count: number, values: number): TopologyArrangement {
  const planned = Array.from({ length: count }, (_, i) => ({ node: `ref-${i}`, spread: `r${i % values}` }));
  return { mode: 'reflectors', reflectors: planned, sessionsPerClient: 2, spreadBy: 'rack' };
}

test('a client has as many sessions as are wanted, or one with each reflector', t => {
  fc.assert(
    fc.property(clients, arrangements, (client, arrangement) => {
      const chosen = chosenReflectors(client, arrangement);
      t.is(new Set(chosen).size, chosen.length);
      t.is(chosen.length, Math.min(arrangement.sessionsPerClient, arrangement.reflectors.length));
    }),
  );
  t.pass();
});

test('sessions go to as many values of the label as there are', t => {
  fc.assert(
    fc.property(clients, arrangements, (client, arrangement) => {
      if (arrangement.spreadBy === undefined) return;
      const spreadOf = new Map(arrangement.reflectors.map(({ node, spread }) => [node, spread]));
      const values = new Set(chosenReflectors(client, arrangement).map(node => spreadOf.get(node)));
      const all = new Set(spreadOf.values());
      t.is(values.size, Math.min(all.size, arrangement.sessionsPerClient));
    }),
  );
  t.pass();
});

test('the order in which reflectors are written does not count', t => {
  fc.assert(
    fc.property(clients, arrangements, (client, arrangement) => {
      const reversed = { ...arrangement, reflectors: [...arrangement.reflectors].reverse() };
      t.deepEqual(chosenReflectors(client, reversed), chosenReflectors(client, arrangement));
    }),
  );
  t.pass();
});

test('a reflector that is lost costs each of its clients one session, and nobody else any', t => {
  fc.assert(
    fc.property(clients, arrangements, fc.nat(), (client, arrangement, at) => {
      const lost = arrangement.reflectors[at % arrangement.reflectors.length]!;
      const left = { ...arrangement, reflectors: arrangement.reflectors.filter(one => one !== lost) };
      const before = chosenReflectors(client, arrangement);
      const after = chosenReflectors(client, left);
      const ended = before.filter(node => !after.includes(node));
      t.deepEqual(ended, before.includes(lost.node) ? [lost.node] : []);
    }),
  );
  t.pass();
});

test('a reflector in the place of another moves at most one session of any client', t => {
  const before = racked(6, 3);
  const after = {
    ...before,
    reflectors: [...before.reflectors.slice(1), { node: 'new', spread: 'r0' }],
  };
  let moved = 0;
  for (let i = 0; i < 1000; i++) {
    const was = chosenReflectors(`host-${i}`, before);
    const gone = was.filter(node => !chosenReflectors(`host-${i}`, after).includes(node));
    t.true(gone.length <= 1);
    moved += gone.length;
  }
  // A third of the clients had the lost one, and as many want the new one: not all of them are the same.
  t.true(moved > 200 && moved < 700, `${moved}`);
});

test('the load is even: no reflector has a third more or less than its share', t => {
  for (const arrangement of [racked(4, 1), racked(6, 3), racked(8, 4)]) {
    const clientsOf = new Map(arrangement.reflectors.map(({ node }) => [node, 0]));
    for (let i = 0; i < 2000; i++) {
      for (const node of chosenReflectors(`node-${i}.cluster.example`, arrangement)) {
        clientsOf.set(node, clientsOf.get(node)! + 1);
      }
    }
    const share = (2000 * 2) / arrangement.reflectors.length;
    for (const [node, count] of clientsOf) {
      t.true(count > share / 1.33 && count < share * 1.33, `${node} has ${count}, and its share is ${share}`);
    }
  }
});

test('every reflector has a reason, chosen or not', t => {
  const ranked = rankReflectors('a', racked(4, 2));
  t.is(ranked.length, 4);
  t.is(ranked.filter(({ chosen }) => chosen).length, 2);
  t.true(ranked.every(({ why }) => why !== ''));
});
