import test from 'ava';
import fc from 'fast-check';
import { BestRouteIntake } from '../../agent/best-route-intake.js';
import type { Family } from '../../bgp/family.js';
import { type BestRouteBatch, NO_ROUTE, type SpeakerCommand } from '../../bgp/speaker/contract.js';
import { ipv4ToNumber } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { BestPath } from '../../ipip/kernel-routes.js';

const IPV4: Family = 'ipv4-unicast';
const IPV6: Family = 'ipv6-unicast';

/** Prefixes are `10.0.N.0/24`, told by N; `-N` is one that is gone. */
function batch(sequence: number, numbers: readonly number[], endOfTable = false): BestRouteBatch {
  return {
    family: IPV4,
    sequence,
    count: numbers.length,
    addresses: Int32Array.from(numbers, n => ipv4ToNumber(`10.0.${Math.abs(n)}.0` as never) | 0),
    lengths: new Uint8Array(numbers.length).fill(24),
    nextHopSet: Uint32Array.from(numbers, n => (n < 0 ? NO_ROUTE : 0)),
    nextHopSets: [{ nextHops: ['10.9.0.1' as never], origin: 'ibgp', stale: false }],
    endOfTable,
  };
}

function newIntake() {
  const known = new Map<Prefix, BestPath>();
  const pulls: string[] = [];
  const wholes: Family[] = [];
  let flushes = 0;
  const taker = {
    setBest: (prefix: Prefix, path: BestPath | undefined) =>
      void (path === undefined ? known.delete(prefix) : known.set(prefix, path)),
    flush: () => void flushes++,
    bestPrefixes: () => known.keys(),
  };
  const send = (command: SpeakerCommand) => {
    if (command.kind === 'pull-best-routes') pulls.push(`${command.family} ${command.sequence}`);
  };
  const intake = new BestRouteIntake(taker, send, family => wholes.push(family));
  const numbers = () => [...known.keys()].map(prefix => Number(prefix.split('.')[2])).sort((a, b) => a - b);
  return { intake, pulls, wholes, numbers, known, flushes: () => flushes };
}

test('each batch is taken, then the next is asked for', t => {
  const { intake, pulls, numbers, wholes, flushes } = newIntake();
  intake.begin(IPV4);
  intake.take(batch(1, [1, 2]));
  intake.take(batch(2, [3], true));
  intake.take(batch(3, [-2, 4]));
  t.deepEqual(numbers(), [1, 3, 4]);
  t.deepEqual(
    pulls,
    [0, 1, 2, 3].map(sequence => `${IPV4} ${sequence}`),
  );
  t.deepEqual(wholes, [IPV4]);
  t.is(flushes(), 3);
});

test('a table that is told anew takes away what it does not repeat, at its end and not before', t => {
  const { intake, numbers, wholes } = newIntake();
  intake.begin(IPV4);
  intake.take(batch(1, [1, 2, 3], true));
  intake.begin(IPV4);
  t.deepEqual(numbers(), [1, 2, 3]);
  intake.take(batch(1, [3]));
  t.deepEqual(numbers(), [1, 2, 3]);
  intake.take(batch(2, [4], true));
  t.deepEqual(numbers(), [3, 4]);
  t.is(wholes.length, 2);
});

test('what was told of an older table is no end of the new one', t => {
  const { intake, pulls, numbers, wholes } = newIntake();
  intake.begin(IPV4);
  intake.take(batch(1, [1, 2]));
  intake.begin(IPV4);
  const asked = pulls.length;
  // On its way when the new table was asked for.
  intake.take(batch(2, [3], true));
  t.deepEqual(numbers(), [1, 2, 3]);
  t.deepEqual(wholes, []);
  t.is(pulls.length, asked);
  // 3 was withdrawn before the new walk began.
  intake.take(batch(1, [1], true));
  t.deepEqual(numbers(), [1]);
  t.deepEqual(wholes, [IPV4]);
});

