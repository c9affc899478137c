/**
 * Never one address for two at a time, whoever is killed; nothing is left over after the collection. `MARGAY_IPAM_ALLOCATORS` (50) and
 * `MARGAY_IPAM_ALLOCATIONS` (20000) make it large, `MARGAY_IPAM_SEED` repeats the moments of the kills.
 */
import test from 'ava';
import { node } from '../../agent/documents.js';
import { configuration, ipPool } from '../../ipam/hosts.js';
import { type Load, run } from './allocators.js';
import { checkLive } from './live-checker.js';
import { failingRedis, restartingRedis, sharedFileStore } from './shared-store.js';

const setting = (name: string, usual: number) => Number(process.env[name] ?? usual);
const allocators = setting('MARGAY_IPAM_ALLOCATORS', 6);
const allocations = setting('MARGAY_IPAM_ALLOCATIONS', 200);
const seed = setting('MARGAY_IPAM_SEED', Math.floor(Math.random() * 2 ** 31));

/** On average twice as often: a process takes most of a second to start. */
const KILL_EVERY_MS = 3000;
/** Allocations after which a store has been disturbed at least once, on a quick machine too. */
const LONG_ENOUGH = 600;

/**
 * @param blocks of 16 addresses, a power of two: fewer than hosts, so that who has none borrows. Those that are abandoned fill a quarter of
 * them in the end
 */
function load(
  hosts: number,
  blocks: number,
  all: number,
): Pick<Load, 'resources' | 'allocators' | 'allocations' | 'most' | 'abandonOneIn'> {
  const abandonOneIn = Math.max(10, Math.ceil(all / (blocks * 4)));
  const resources = [
    ...Array.from({ length: hosts }, (_, i) => node(`host-${i}`, `10.0.${i >> 8}.${i & 255}/16`)),
    ipPool('pods', `10.244.0.0/${28 - Math.log2(blocks)}`, { blockSize: 28 }),
    ipPool('pods6', 'fd00:10:244::/64', { blockSize: 124 }),
    configuration({ maxBlocksPerHost: 3 }),
  ];
  return { resources, allocators: hosts, allocations: all, most: 8, abandonOneIn };
}

for (const [name, newStore] of [
  ['file', sharedFileStore],
  ['Redis that restarts', restartingRedis],
  ['Redis that fails over to a copy without its last second', failingRedis],
] as const) {
  test(`${name}: allocators killed with -9 at random: never one address for two, and nothing is left over`, async t => {
    t.timeout(120 * 60_000);
    const shared = await newStore();
    t.teardown(() => shared.remove());
    const all = shared.disturb === undefined ? allocations : Math.max(allocations, LONG_ENOUGH);
    const outcome = await run({
      ...{ ...load(allocators, 2 ** Math.floor(Math.log2(allocators)), all), shared, seed },
      ...{ careless: false, killEveryMs: KILL_EVERY_MS, mostKills: 3 * allocators + allocations / 100 },
    });
    t.log(
      `seed ${seed}: ${outcome.allocations} allocations, ${outcome.releases} releases by ${allocators} allocators in ${outcome.seconds.toFixed(1)} s`,
      `${outcome.kills} kills, ${outcome.disturbances} disturbances of the store, ${outcome.mostLive} addresses in use at a time, ${outcome.collected} collected in the end`,
    );
    t.deepEqual(outcome.failures, []);
    t.deepEqual(outcome.twice, []);
    t.deepEqual(outcome.changed, []);
    t.true(outcome.allocations >= 0.9 * all, String(outcome.allocations));
    t.true(outcome.kills > 0 && outcome.collected > 0);
    if (shared.disturb !== undefined) t.true(outcome.disturbances > 0);
    t.deepEqual(outcome.leaked, []);
    t.deepEqual(outcome.problems, []);
  });
}

test('where compare-and-swap is left out, the same test finds addresses that two have', async t => {
  t.timeout(120_000);
  const shared = await sharedFileStore();
  t.teardown(() => shared.remove());
  const outcome = await run({
    ...{ ...load(4, 1, 200), shared, seed },
    ...{ careless: true, killEveryMs: KILL_EVERY_MS, mostKills: 0 },
  });
  t.log(`${outcome.twice.length} found in ${outcome.allocations} allocations`);
  t.true(outcome.twice.length > 0);
});

test('the checker finds an address that two have, and one that is not kept', t => {
  const entry = (at: number, event: 'has' | 'gives-back', handle: string, ...addresses: string[]) => {
    return { at: String(at), event, handle, addresses };
  };
  const fine = [entry(1, 'has', 'a', 'x'), entry(2, 'gives-back', 'a', 'x'), entry(3, 'has', 'b', 'x', 'y')];
  t.deepEqual(checkLive(fine), { twice: [], changed: [], allocations: 2, releases: 1, mostLive: 2 });
  t.deepEqual(checkLive([fine[0]!, fine[2]!]).twice, ['x: a and b']);
  t.deepEqual(checkLive([entry(1, 'has', 'a', 'x'), entry(2, 'has', 'a', 'z')]).changed, ['a']);
});
