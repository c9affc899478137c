/**
 * `npm run demo`: three hosts in network namespaces, as an owned run: whatever way it ends, nothing is left behind.
 *
 *     npm run demo                 tells its story and cleans up
 *     npm run demo -- --keep       leaves the hosts up until Ctrl-C
 */
import { fail, installTools, networkTools, prepare, requireNode, requireRoot } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';

const args = process.argv.slice(2);
const unknown = args.filter(word => word !== '--keep');
if (unknown.length > 0) fail(`${unknown[0]}: the only flag is --keep`);

requireNode();
requireRoot('the demo makes network namespaces');
prepare();
installTools(networkTools);

const A_DAY = 86_400_000;
const timeoutMs = args.includes('--keep') ? A_DAY : 120_000;
process.exit(await ownedRun([process.execPath, 'dist/demo/main.js', ...args], { timeoutMs }));
