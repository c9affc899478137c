/**
 * How the integration tests go on: most of them wait for most of the time, so two lanes go side by side, in each one file after the other;
 * files that want the machine to themselves come after.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'dist/test/integration';
/** They load both CPUs, or look at what happens on them. */
const ALONE = [
  'agent/redis-cluster',
  'bfd/soak',
  'ipam/allocators',
  'policy/apply',
  'policy/set-watch',
  'policy/streams',
  'scripts/interrupted-demo',
  'speaker/keepalive-gap',
  'speaker/late-thread',
  'speaker/thousand-peer-soak',
  'speaker/thousand-peers',
];

/**
 * @returns {{ lanes: string[][], alone: string[] }} files, each in one of them
 * @throws where a file that is to go alone is not there
 */
export function integrationLanes(root) {
  const files = readdirSync(join(root, FOLDER), { recursive: true }).filter(
    file => file.endsWith('.test.js') && !file.startsWith('interop/'),
  );
  const alone = ALONE.map(name => `${name}.test.js`);
  for (const file of alone) if (!files.includes(file)) throw new Error(`there is no ${FOLDER}/${file}`);
  const rest = files.filter(file => !alone.includes(file));
  const ofAgents = file => file.startsWith('agent/');
  const lanes = [rest.filter(ofAgents), rest.filter(file => !ofAgents(file))];
  const paths = list => list.map(file => `${FOLDER}/${file}`);
  return { lanes: lanes.map(paths), alone: paths(alone) };
}
