/** `npm run check`: what to run before every commit. Format, lint, layering, unused code, types, unit tests, a short fuzz. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './bootstrap.mjs';

prepare();
const stages = ['static', 'unit'];
let failed = false;
for (const stage of stages) {
  const result = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), '--stage', stage], {
    stdio: 'inherit',
    env: { ...process.env, MARGAY_FUZZ_MESSAGES: '50000' },
  });
  failed ||= result.status !== 0;
}
process.exit(failed ? 1 : 0);
