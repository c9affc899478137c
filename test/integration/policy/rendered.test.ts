import test from 'ava';
import { renderFilter } from '../../../policy/render/render.js';
import type { RenderedFilter } from '../../../policy/rendered.js';
import { Generator } from '../../policy/render/generated-policies.js';
import { eventually } from '../../support/eventually.js';
import { Random } from '../../support/random.js';
import { skip } from '../../support/skip.js';
import { filterHost, startFilter } from './filter-host.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);
const POLICIES = 6;

for (const backend of ['nft', 'legacy'] as const) {
  test(`iptables-${backend}: whatever rendering makes is taken as it is, one after the other, and read back as the same`, async t => {
    const host = filterHost(t, backend);
    if (host.lacking !== undefined) return skip(t, host.lacking);
    t.log(`seed ${seed}`);
    const generator = new Generator(new Random(seed));
    const { applier, logged } = startFilter(t, host);
    let last: RenderedFilter | undefined;
    for (let i = 0; i < POLICIES; i++) {
      const { policy, settings } = generator.host();
      last = renderFilter(policy, settings);
      const beganMs = performance.now();
      applier.setDesired(last);
      t.true(await applier.applied(), JSON.stringify(applier.status()));
      const { counts, problems } = applier.status();
      t.log(`${Math.round(performance.now() - beganMs)} ms`, counts);
      t.deepEqual(problems, []);
    }
    // Sets that nothing refers to any more go after all is in force, a few at a time.
    const sets = () =>
      host
        .run('ipset', 'list', '-n')
        .split('\n')
        .filter(name => name.startsWith('mgy'));
    t.true(await eventually(() => sets().length === last!.sets.length, 20_000, 50), sets().join());
    applier.close();
    // One that starts over it, after it has been read back by what the tools print.
    const before = host.writes();
    const second = startFilter(t, host);
    second.applier.setDesired(last!);
    t.true(await second.applier.applied());
    t.is(host.writes() - before, 0);
    t.deepEqual(logged, []);
  });
}
