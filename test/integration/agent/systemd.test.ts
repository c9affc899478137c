/**
 * The services under real systemd: their units are sound, READY comes when all is in sync, a restart leaves the routes where they are,
 * and the UDP data path needs no agent.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { within } from '../../../demo/lab.js';
import { makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

/** From dist/test/integration/agent. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const unitOf = (name: string) =>
  readFileSync(join(root, `deploy/${name}.service`), 'utf8').replace(
    /^ExecStart=.*$/m,
    `ExecStart=${process.execPath} ${join(root, 'bin', name)}`,
  );

for (const name of ['margay-agent', 'margay-udp']) {
  test(`systemd finds nothing wrong with the unit ${name}`, t => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
      skip(t, 'systemd-analyze is not on this machine');
      return;
    }
    const folder = newFolder(t, 'unit');
    const file = join(folder, `${name}.service`);
    writeFileSync(file, unitOf(name));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    t.is(
      stderr
        .split('\n')
        .filter(line => line.includes(name))
        .join('\n'),
      '',
    );
    t.is(status, 0);
  });
}

test('READY when in sync; a restart writes nothing and leaves the routes; a stop leaves them, too', async t => {
  t.timeout(120_000);
  if (!existsSync('/lib/systemd/systemd')) {
    skip(t, 'systemd is not on this machine');
    return;
  }
  const namespace = makeNamespace(t);
  namespace.ip('link add eth0 type veth peer name peer0');
  namespace.ip('address add 10.9.9.1/24 dev eth0');
  namespace.ip('link set eth0 up');
  namespace.ip('link set peer0 up');
  const inside = bootHost(t, namespace);
  const systemctl = (...words: readonly string[]) => inside('systemctl', ...words);
  if (!(await within(30_000, () => systemctl('is-active', 'margay-agent') === 'active'))) {
    t.fail(inside('journalctl', '--no-pager', '-n', '40'));
    return;
  }
  t.regex(systemctl('show', '-p', 'StatusText', 'margay-agent'), /in sync/);
  const routes = namespace.ip('route');
  t.regex(routes, /blackhole 10\.244\.1\.0\/24 proto 157/);
  systemctl('restart', 'margay-agent');
  t.is(systemctl('is-active', 'margay-agent'), 'active');
  t.is(namespace.ip('route'), routes);
  systemctl('stop', 'margay-agent');
  t.is(systemctl('is-active', 'margay-agent'), 'inactive');
  t.is(namespace.ip('route'), routes);
});

test('the UDP data path is READY, hardened as it is, without an agent; stop and restart leave its device', async t => {
  t.timeout(120_000);
  if (!existsSync('/lib/systemd/systemd') || !existsSync('/dev/net/tun')) {
    skip(t, 'systemd or /dev/net/tun is not on this machine');
    return;
  }
  const namespace = makeNamespace(t);
  namespace.ip('link add eth0 type veth peer name peer0');
  namespace.ip('address add 10.9.9.1/24 dev eth0');
  namespace.ip('link set eth0 up');
  namespace.ip('link set peer0 up');
  const inside = bootHost(t, namespace);
  const systemctl = (...words: readonly string[]) => inside('systemctl', ...words);
  t.true(await within(30_000, () => systemctl('is-active', 'basic.target') === 'active'));
  systemctl('stop', 'margay-agent');
  const state =
    '{"version":1,"device":{"name":"margay.udp","mtu":1472},"port":8285,"local":"10.9.9.1","tunnelAddress":null,"routes":[],"knownHosts":[]}';
  inside('sh', '-c', `echo '${state}' > /var/lib/margay/udp-routes.json`);
  systemctl('start', 'margay-udp');
  if (systemctl('is-active', 'margay-udp') !== 'active') {
    t.fail(inside('journalctl', '--no-pager', '-n', '40'));
    return;
  }
  t.is(systemctl('show', '-p', 'StatusText', '--value', 'margay-udp'), 'margay.udp, port 8285, routes 0');
  t.is(systemctl('is-active', 'margay-agent'), 'inactive');
  t.true(await within(5000, () => namespace.ip('link show margay.udp').includes('mtu 1472')));
  namespace.ip('route add 10.244.2.0/24 dev margay.udp');
  const main = () => systemctl('show', '-p', 'MainPID', '--value', 'margay-udp');
  const first = main();
  systemctl('kill', '-s', 'KILL', 'margay-udp');
  t.true(await within(10_000, () => systemctl('is-active', 'margay-udp') === 'active' && main() !== first));
  t.true(namespace.ip('link show margay.udp').includes('LOWER_UP'));
  systemctl('stop', 'margay-udp');
  t.is(systemctl('show', '-p', 'Result', '--value', 'margay-udp'), 'success');
  t.true(namespace.ip('route').includes('10.244.2.0/24 dev margay.udp'));
});

/** Returns how to run a command in it. */
function bootHost(t: ExecutionContext, namespace: NetworkNamespace): (...words: readonly string[]) => string {
  const seed = newFolder(t, 'seed');
  const put = (path: string, content: string) => {
    const file = join(seed, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  };
  for (const name of ['margay-agent', 'margay-udp']) {
    put(`etc/systemd/system/${name}.service`, unitOf(name).replace(join(root, 'bin'), '/opt/margay/bin'));
  }
  put('etc/margay/agent.yaml', 'nodeName: host-a\nipv4: { address: 10.9.9.1/24 }\n');
  put(
    'var/lib/margay/store/block.yaml',
    'apiVersion: projectcalico.org/v3\nkind: BlockAffinity\nmetadata: { name: host-a }\nspec: { node: host-a, cidr: 10.244.1.0/24, state: confirmed }\n',
  );
  const folder = newFolder(t, 'host');
  const script = join(root, 'test/support/systemd-host.sh');
  const host = spawn(script, [folder, namespace.name, seed, root], { stdio: 'ignore', detached: true });
  t.teardown(() => {
    process.kill(-host.pid!, 'SIGKILL');
    removeControlGroups(folder.slice(folder.lastIndexOf('/') + 1));
  });
  return (...words) => {
    const child = spawnSync('ps', ['-o', 'pid=', '--ppid', `${host.pid}`], {
      encoding: 'utf8',
    }).stdout.trim();
    if (child === '') return '';
    const { stdout } = spawnSync('nsenter', ['-t', child.split(/\s+/)[0]!, '-a', ...words], {
      encoding: 'utf8',
    });
    return stdout.trim();
  };
}

/** Named like everything of this run, so that the runner finds it. */
function newFolder(t: ExecutionContext, name: string): string {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const folder = `/tmp/mgy-${run}-${name}`;
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
