import test from 'ava';
import fc from 'fast-check';
import { ControllerLease } from '../../../agent/controller/controller-lease.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { Random } from '../../support/random.js';
import { type Faults, FaultyStore, faultless, pass } from './faulty-store.js';

interface Candidate {
  readonly name: string;
  readonly faults: Faults;
  readonly lease: ControllerLease;
}

function candidate(
  name: string,
  memory: MemoryStore,
  clock: FakeClock,
  { seed = 1, faults = faultless(), seconds = (): number => 30 } = {},
): Candidate {
  const random = new Random(seed);
  const lease = new ControllerLease({
    ...{ nodeName: name, instance: `${name}-instance`, process: `${name}-${seed}` },
    ...{ store: new FaultyStore(memory, clock, faults), clock, random: () => random.below(1000) / 1000 },
    ...{ unixMs: () => 0, durationSeconds: seconds, turned: () => {}, changed: () => {} },
  });
  lease.start();
  return { name, faults, lease };
}

const acting = (candidates: readonly Candidate[]) =>
  candidates.filter(({ lease }) => lease.mayAct()).map(({ name }) => name);

test('the first that asks is the controller, and stays it', async t => {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const a = candidate('a', memory, clock);
  await pass(clock, 12_000);
  const b = candidate('b', memory, clock, { seed: 2 });
  await pass(clock, 300_000);
  t.deepEqual(acting([a, b]), ['a']);
  t.is(b.lease.spec?.holder, 'a');
});

test('another takes over when renewals stop, after the lease has run out and not before', async t => {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const a = candidate('a', memory, clock);
  await pass(clock, 12_000);
  const b = candidate('b', memory, clock, { seed: 2 });
  await pass(clock, 60_000);
  a.faults.reachable = false;
  const cutOff = clock.now();
  while (acting([a]).length > 0) await pass(clock, 500);
  t.true(clock.now() - cutOff <= 25_000);
  t.deepEqual(acting([b]), []);
  while (acting([b]).length === 0 && clock.now() < cutOff + 100_000) await pass(clock, 500);
  t.true(clock.now() - cutOff >= 20_000 && clock.now() - cutOff < 60_000);
  a.faults.reachable = true;
  await pass(clock, 100_000);
  t.deepEqual(acting([a, b]), ['b']);
});

test('one that ends leaves the part to others at once', async t => {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const a = candidate('a', memory, clock);
  await pass(clock, 12_000);
  const b = candidate('b', memory, clock, { seed: 2 });
  await pass(clock, 20_000);
  await a.lease.stop();
  t.false(a.lease.mayAct());
  await pass(clock, 13_000);
  t.deepEqual(acting([a, b]), ['b']);
});

test('while the store is away for all nobody takes over, and the holder is it again when it is back', async t => {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const a = candidate('a', memory, clock);
  await pass(clock, 12_000);
  const b = candidate('b', memory, clock, { seed: 2 });
  await pass(clock, 20_000);
  for (const { faults } of [a, b]) faults.reachable = false;
  await pass(clock, 600_000);
  t.deepEqual(acting([a, b]), []);
  for (const { faults } of [a, b]) faults.reachable = true;
  await pass(clock, 12_000);
  t.deepEqual(acting([a, b]), ['a']);
});

test('a renewal that was made though the store said otherwise is taken for what it is', async t => {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const a = candidate('a', memory, clock);
  await pass(clock, 12_000);
  a.faults.answersLost = true;
  await pass(clock, 11_000);
  a.faults.answersLost = false;
  await pass(clock, 11_000);
  t.deepEqual(acting([a]), ['a']);
});

test('a host that slept does not act when it wakes, whatever became of the lease', async t => {
  const [memory, own, others] = [new MemoryStore(), new FakeClock(), new FakeClock()];
  const a = candidate('a', memory, own);
  await pass(own, 12_000);
  const b = candidate('b', memory, others, { seed: 2 });
  await pass(others, 60_000);
  t.deepEqual(acting([b]), ['b']);
  // Its clock went on, and nothing of what was due has run yet.
  own.advance(60_000);
  t.false(a.lease.mayAct());
  for (let i = 0; i < 120; i++) for (const clock of [own, others]) await pass(clock, 500);
  t.deepEqual(acting([a, b]), ['b']);
});

type Event = readonly [
  host: number,
  fault: 'cut' | 'mend' | 'lose' | 'slow' | 'end' | 'again',
  waitMs: number,
];

const event = fc.tuple(
  fc.nat(2),
  fc.constantFrom('cut', 'mend', 'lose', 'slow', 'end', 'again'),
  fc.integer({ min: 100, max: 50_000 }),
);

async function play(events: readonly Event[], seed: number): Promise<{ most: number; turns: Set<string> }> {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  // A cluster that grows and shrinks changes how long a lease lasts.
  const seconds = () => (Math.floor(clock.now() / 100_000) % 2 === 0 ? 30 : 60);
  const begin = (i: number, life: number) =>
    candidate(`h${i}`, memory, clock, { seed: seed + i * 100 + life, seconds });
  const hosts = [0, 1, 2].map(i => begin(i, 0));
  const turns = new Set<string>();
  let most = 0;
  for (const [i, [host, fault, waitMs]] of events.entries()) {
    const { faults, lease } = hosts[host]!;
    if (fault === 'cut') faults.reachable = false;
    else if (fault === 'mend') Object.assign(faults, faultless());
    else if (fault === 'lose') faults.answersLost = true;
    else if (fault === 'slow') faults.delayMs = 4000;
    else if (fault === 'end') void lease.stop();
    else {
      // Killed, and begun anew.
      faults.reachable = false;
      hosts[host] = begin(host, i + 1);
    }
    for (let passed = 0; passed < waitMs; passed += 500) {
      await pass(clock, 500);
      const now = acting(hosts);
      for (const name of now) turns.add(name);
      most = Math.max(most, now.length);
    }
  }
  return { most, turns };
}

test('whatever becomes of the store and the hosts, no two are the controller at a time', async t => {
  const turns = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 25 }), fc.nat(1000), async (events, seed) => {
      const played = await play(events, seed);
      for (const name of played.turns) turns.add(name);
      return played.most <= 1;
    }),
    { numRuns: 60 },
  );
  t.is(turns.size, 3);
});
