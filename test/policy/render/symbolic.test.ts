/** Rendered rules, run without a kernel, against the reference evaluator. */
import test from 'ava';
import { stepInWords } from '../../../policy/evaluate/trace.js';
import { renderFilter } from '../../../policy/render/render.js';
import { Random } from '../../support/random.js';
import { Coverage, compare, type Mismatch } from './comparison.js';
import { Generator } from './generated-policies.js';

/** Each in a test of its own: a busy machine takes its time. */
const PARTS = 5;
/** In a part. */
const HOSTS = 200;
const PACKETS = 20;
const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1_000_000);

const fields = [
  ...['family', 'protocol', 'notProtocol', 'icmp', 'notIcmp'],
  ...['source', 'destination'].flatMap(side =>
    ['nets', 'notNets', 'sets', 'notSets', 'ports', 'notPorts', 'namedPorts', 'notNamedPorts'].map(
      field => `${side}.${field}`,
    ),
  ),
];

const random = new Random(seed);
const generator = new Generator(random);
const coverage = new Coverage();

for (let part = 1; part <= PARTS; part++) {
  test.serial(`rendered rules do what the reference says: ${part} of ${PARTS} (MARGAY_SEED=${seed})`, t => {
    for (let i = 0; i < HOSTS; i++) {
      const host = generator.host();
      const situations = Array.from({ length: PACKETS }, () => generator.situation(host));
      const filter = renderFilter(host.policy, host.settings);
      const mismatch = compare(host, situations, filter, random, (judgement, way) =>
        coverage.count(host.policy, judgement, way),
      );
      if (mismatch !== undefined) return void t.fail(`host ${i}: ${inWords(mismatch)}`);
    }
    t.is(coverage.packets, part * HOSTS * PACKETS);
  });
}

test.serial('the packets met both verdicts and every field of rules', t => {
  t.log(`${coverage.packets} packets\n${coverage.table()}`);
  for (const verdict of ['allow', 'deny'])
    t.true(coverage.of(`verdict ${verdict}`) >= 0.3 * coverage.packets, verdict);
  for (const field of fields) t.true(coverage.of(`field ${field}`) >= 20, field);
});

function inWords({ situation, way, judgement, passes }: Mismatch): string {
  const trace = judgement.trace.map(stepInWords).join('\n  ');
  return `${JSON.stringify({ situation, way })}\n  ${trace}\nthe rules let it ${passes ? 'pass' : 'not pass'}`;
}
