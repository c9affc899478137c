/**
 * `node-netlink`, the optional second netlink transport, is two addons that must be compiled. Tests use it as an independent
 * check where a compiler is there; where it is not, they are skipped and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progress, root } from './bootstrap.mjs';

const addons = ['syscall-napi', 'buffer2address'];

/** Best effort, once per installation: a failure is recorded and not tried again. */
export function buildNodeNetlink() {
  const folder = join(root, 'node_modules', 'node-netlink');
  const stamp = join(root, 'node_modules', '.margay-node-netlink');
  if (!existsSync(folder) || existsSync(stamp)) return;
  progress('building node-netlink (optional)');
  const result = spawnSync('npm', ['rebuild', '--ignore-scripts=false', ...addons], {
    cwd: root,
    encoding: 'utf8',
    timeout: 180_000,
  });
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stamp, result.status === 0 ? 'built' : `failed\n${result.stderr}`);
  if (result.status !== 0) progress('node-netlink could not be built: its tests will be skipped');
}
