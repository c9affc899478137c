/** The comparison of rendered rules with the reference can fail: it finds every fault that is planted. */
import test from 'ava';
import { renderFilter } from '../../../policy/render/render.js';
import { Random } from '../../support/random.js';
import { compare } from './comparison.js';
import { Generator } from './generated-policies.js';
import { plantedFaults } from './planted-faults.js';

/** Of the generated hosts. */
const MOST_HOSTS = 2000;
const PACKETS = 20;
const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1_000_000);

test(`each of ${Object.keys(plantedFaults).length} planted faults is found (MARGAY_SEED=${seed})`, t => {
  const random = new Random(seed);
  const generator = new Generator(random);
  const hidden = new Map(Object.entries(plantedFaults));
  const found: string[] = [];
  for (let i = 0; i < MOST_HOSTS && hidden.size > 0; i++) {
    const host = generator.host();
    const situations = Array.from({ length: PACKETS }, () => generator.situation(host));
    const filter = renderFilter(host.policy, host.settings);
    const ways = random.below(1 << 30);
    for (const [name, plant] of hidden) {
      if (compare(host, situations, plant(filter), new Random(ways)) === undefined) continue;
      hidden.delete(name);
      found.push(`host ${String(i).padStart(4)}: ${name}`);
    }
  }
  t.log(found.join('\n'));
  t.deepEqual([...hidden.keys()], []);
  t.true(found.length >= 10);
});
