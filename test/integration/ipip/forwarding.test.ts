import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { Prefix } from '../../../core/prefix.js';
import { iptablesFirewall } from '../../../ipip/forward-firewall.js';
import { Forwarding, undoForwarding } from '../../../ipip/forwarding.js';
import { type Variant, variants } from '../../../ipip/packet-filter.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { readSysctl, writeSysctl } from '../../../linux/sysctl.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

/** A pod, a host that forwards, another host: the pod's packets pass through the one in the middle. */
function line(t: Parameters<typeof makeNamespace>[0]) {
  const [pod, host, far] = [makeNamespace(t), makeNamespace(t), makeNamespace(t)];
  join(host, 'cali0', pod, 'eth0');
  join(host, 'eth0', far, 'eth0');
  pod.ip('address add 10.244.1.2/24 dev eth0');
  host.ip('address add 10.244.1.1/24 dev cali0');
  pod.ip('route add default via 10.244.1.1');
  host.ip('address add 10.0.0.1/24 dev eth0');
  far.ip('address add 10.0.0.2/24 dev eth0');
  far.ip('route add 10.244.0.0/16 via 10.0.0.1');
  return { pod, host };
}

function reaches(pod: NetworkNamespace): boolean {
  const ping = ['netns', 'exec', pod.name, 'ping', '-c1', '-W0.3', '-q', '10.0.0.2'];
  return spawnSync('ip', ping).status === 0;
}

function missing(host: NetworkNamespace, variant: Variant): string | undefined {
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', host.name, variant, '-P', 'FORWARD', 'DROP'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `${variant}: ${stderr.trim()}`;
}

for (const variant of variants) {
  test(`${variant}: a FORWARD policy of DROP is found, opened for the pools when told to, and left as it was by cleanup`, async t => {
    const { pod, host } = line(t);
    const folder = mkdtempSync(joinPath(tmpdir(), 'mgy-forwarding-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const inside = <T>(work: () => T) => insideNamespace(host.path, work);
    const options = {
      stateFile: joinPath(folder, 'changed-sysctls.json'),
      acceptPools: false,
      clock: systemClock,
      firewall: iptablesFirewall(['ip', 'netns', 'exec', host.name]),
      sysctls: {
        read: (name: string) => inside(() => readSysctl(name)),
        write: (name: string, value: string) => inside(() => writeSysctl(name, value)),
      },
      log: () => {},
    };
    // A new namespace takes after the host, which may forward.
    inside(() => writeSysctl('net/ipv4/ip_forward', '0'));
    t.false(reaches(pod), 'it does not forward yet');
    const lacking = missing(host, variant);
    if (lacking !== undefined) return skip(t, lacking);
    host.run(variant, '-A', 'FORWARD', '-p', 'tcp', '--dport', '9', '-j', 'REJECT');
    const before = host.run(variant, '-S');

    const watching = new Forwarding(options);
    t.teardown(() => watching.close());
    watching.setPools(['10.244.0.0/16' as Prefix]);
    watching.start();
    t.true(await eventually(() => watching.problems().some(({ object }) => object === `${variant} FORWARD`)));
    t.is(host.run(variant, '-S'), before);
    t.false(reaches(pod));
    watching.close();

    const accepting = new Forwarding({ ...options, acceptPools: true });
    t.teardown(() => accepting.close());
    accepting.setPools(['10.244.0.0/16' as Prefix]);
    accepting.start();
    t.true(await eventually(() => reaches(pod)));
    t.deepEqual(accepting.problems(), []);
    t.is(host.run(variant, '-S', 'FORWARD').match(/-j margay-forward/g)?.length, 1);
    accepting.setPools(['10.244.0.0/16', '10.96.0.0/16'] as Prefix[]);
    t.true(await eventually(() => host.run(variant, '-S').includes('10.96.0.0/16')));
    accepting.close();

    const { failed } = await undoForwarding(options);
    t.deepEqual(failed, []);
    t.is(host.run(variant, '-S'), before);
    t.is(host.run('cat', '/proc/sys/net/ipv4/ip_forward').trim(), '0');
  });
}

test('looking at a host without legacy tables does not make them', async t => {
  const host = makeNamespace(t);
  const firewall = iptablesFirewall(['ip', 'netns', 'exec', host.name]);
  t.is(await firewall.read('iptables-legacy'), undefined);
  t.false(host.run('sh', '-c', 'cat /proc/net/ip_tables_names || true').includes('filter'));
});
