/**
 * A route reflector killed with -9, several times in a row, under a hundred clients (`reflector-lab.ts`). What is gone when it is back goes
 * at its End-of-RIB, at every client; nothing else is ever withdrawn; and when it does not come back all goes at the deadline, and not
 * before. `MARGAY_RESTARTS` says how often (3).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { logTail, within } from '../../../demo/host-lab.js';
import type { Host } from '../../../demo/lab.js';
import type { RouteChange } from '../../support/route-watch.js';
import type { LightClientReport } from './light-clients-process.js';
import { ReflectorLab } from './reflector-lab.js';

const restarts = Number(process.env.MARGAY_RESTARTS ?? 3);
const DOWN_MS = 1000;
/** Of its last life, in which nobody starts it again. */
const RESTART_TIME_SECONDS = 4;
/** So much later than it should a busy machine may do something. */
const LATE_MS = 2000;
/** The clock of the records is a little finer than that of what leaves a table. */
const CLOCK_MS = 2;

type Watches = ReadonlyMap<Host, readonly RouteChange[]>;

/** What became of the light clients' tables and of the kernels' routes since it was asked for. */
async function newsOf(world: ReflectorLab, watches: Watches) {
  const before = await world.reports();
  const seen = new Map([...watches].map(([host, changes]) => [host, changes.length]));
  return {
    lost: (reports: readonly LightClientReport[], i: number) =>
      reports[i]!.lost.slice(before[i]!.lost.length),
    kernel: (host: Host) => watches.get(host)!.slice(seen.get(host)),
    routesBefore: (i: number) => before[i]!.routes,
  };
}

/** Killed, and started again a little later, when two routes are gone. How late the last client let go of them, ms after End-of-RIB. */
async function restart(
  t: ExecutionContext,
  world: ReflectorLab,
  watches: Watches,
  {
    round,
    passing,
    flags,
  }: { readonly round: number; readonly passing: string; readonly flags: readonly string[] },
): Promise<number> {
  const news = await newsOf(world, watches);
  await world.killReflector();
  const gone = await world.takeAway(passing, round);
  await sleep(DOWN_MS);
  for (const [i, host] of world.hosts.entries()) {
    // A blackhole of its own goes at once; what the reflector told stays.
    t.true(world.holds(host, [...world.live, ...(i === 0 ? gone.slice(1) : gone)]), host.name);
  }
  world.startReflector(...flags);
  t.true(await within(60_000, () => world.converged(round + 2)), logTail(world.reflector));

  let latestMs = 0;
  const reports = await world.reports();
  for (const [i, { endOfRibsUnixMs, withdrawnOnWire }] of reports.entries()) {
    const lost = news.lost(reports, i);
    const foreign = i === round ? gone.slice(0, 1) : gone;
    t.deepEqual(lost.map(({ prefix }) => prefix).toSorted(), foreign.toSorted(), `light client ${i}`);
    t.deepEqual(withdrawnOnWire, [], `light client ${i}`);
    t.is(endOfRibsUnixMs.length, round + 2);
    const times = lost.map(({ atUnixMs }) => atUnixMs - endOfRibsUnixMs.at(-1)!);
    t.true(
      times.every(ms => ms > -CLOCK_MS && ms < LATE_MS),
      `light client ${i}: ${times} ms after End-of-RIB`,
    );
    latestMs = Math.max(latestMs, ...times);
  }
  for (const host of world.hosts) {
    t.true(await within(LATE_MS, () => news.kernel(host).length >= gone.length), logTail(host));
    const lines = news.kernel(host).map(({ line }) => line);
    t.is(lines.length, gone.length, `${host.name}: ${lines}`);
    for (const one of gone)
      t.true(lines.some(line => line.startsWith('Deleted') && line.includes(`${one} `)));
  }
  return latestMs;
}

