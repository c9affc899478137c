/** Rendered rules in the kernel, with packets: what the simulator of the unit tests takes for granted of hooks, marks and NAT. */
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import type { HostPolicy, Packet } from '../../../policy/model.js';
import { renderFilter } from '../../../policy/render/render.js';
import type { FilterSettings } from '../../../policy/settings.js';
import {
  ip,
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  settings,
  tcp,
  udp,
} from '../../policy/host-policies.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';
import { filterText, setsText } from './filter-text.js';
import { PacketLab } from './packet-lab.js';

const variants = ['nft', 'legacy'] as const;
type Variant = (typeof variants)[number];

const POD = '10.65.0.1';
const OTHER = '192.0.2.9';
const FAR = '198.51.100.9';

function newLab(t: ExecutionContext): PacketLab {
  return new PacketLab(t, [
    { name: 'cali1', neighbours: [ip(POD), ip('fd65::1')] },
    { name: 'calix', neighbours: [ip('10.65.0.7')] },
    { name: 'eth0', neighbours: [ip(OTHER)], addresses: ['192.0.2.1/24'] },
    { name: 'eth1', neighbours: [ip(FAR)], addresses: ['198.51.100.1/24'] },
  ]);
}

function apply(
  host: NetworkNamespace,
  variant: Variant,
  policy: HostPolicy,
  more: Partial<FilterSettings>,
): void {
  const filter = renderFilter(policy, { ...settings, ...more });
  run(host, 'ipset', ['restore'], setsText(filter.sets));
  for (const table of filter.tables)
    run(
      host,
      `ip${table.family === 'ipv4' ? '' : '6'}tables-${variant}-restore`,
      ['--noflush'],
      filterText(table),
    );
}

function run(host: NetworkNamespace, command: string, args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', host.name, command, ...args], {
    encoding: 'utf8',
    input,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

const open = makeProfile('open', [makeRule('allow')]);
const pod = makeWorkload('cali1', [`${POD}/32`, 'fd65::1/128'], { profiles: ['open'] });

/** Of each packet: where it came out. */
async function passed(lab: PacketLab, packets: readonly (readonly [string, Packet])[]): Promise<string[]> {
  await lab.forgetConnections();
  const arrivals = await lab.pass(
    packets.map(([from, packet]) => ({ from, packet })),
    100,
  );
  return arrivals.map(each => each.join());
}

let ports = 30000;
const fresh = (from: string, to: string, port = 80) => tcp(from, to, port, ports++);

for (const variant of variants) {
  test.serial(
    `${variant}: failClosedForwarding: a flushed filter table forwards nothing, and the host goes on`,
    async t => {
      const lab = newLab(t);
      const ways = () =>
        [
          ['cali1', fresh(POD, FAR)],
          ['eth0', fresh(OTHER, FAR)],
          ['eth0', fresh(OTHER, POD)],
          ['eth0', fresh(OTHER, '192.0.2.1')],
          ['host', fresh('192.0.2.1', OTHER)],
        ] as const;
      apply(lab.host, variant, makeHostPolicy({ workloads: [pod], profiles: [open] }), {
        failClosedForwarding: true,
      });
      t.deepEqual(await passed(lab, ways()), ['eth1', 'eth1', 'cali1', 'host', 'eth0']);
      run(lab.host, `iptables-${variant}`, ['-F']);
      t.deepEqual(await passed(lab, ways()), ['', '', '', 'host', 'eth0']);
      run(lab.host, `iptables-${variant}`, ['-t', 'mangle', '-F']);
      t.deepEqual(
        await passed(lab, ways()),
        ['eth1', 'eth1', 'cali1', 'host', 'eth0'],
        'both flushed: it is open',
      );
    },
  );

  test.serial(`${variant}: what a host sends is judged where DNAT has turned it to`, async t => {
    const lab = newLab(t);
    const closed = makePolicy('closed', [makeRule('deny')]);
    const policy = makeHostPolicy({
      hosts: [makeHost('eth1', { tiers: [makeTier(['closed'])] })],
      policies: [closed],
    });
    apply(lab.host, variant, policy, {});
    const turn = (port: number, to: string) =>
      run(lab.host, `iptables-${variant}`, [
        ...['-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '--dport', String(port)],
        ...['-j', 'DNAT', '--to-destination', `${to}:81`],
      ]);
    turn(8081, FAR);
    turn(8082, OTHER);
    const arrivals = await passed(lab, [
      ['host', fresh('192.0.2.1', OTHER)],
      ['host', fresh('198.51.100.1', FAR)],
      ['host', fresh('192.0.2.1', OTHER, 8081)],
      ['host', fresh('198.51.100.1', FAR, 8082)],
    ]);
    t.deepEqual(arrivals, ['eth0', '', '', 'eth0']);
  });

  test.serial(`${variant}: spoofed, encapsulated and unknown workloads' packets end here`, async t => {
    const lab = newLab(t);
    apply(lab.host, variant, makeHostPolicy({ workloads: [pod], profiles: [open] }), {});
    const arrivals = await passed(lab, [
      ['cali1', fresh(POD, FAR)],
      ['cali1', fresh('10.65.0.2', FAR)],
      ['cali1', udp(POD, FAR, 4789, ports++)],
      ['cali1', fresh(POD, '192.0.2.1')],
      ['calix', fresh('10.65.0.7', FAR)],
      ['calix', fresh('10.65.0.7', '192.0.2.1')],
      ['eth0', fresh(OTHER, '10.65.0.7')],
      ['host', fresh('192.0.2.1', POD)],
    ]);
    t.deepEqual(arrivals, ['eth1', '', '', 'host', '', '', '', 'cali1']);
  });

  test.serial(
    `${variant}: untracked policy and policy before DNAT let in, and shut out, before all other`,
    async t => {
      const lab = newLab(t);
      const to = (port: number) =>
        makeRule('allow', { protocol: 6 }, { destination: { ports: [{ min: port, max: port }] } });
      const from = makeRule('deny', {}, { source: { nets: [`${FAR}/32` as never] } });
      const policies = [
        makePolicy('first', [to(7001)]),
        makePolicy('second', [to(7002), from]),
        makePolicy('closed', [makeRule('deny')]),
      ];
      const all = makeHost('*', {
        untracked: [makeTier(['first'])],
        preDnat: [makeTier(['second'], { egress: [] })],
        tiers: [makeTier(['closed'])],
      });
      apply(lab.host, variant, makeHostPolicy({ hosts: [all], policies }), {});
      const arrivals = await passed(lab, [
        ['eth0', fresh(OTHER, '192.0.2.1', 7001)],
        ['eth0', fresh(OTHER, '192.0.2.1', 7002)],
        ['eth0', fresh(OTHER, '192.0.2.1', 7003)],
        ['eth0', fresh(OTHER, '192.0.2.1', 22)],
        ['eth0', fresh(OTHER, FAR, 7003)],
        ['eth1', fresh(FAR, OTHER, 7003)],
        ['eth1', fresh(FAR, '198.51.100.1', 7001)],
      ]);
      t.deepEqual(arrivals, ['host', 'host', '', 'host', 'eth1', '', 'host']);
    },
  );
}
