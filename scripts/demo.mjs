/**
 * `npm run demo`: hosts in network namespaces, as an owned run: whatever way it ends, nothing is left behind.
 *
 *     npm run demo                 tells its story and cleans up
 *     npm run demo -- --keep       leaves the hosts up until Ctrl-C
 *     npm run demo -- --redis      five hosts that share a Redis, which is unpacked into the cache folder and run from there
 *     npm run demo -- --lab        in a kernel that has IPIP: this one, or a guest's (`test/lab`)
 */
import { chooseLab, inLab, nodeIn } from '../test/lab/kernel-choice.mjs';
import { fail, installTools, networkTools, prepare, requireNode, requireRoot } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';

const args = process.argv.slice(2);
const unknown = args.filter(word => !['--keep', '--lab', '--redis'].includes(word));
if (unknown.length > 0) fail(`${unknown[0]}: the flags are --keep, --redis and --lab`);
const keep = args.includes('--keep');

requireNode();
requireRoot('the demo makes network namespaces');
prepare();
installTools(networkTools);

const redis = args.includes('--redis');
if (redis && args.includes('--lab')) fail('--redis: without --lab');

const lab = args.includes('--lab') ? chooseLab() : { kind: 'host' };
if (lab.kind === 'none') fail(lab.reason);
if (lab.kind === 'guest' && keep) fail('--keep: nobody could reach the hosts, which live in a guest kernel');

const A_DAY_SECONDS = 86_400;
const timeoutSeconds = keep ? A_DAY_SECONDS : lab.kind === 'guest' ? 400 : redis ? 300 : 120;
const command = [
  ...nodeIn(lab),
  'dist/demo/main.js',
  ...(keep ? ['--keep'] : []),
  ...(redis ? ['--redis'] : []),
];
process.exit(await ownedRun(inLab(lab, command, { timeoutSeconds }), { timeoutMs: timeoutSeconds * 1000 }));