test('a table asked for twice in a row is whole when the second one is', t => {
  const { intake, numbers, wholes } = newIntake();
  intake.begin(IPV4);
  intake.begin(IPV4);
  intake.take(batch(1, [1, 2], true));
  t.deepEqual(wholes, []);
  intake.take(batch(1, [2], true));
  t.deepEqual(numbers(), [2]);
  t.deepEqual(wholes, [IPV4]);
});

test('a speaker that ends takes nothing with it; its successor is believed once it is asked', t => {
  const { intake, numbers } = newIntake();
  intake.begin(IPV4);
  intake.take(batch(1, [1, 2], true));
  intake.begin(IPV4);
  intake.speakerEnded();
  t.deepEqual(numbers(), [1, 2]);
  intake.begin(IPV4);
  intake.take(batch(1, [2], true));
  t.deepEqual(numbers(), [2]);
});

test('one family is no part of the table of the other', t => {
  const { intake, numbers, known, wholes } = newIntake();
  known.set('fd00::/64' as Prefix, { nextHops: [], origin: 'ibgp' });
  intake.begin(IPV4);
  intake.begin(IPV6);
  intake.take(batch(1, [1], true));
  t.true(known.has('fd00::/64' as Prefix));
  t.deepEqual(wholes, [IPV4]);
  const none = { count: 0, addresses: new Int32Array(), lengths: new Uint8Array() };
  intake.take({ ...batch(1, [], true), ...none, family: IPV6 });
  t.false(known.has('fd00::/64' as Prefix));
  t.deepEqual(numbers(), [1]);
});

/** The speaker's side, as slow and plain as can be: a walk over a table that changes, with messages on their way in both directions. */
test('whatever comes in between, in the end what is known is the table', t => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('change' as const), n: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constantFrom('begin' as const, 'to-speaker' as const, 'to-agent' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const toSpeaker: number[] = [];
      const toAgent: BestRouteBatch[] = [];
      const table = new Set<number>();
      let walk: number[] | undefined;
      let pending = new Set<number>();
      let sequence = 0;
      let asked = false;
      const known = new Set<number>();
      const number = (prefix: Prefix) => Number(prefix.split('.')[2]);
      const taker = {
        setBest: (prefix: Prefix, path: BestPath | undefined) =>
          void (path === undefined ? known.delete(number(prefix)) : known.add(number(prefix))),
        flush: () => {},
        bestPrefixes: () => [...known].map(n => `10.0.${n}.0/24` as Prefix),
      };
      const intake = new BestRouteIntake(
        taker,
        command => command.kind === 'pull-best-routes' && toSpeaker.push(command.sequence),
        () => {},
      );
      const answer = () => {
        if (!asked || (walk === undefined && pending.size === 0)) return;
        asked = false;
        // Two to a batch.
        const told = [...pending, ...(walk ?? [])].slice(0, 2);
        const end = walk !== undefined && [...pending, ...walk].length <= 2;
        for (const n of told) pending.delete(n);
        walk = end ? undefined : walk?.filter(n => !told.includes(n));
        const rows = told.map(n => (table.has(n) ? n : -n));
        toAgent.push(batch(++sequence, rows, end));
      };
      const perform = (kind: 'begin' | 'to-speaker' | 'to-agent') => {
        if (kind === 'begin') intake.begin(IPV4);
        else if (kind === 'to-agent' && toAgent.length > 0) intake.take(toAgent.shift()!);
        else if (kind === 'to-speaker' && toSpeaker.length > 0) {
          asked = true;
          if (toSpeaker.shift() === 0) {
            walk = [...table];
            pending = new Set();
            sequence = 0;
          }
          answer();
        }
      };
      intake.begin(IPV4);
      for (const one of steps) {
        if (one.kind !== 'change') perform(one.kind);
        else {
          if (!table.delete(one.n)) table.add(one.n);
          pending.add(one.n);
          answer();
        }
      }
      for (let i = 0; i < 200; i++) perform(i % 2 === 0 ? 'to-speaker' : 'to-agent');
      if ([...known].sort().join() !== [...table].sort().join()) {
        throw new Error(`${[...known].sort()} is not ${[...table].sort()}`);
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