/** Killed for good: all stays until the deadline, and nothing after it. How late the last route went, ms after the deadline. */
async function killForGood(t: ExecutionContext, world: ReflectorLab, watches: Watches): Promise<number> {
  const news = await newsOf(world, watches);
  const goesUnixMs = Date.now() + RESTART_TIME_SECONDS * 1000;
  await world.killReflector();
  await sleep(RESTART_TIME_SECONDS * 500);
  const halfway = await world.reports();
  t.true(halfway.every(({ routes, stale }, i) => routes === news.routesBefore(i) && stale === routes));
  t.true(world.hosts.every(host => news.kernel(host).length === 0));
  const nothingLeft = async () => (await world.reports()).every(({ routes }) => routes === 0);
  t.true(await within(RESTART_TIME_SECONDS * 1000 + LATE_MS, nothingLeft));

  const inTime = (times: readonly number[]) => times.every(ms => ms > -CLOCK_MS && ms < LATE_MS);
  const reports = await world.reports();
  let latestMs = 0;
  for (const [i, { withdrawnOnWire }] of reports.entries()) {
    const times = news.lost(reports, i).map(({ atUnixMs }) => atUnixMs - goesUnixMs);
    t.is(times.length, news.routesBefore(i));
    t.true(inTime(times), `light client ${i}: ${times}`);
    t.deepEqual(withdrawnOnWire, []);
    latestMs = Math.max(latestMs, ...times);
  }
  // Each host has a block of its own among them.
  const told = world.live.length - 1;
  for (const host of world.hosts) {
    t.true(await within(LATE_MS, () => news.kernel(host).length >= told), logTail(host));
    const times = news.kernel(host).map(({ atUnixMs }) => atUnixMs - goesUnixMs);
    t.is(times.length, told);
    t.true(inTime(times), `${host.name}: ${times}`);
  }
  return latestMs;
}

async function underWay(t: ExecutionContext, known: 'documents' | 'range', passing: readonly string[]) {
  const world = new ReflectorLab(t, known);
  for (const prefix of passing) world.addPassing(prefix);
  for (const host of world.hosts) world.lab.startAgent(host);
  world.startReflector();
  t.true(await within(60_000, () => world.converged(1)), logTail(world.reflector));
  const watches = world.watchRoutes(t);
  await sleep(300);
  return { world, watches };
}

test('a reflector killed with -9 under 100 clients, again and again: no ping is lost, stale routes go at End-of-RIB or at the deadline', async t => {
  t.timeout(180_000 + restarts * 60_000);
  const passing = Array.from({ length: restarts }, (_, i) => `10.244.${100 + i}.0/24`);
  const { world, watches } = await underWay(t, 'documents', passing);
  const stopPings = world.ping(t);
  for (const [round, prefix] of passing.entries()) {
    const flags = round === restarts - 1 ? ['--restart-time', `${RESTART_TIME_SECONDS}`] : [];
    const began = performance.now();
    const latestMs = await restart(t, world, watches, { round, passing: prefix, flags });
    const tookMs = Math.round(performance.now() - began);
    t.log(
      `restart ${round + 1}: ${tookMs} ms; stale routes gone ${Math.round(latestMs)} ms after End-of-RIB`,
    );
  }
  const { sent, received } = await stopPings();
  t.log(`${received} of ${sent} pings, ${restarts} restarts`);
  t.true(sent > 1000);
  t.is(received, sent);
  const latestMs = await killForGood(t, world, watches);
  t.log(`killed for good: all gone ${Math.round(latestMs)} ms after the deadline`);
});

test('a reflector that knows its clients by their range waits for them when it is back: no ping is lost', async t => {
  t.timeout(240_000);
  const passing = '10.244.100.0/24';
  const { world, watches } = await underWay(t, 'range', [passing]);
  const stopPings = world.ping(t);
  const latestMs = await restart(t, world, watches, { round: 0, passing, flags: [] });
  const { sent, received } = await stopPings();
  t.log(`${received} of ${sent} pings; stale routes gone ${Math.round(latestMs)} ms after End-of-RIB`);
  t.true(sent > 1000);
  t.is(received, sent);
});
