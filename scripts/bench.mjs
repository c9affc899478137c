/**
 * `npm run bench`: side by side with BIRD, FRR and GoBGP, as an owned run, so that nothing is left behind. Never part of CI.
 *
 *     npm run bench -- --help
 *     npm run bench -- tunnels --help     the ways between hosts (`tunnel-bench.mjs`)
 *     npm run bench -- policy --help      what network policy costs (`policy-bench.mjs`)
 *     npm run bench -- store --help       thousands of watchers of one Redis (`store-bench.mjs`)
 */
import { installTools, networkTools, prepare, requireRoot } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';
import { benchPolicy } from './policy-bench.mjs';
import { benchStore } from './store-bench.mjs';
import { benchTunnels } from './tunnel-bench.mjs';

const args = process.argv.slice(2);
if (args[0] === 'policy') process.exit(await benchPolicy(args.slice(1)));
if (args[0] === 'store') process.exit(await benchStore(args.slice(1)));
if (args[0] === 'tunnels') process.exit(await benchTunnels(args.slice(1)));
if (!args.includes('--help')) requireRoot('the bench makes network namespaces');
prepare();
installTools({ ip: networkTools.ip });

const HOURS = 3_600_000;
process.exit(await ownedRun([process.execPath, 'dist/bench/main.js', ...args], { timeoutMs: 3 * HOURS }));
