/** The whole agent with policy: what it lets through, in which order workloads come and go, and what holds while it is dead. */
import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import { eventually } from '../../support/eventually.js';
import { Protocol } from '../policy/packets.js';
import { endpoint } from './policy-agent.js';
import { PolicyHost } from './policy-host.js';

const denySecond = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name: 'only-443', namespace: 'default' },
  spec: {
    selector: "app == 'w2'",
    types: ['Ingress'],
    ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [443] } }],
  },
};

const ip = (text: string) => text as IpAddress;

function udpBetween(source: IpAddress, sourcePort: number, destination: IpAddress, destinationPort: number) {
  return { source, destination, protocol: Protocol.udp, sourcePort, destinationPort };
}

test('policy comes and goes with its documents, and the status says what is in force', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.start();
  t.true(await host.inForce(), JSON.stringify(host.status()));
  t.true(await eventually(() => host.connects(1, 2), 10_000, 100));
  t.true(await host.connects('outside', 2));
  const plan = host.dryRun(denySecond);
  t.regex(plan, /NetworkPolicy\/default\/only-443 created \(dry run\)/);
  t.regex(plan, /packet filter would be changed[\s\S]*ipv4 filter: [\s\S]*--dports? 443/);
  t.regex(host.dryRun(endpoint(1)), /packet filter would stay as it is/);
  const felix = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: { iptablesFilterDenyAction: 'Reject' },
  };
  t.regex(host.dryRun(felix), /packet filter would be changed[\s\S]*-j REJECT/);
  t.true(await host.connects(1, 2));
  host.write('policy', denySecond);
  t.true(await eventually(async () => !(await host.connects(1, 2)), 10_000, 100));
  t.false(await host.connects('outside', 2));
  t.true(await host.connects(1, 2, 443));
  t.true(await host.connects(2, 1));
  t.like(host.status()?.policy, { endpoints: 2, policies: 1, inForce: true });
  host.remove('policy');
  t.true(await eventually(() => host.connects(1, 2), 10_000, 100));
});

test('a workload answers its host, and reaches nothing on it by itself', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.start();
  t.true(await host.inForce());
  t.true(await eventually(() => host.connects('outside', 1), 10_000, 100));
  const [own, workload] = [ip('192.0.2.1'), ip('10.65.0.1')];
  const ask = udpBetween(own, 40_000, workload, 53);
  const answer = udpBetween(workload, 53, own, 40_000);
  await host.lab.forgetConnections();
  t.deepEqual(await host.lab.pass([{ packet: answer, from: 'cali1' }]), [[]]);
  await host.lab.forgetConnections();
  t.deepEqual(await host.lab.pass([{ packet: ask, from: 'host' }]), [['cali1']]);
  t.deepEqual(await host.lab.pass([{ packet: answer, from: 'cali1' }]), [['host']]);
});

test('a workload has its route once it is guarded, and its chains until its route is gone', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.start();
  t.true(await host.inForce());
  const routes = () => host.host.ip('route show proto 157');
  t.true(await eventually(async () => routes().includes('10.65.0.2 dev cali2'), 10_000, 100), routes());
  const chains = () => host.host.run('iptables-save').match(/^:mgy-\S*cali2\S*/gm) ?? [];
  t.true(chains().length >= 2, chains().join());
  host.remove('endpoint2');
  t.true(await eventually(async () => !routes().includes('10.65.0.2'), 10_000, 20));
  t.true(await eventually(async () => chains().length === 0, 10_000, 50), chains().join());
  t.true(routes().includes('10.65.0.1 dev cali1'));
});

test('what is unknown is dropped while the agent is dead, and what is known goes on', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.write('policy', denySecond);
  host.remove('endpoint1');
  host.start();
  t.true(await host.inForce());
  t.true(
    await eventually(async () => host.host.ip('route show proto 157').includes('10.65.0.2'), 10_000, 100),
  );
  await host.end('SIGKILL');
  const before = host.host.run('iptables-save');
  t.false(await host.connects('outside', 2));
  t.true(await host.connects('outside', 2, 443));
  // An interface like a workload's, of which the agent never heard.
  t.false(await host.connects(1, 'outside'));
  host.start();
  t.true(await eventually(async () => host.status()?.policy?.inForce === true, 20_000, 100));
  const plain = (saved: string) =>
    saved
      .split('\n')
      .filter(line => !/^[:#]/.test(line))
      .join('\n');
  t.is(plain(host.host.run('iptables-save')), plain(before));
});

test('the last good version of a policy that is invalid now stays in force over a restart', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.write('policy', denySecond);
  host.start();
  t.true(await host.inForce());
  t.true(await eventually(() => host.connects('outside', 2, 443), 10_000, 100));
  host.write('policy', { ...denySecond, spec: { ...denySecond.spec, types: ['Sideways'] } });
  const reported = () => host.status()?.invalidDocuments[0]?.inForce === 'last-good';
  t.true(await eventually(() => reported(), 10_000, 100));
  await host.end('SIGTERM');
  host.start();
  t.true(await host.inForce());
  t.true(reported());
  t.true(await eventually(() => host.connects('outside', 2, 443), 10_000, 100));
  t.false(await host.connects('outside', 2));
});

test('switched off, or cleaned up, nothing of what was enforced is left', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  const foreign = ['FORWARD', '-s', '198.51.100.7/32', '-j', 'DROP'];
  host.host.run('iptables', '-A', ...foreign);
  host.write('policy', denySecond);
  host.start();
  t.true(await host.inForce());
  const ours = () =>
    ['iptables-save', 'ip6tables-save'].flatMap(
      command => host.host.run(command).match(/^.*\bmgy[-:].*$/gm) ?? [],
    );
  t.true(ours().length > 10);
  await host.end('SIGTERM');
  host.start('off');
  t.true(await eventually(async () => ours().length === 0, 20_000, 100), ours().join('\n'));
  t.is(host.host.run('ipset', 'list', '-n').trim(), '');
  t.true(await eventually(() => host.connects('outside', 2), 10_000, 100));
  await host.end('SIGTERM');
  host.start();
  t.true(await host.inForce());
  t.true(ours().length > 10);
  await host.end('SIGTERM');
  const said = host.cleanUp();
  t.true(said.includes('network policy removed'), said);
  t.deepEqual(ours(), []);
  t.true(host.host.run('iptables-save').includes('-A FORWARD -s 198.51.100.7/32 -j DROP'));
});
