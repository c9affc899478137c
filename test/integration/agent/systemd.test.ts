/**
 * The services under real systemd: their units are sound, READY comes when all is in sync, a restart leaves the routes where they are,
 * and the UDP data path needs no agent.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { within } from '../../../demo/host-lab.js';
import { makeNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';
import { bootHost, newFolder, SYSTEMD, unitOf, units } from '../../support/systemd-host.js';

for (const name of units) {
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
  if (!existsSync(SYSTEMD)) {
    skip(t, 'systemd is not on this machine');
    return;
  }
  const namespace = makeNamespace(t);
  namespace.ip('link add eth0 type veth peer name peer0');
  namespace.ip('address add 10.9.9.1/24 dev eth0');
  namespace.ip('link set eth0 up');
  namespace.ip('link set peer0 up');
  const host = bootHost(t, namespace, files);
  const systemctl = (...words: readonly string[]) => host.run('systemctl', ...words);
  if (!(await within(30_000, async () => (await systemctl('is-active', 'margay-agent')) === 'active'))) {
    t.fail(
      await host.run('journalctl', '--no-pager', '-n', '40', '_TRANSPORT=stdout', '+', '_TRANSPORT=journal'),
    );
    return;
  }
  t.regex(await systemctl('show', '-p', 'StatusText', 'margay-agent'), /in sync/);
  const routes = namespace.ip('route');
  t.regex(routes, /blackhole 10\.244\.1\.0\/24 proto 157/);
  await systemctl('restart', 'margay-agent');
  t.is(await systemctl('is-active', 'margay-agent'), 'active');
  t.is(namespace.ip('route'), routes);
  await systemctl('stop', 'margay-agent');
  t.is(await systemctl('is-active', 'margay-agent'), 'inactive');
  t.is(namespace.ip('route'), routes);
});

test('the UDP data path is READY, hardened as it is, without an agent; stop and restart leave its device', async t => {
  t.timeout(120_000);
  if (!existsSync(SYSTEMD) || !existsSync('/dev/net/tun')) {
    skip(t, 'systemd or /dev/net/tun is not on this machine');
    return;
  }
  const namespace = makeNamespace(t);
  namespace.ip('link add eth0 type veth peer name peer0');
  namespace.ip('address add 10.9.9.1/24 dev eth0');
  namespace.ip('link set eth0 up');
  namespace.ip('link set peer0 up');
  const host = bootHost(t, namespace, files);
  const systemctl = (...words: readonly string[]) => host.run('systemctl', ...words);
  t.true(await within(30_000, async () => (await systemctl('is-active', 'basic.target')) === 'active'));
  await systemctl('stop', 'margay-agent');
  const state =
    '{"version":1,"device":{"name":"margay.udp","mtu":1472},"port":8285,"local":"10.9.9.1","tunnelAddress":null,"routes":[],"knownHosts":[]}';
  await host.run('sh', '-c', `echo '${state}' > /var/lib/margay/udp-routes.json`);
  await systemctl('start', 'margay-udp');
  if ((await systemctl('is-active', 'margay-udp')) !== 'active') {
    t.fail(
      await host.run('journalctl', '--no-pager', '-n', '40', '_TRANSPORT=stdout', '+', '_TRANSPORT=journal'),
    );
    return;
  }
  t.is(
    await systemctl('show', '-p', 'StatusText', '--value', 'margay-udp'),
    'margay.udp, port 8285, routes 0',
  );
  t.is(await systemctl('is-active', 'margay-agent'), 'inactive');
  t.true(await within(5000, () => namespace.ip('link show margay.udp').includes('mtu 1472')));
  namespace.ip('route add 10.244.2.0/24 dev margay.udp');
  // In one word: asked apart, the old state and no process at all look like a new one.
  const running = () => systemctl('show', '-p', 'ActiveState', '-p', 'MainPID', '--value', 'margay-udp');
  const first = await running();
  await systemctl('kill', '-s', 'KILL', 'margay-udp');
  const again = async () => {
    const now = await running();
    return now !== first && now.split('\n').includes('active') && !now.split('\n').includes('0');
  };
  t.true(await within(10_000, again));
  t.true(namespace.ip('link show margay.udp').includes('LOWER_UP'));
  await systemctl('stop', 'margay-udp');
  t.is(await systemctl('show', '-p', 'Result', '--value', 'margay-udp'), 'success');
  t.true(namespace.ip('route').includes('10.244.2.0/24 dev margay.udp'));
});

const files = {
  'etc/margay/agent.yaml': 'nodeName: host-a\nipv4: { address: 10.9.9.1/24 }\n',
  'var/lib/margay/store/block.yaml':
    'apiVersion: projectcalico.org/v3\nkind: BlockAffinity\nmetadata: { name: host-a }\nspec: { node: host-a, cidr: 10.244.1.0/24, state: confirmed }\n',
};
