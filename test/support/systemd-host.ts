/** A host under real systemd in a network namespace (`systemd-host.sh`), with our units and whatever else is planted in it. */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { NetworkNamespace } from './network-namespace.js';

/** From dist/test/support. */
const root = fileURLToPath(new URL('../../..', import.meta.url));

export const SYSTEMD = '/lib/systemd/systemd';

export const units = ['margay-agent', 'margay-udp'] as const;

/** A unit as it ships, but for where its program is. */
export function unitOf(name: (typeof units)[number], folder = join(root, 'bin')): string {
  return readFileSync(join(root, `deploy/${name}.service`), 'utf8').replace(
    /^ExecStart=.*$/m,
    `ExecStart=${process.execPath} ${join(folder, name)}`,
  );
}

export interface SystemdHost {
  /** Runs a command in it; what it printed, whatever its status. Empty while the host does not run yet. */
  run(...words: readonly string[]): Promise<string>;
}

/**
 * Boots until the test is over.
 *
 * @param files by their paths in the host, without a leading slash, e.g. `etc/margay/agent.yaml`
 */
export function bootHost(
  t: ExecutionContext,
  namespace: NetworkNamespace,
  files: Readonly<Record<string, string>>,
): SystemdHost {
  const seed = newFolder(t, 'seed');
  const services = units.map(
    name => [`etc/systemd/system/${name}.service`, unitOf(name, '/opt/margay/bin')] as const,
  );
  for (const [path, content] of [...services, ...Object.entries(files)]) {
    mkdirSync(join(seed, path, '..'), { recursive: true });
    writeFileSync(join(seed, path), content);
  }
  const folder = newFolder(t, 'host');
  const script = join(root, 'test/support/systemd-host.sh');
  const host = spawn(script, [folder, namespace.name, seed, root], { stdio: 'ignore', detached: true });
  t.teardown(() => {
    process.kill(-host.pid!, 'SIGKILL');
    removeControlGroups(folder.slice(folder.lastIndexOf('/') + 1));
  });
  return {
    run: (...words) => {
      const children = ['-o', 'pid=', '--ppid', `${host.pid}`];
      const child = spawnSync('ps', children, { encoding: 'utf8' }).stdout.trim();
      if (child === '') return Promise.resolve('');
      const enter = ['-t', child.split(/\s+/)[0]!, '-a', ...words];
      return new Promise(resolve => execFile('nsenter', enter, (_, stdout) => resolve(stdout.trim())));
    },
  };
}

/** Named like everything of this run, so that the runner finds it. */
export function newFolder(t: ExecutionContext, name: string): string {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const folder = `/tmp/mgy-${run}-${process.pid.toString(36)}-${name}`;
  mkdirSync(folder, { recursive: true });
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function removeControlGroups(name: string): void {
  const hierarchies = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : readdirSync('/sys/fs/cgroup').map(one => join('/sys/fs/cgroup', one));
  for (const hierarchy of hierarchies) removeGroup(join(hierarchy, name), 3);
}

/** Processes that were killed may take a moment to leave. */
function removeGroup(path: string, attempts: number): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(path, entry.name), attempts);
  }
  try {
    rmdirSync(path);
  } catch {
    execFileSync('sleep', ['0.2']);
    if (attempts > 1) removeGroup(path, attempts - 1);
  }
}
