import test from 'ava';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { parseResource } from '../../../core/resources/parse.js';
import type { ResourceKind } from '../../../core/resources/resource.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { policySpecs } from './random-policies.js';
import { written } from './written.js';

const RUNS = 400;

for (const [kind, specs] of Object.entries(policySpecs)) {
  test(`any ${kind} that is read is written so that it reads the same, byte for byte, and as YAML`, t => {
    let read = 0;
    fc.assert(
      fc.property(specs, spec => {
        const first = parseResource(written(kind as ResourceKind, spec));
        if (first.kind !== 'ok') return;
        read++;
        const document = serialiseResource(first.resource);
        const again = parseResource(parse(stringify(document)));
        t.is(JSON.stringify(again), JSON.stringify(first));
        t.is(JSON.stringify(serialiseResource(first.resource)), JSON.stringify(document));
      }),
      { numRuns: RUNS },
    );
    t.true(read > RUNS / 3, `${read} of ${RUNS} were resources`);
  });
}
