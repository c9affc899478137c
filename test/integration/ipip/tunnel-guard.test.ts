import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { guardFirewall } from '../../../ipip/guard-firewall.js';
import { type GuardedEncapsulation, guardRules } from '../../../ipip/input-chain.js';
import { HOSTS_SET } from '../../../ipip/known-hosts-set.js';
import { type Variant, variants } from '../../../ipip/packet-filter.js';
import { type GuardIntent, TunnelGuard, undoGuard } from '../../../ipip/tunnel-guard.js';
import { type DatagramSocket, openDatagramSocket } from '../../support/datagram-socket.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

const ipip: GuardedEncapsulation = { kind: 'ipip' };
const vxlan: GuardedEncapsulation = { kind: 'vxlan', port: 4789 };
const udp: GuardedEncapsulation = { kind: 'udp', port: 6081 };
const [own, known, unknown] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as [Ipv4Address, Ipv4Address, Ipv4Address];

function intent(knownHosts: readonly Ipv4Address[], ...receives: GuardedEncapsulation[]): GuardIntent {
  return { knownHosts, externalNodes: [], receives };
}

/** A host with a neighbour that is to be known and one that is not, on one Ethernet; the host filters by one variant already. */
function hosts(t: ExecutionContext, variant: Variant) {
  const [host, friend, stranger] = [makeNamespace(t), makeNamespace(t), makeNamespace(t)];
  host.ipBatch(['link add br0 type bridge', 'link set br0 up', `address add ${own}/24 dev br0`]);
  for (const [other, address, port] of [
    [friend, known, 'p1'],
    [stranger, unknown, 'p2'],
  ] as const) {
    join(host, port, other, 'eth0');
    host.ip(`link set ${port} master br0`);
    other.ip(`address add ${address}/24 dev eth0`);
  }
  const lacking = missing(host, variant, ['-A', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'REJECT']);
  return { host, friend, stranger, lacking };
}

/** What the machine lacks: the variant, or sets. */
function missing(host: NetworkNamespace, variant: Variant, rule: readonly string[]): string | undefined {
  for (const command of [
    [variant, ...rule],
    ['ipset', 'create', 'foreign', 'hash:ip'],
    ['ipset', 'add', 'foreign', '198.51.100.1'],
    ['ipset', 'create', 'foreign-nets', 'hash:net'],
  ]) {
    const { status, stderr } = spawnSync('ip', ['netns', 'exec', host.name, ...command], {
      encoding: 'utf8',
    });
    if (status !== 0) return `${command.join(' ')}: ${stderr.trim()}`;
  }
  return undefined;
}

function start(t: ExecutionContext, host: NetworkNamespace) {
  const logged: string[] = [];
  const guard = new TunnelGuard({
    clock: systemClock,
    firewall: guardFirewall(['ip', 'netns', 'exec', host.name]),
    log: (level, message, detail) => logged.push(`${level} ${message}: ${detail}`),
    changed: () => {},
  });
  t.teardown(() => guard.close());
  return { guard, logged };
}

/** What others have in the packet filter and among the sets, but for counters and the time of day. */
function foreign(host: NetworkNamespace): string {
  const rules = variants.map(variant => host.run(`${variant}-save`).replaceAll(/\[\d+:\d+\]/g, ''));
  return [...rules, host.run('ipset', 'save')]
    .join('\n')
    .split('\n')
    .filter(line => !line.startsWith('#') && !/margay-(input|hosts)/.test(line))
    .join('\n');
}

const isOurs = (host: NetworkNamespace, variant: Variant) =>
  `${host.run(`${variant}-save`)}${host.run('ipset', 'save')}`.includes('margay');

/** Packets get through at once, or not at all. */
async function gets(receiver: DatagramSocket, sender: DatagramSocket): Promise<boolean> {
  receiver.received();
  sender.send(own, 77);
  return await eventually(() => receiver.received().includes(77), 100);
}

const pings = (from: NetworkNamespace, to: string) =>
  spawnSync('ip', ['netns', 'exec', from.name, 'ping', '-c1', '-W0.3', '-q', to]).status === 0;

for (const variant of variants) {
  test(`${variant}: packets of unknown hosts are dropped, those of known ones arrive; others’ rules and sets stay as they are`, async t => {
    const { host, friend, stranger, lacking } = hosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    const before = foreign(host);
    const sockets = [ipip, udp].map(encapsulation => {
      const traffic = encapsulation.kind === 'ipip' ? { protocol: 4 } : { port: udp.port };
      const [at, a, b] = [host, friend, stranger].map(one =>
        openDatagramSocket(t, one, { traffic, ...(one === host ? { address: own } : {}) }),
      );
      return { encapsulation, at: at!, friend: a!, stranger: b! };
    });
    for (const { at, friend, stranger } of sockets) {
      t.true(await gets(at, friend));
      t.true(await gets(at, stranger), 'nothing is guarded yet');
    }
    const { guard } = start(t, host);
    guard.setIntent(intent([own, known], ipip, udp));
    t.true(await guard.programmed());
    for (const { at, friend, stranger } of sockets) {
      t.true(await gets(at, friend));
      t.false(await gets(at, stranger));
    }
    t.deepEqual(guard.problems(), []);
    t.is(foreign(host), before);

    guard.setIntent(intent([own, known], udp));
    t.true(await guard.programmed());
    t.true(await gets(sockets[0]!.at, sockets[0]!.stranger), 'what is not received is not looked at');
    t.false(await gets(sockets[1]!.at, sockets[1]!.stranger));

    // A rewritten chain would begin to count anew.
    const counters = () => host.run(variant, '-L', 'margay-input', '-n', '-v', '-x');
    const counted = counters();
    guard.close();
    const second = start(t, host).guard;
    second.setIntent(intent([known, own], udp));
    t.true(await second.programmed());
    t.is(counters(), counted);
    second.close();

    const { failed } = await undoGuard({ firewall: guardFirewall(['ip', 'netns', 'exec', host.name]) });
    t.deepEqual(failed, []);
    t.is(foreign(host), before);
    t.false(isOurs(host, variant));
    t.true(await gets(sockets[1]!.at, sockets[1]!.stranger));
  });

  test(`${variant}: a set that grows, shrinks and is changed for another costs no packet of a known host`, async t => {
    const { host, friend, stranger, lacking } = hosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    // What an older version might have left: a set of addresses alone, and rules that refer to it.
    host.run('ipset', 'create', HOSTS_SET, 'hash:ip');
    host.run('ipset', 'add', HOSTS_SET, known);
    host.run(variant, '-N', 'margay-input');
    for (const rule of guardRules([ipip], HOSTS_SET)) {
      const words = rule.replace(/-m comment --comment "[^"]*" /, '').split(' ');
      host.run(variant, ...words);
    }
    host.run(
      variant,
      '-I',
      'INPUT',
      '-m',
      'comment',
      '--comment',
      'margay:tunnel-guard',
      '-j',
      'margay-input',
    );
    const traffic = { protocol: 4 };
    const at = openDatagramSocket(t, host, { traffic, address: own });
    const senders = [friend, stranger].map(one => openDatagramSocket(t, one, { traffic }));
    t.true(await gets(at, senders[0]!));
    let sent = 0;
    let ended = false;
    const arrived: number[] = [];
    const talk = (async () => {
      while (!ended) {
        // Even numbers are the known host's.
        for (const sender of senders) sender.send(own, sent++);
        await sleep(1);
        arrived.push(...at.received());
      }
    })();
    const { guard } = start(t, host);
    const cluster = Array.from({ length: 5000 }, (_, i) => `10.1.${i >> 8}.${i & 255}` as Ipv4Address);
    for (const size of [0, 100, 5000, 3, 4]) {
      guard.setIntent(intent([known, ...cluster.slice(0, size)], ipip));
      t.true(await guard.programmed());
      t.is(guard.state().knownHosts.size, size + 1);
    }
    // A look later the set has its own name again, of the right type.
    t.true(
      await eventually(() => host.run('ipset', 'save', HOSTS_SET).startsWith(`create ${HOSTS_SET} hash:net`)),
    );
    t.true(await eventually(() => !host.run('ipset', 'list', '-n').includes('spare')));
    ended = true;
    await talk;
    t.true(
      await eventually(() => arrived.push(...at.received()) >= sent / 2, 1000),
      `${sent} ${arrived.length}`,
    );
    t.log(`${sent / 2} packets from each`);
    t.true(sent > 200);
    t.deepEqual(
      arrived.sort((a, b) => a - b),
      Array.from({ length: sent / 2 }, (_, i) => 2 * i),
    );
  });

  test(`${variant}: what is flushed from outside is healed, and the time is said`, async t => {
    const { host, friend, stranger, lacking } = hosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    const traffic = { protocol: 4 };
    const at = openDatagramSocket(t, host, { traffic, address: own });
    const [a, b] = [friend, stranger].map(one => openDatagramSocket(t, one, { traffic })) as [
      DatagramSocket,
      DatagramSocket,
    ];
    const { guard, logged } = start(t, host);
    guard.setIntent(intent([own, known], ipip));
    t.true(await guard.programmed());
    const flush = [variant, '-F'];
    // The set is the same for both.
    const damages = variant === variants[0] ? [['ipset', 'del', HOSTS_SET, known], flush] : [flush];
    for (const damage of damages) {
      const began = performance.now();
      logged.length = 0;
      host.run(damage[0]!, ...damage.slice(1));
      const open = damage === flush;
      t.is(await gets(at, a), open);
      t.is(await gets(at, b), open);
      t.true(await eventually(() => logged.length > 0, 15_000));
      t.log(
        `${damage.join(' ')}: ${logged.join()}; ${Math.round(performance.now() - began)} ms by the outside`,
      );
      t.regex(logged[0]!, /^info .*healed.*\d+ ms/);
      t.true(await gets(at, a));
      t.false(await gets(at, b));
    }
  });
}

/** A tunnel device on each of the three; the inner address of the host for its neighbours to ping. */
const devices: Readonly<
  Record<string, (on: NetworkNamespace, last: number, remotes: readonly number[]) => void>
> = {
  vxlan(on, last, remotes) {
    on.ip(`link add vx0 type vxlan id 42 dstport ${vxlan.port} local 10.0.0.${last} nolearning`);
    on.ipBatch([`address add 10.9.0.${last}/24 dev vx0`, 'link set vx0 up']);
    for (const remote of remotes)
      on.run('bridge', ...`fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.${remote}`.split(' '));
  },
  ipip(on, last, remotes) {
    for (const remote of remotes) {
      on.ip(`link add t${remote} type ipip local 10.0.0.${last} remote 10.0.0.${remote}`);
      on.ipBatch([
        `address add 10.9.0.${last} peer 10.9.0.${remote} dev t${remote}`,
        `link set t${remote} up`,
      ]);
    }
  },
};

for (const [kind, makeDevice] of Object.entries(devices)) {
  test(`${kind} devices: a known host’s overlay gets an answer, an unknown one’s does not`, async t => {
    const working = variants.map(variant => hosts(t, variant)).find(({ lacking }) => lacking === undefined);
    if (working === undefined) return skip(t, hosts(t, variants[0]).lacking!);
    const { host, friend, stranger } = working;
    try {
      makeDevice(host, 1, [2, 3]);
    } catch (error) {
      return skip(t, (error as Error).message);
    }
    makeDevice(friend, 2, [1]);
    makeDevice(stranger, 3, [1]);
    t.true(pings(friend, '10.9.0.1'));
    t.true(pings(stranger, '10.9.0.1'), 'nothing is guarded yet');
    const { guard } = start(t, host);
    const encapsulation = kind === 'ipip' ? ipip : vxlan;
    guard.setIntent(intent([own, known], encapsulation));
    t.true(await guard.programmed());
    t.true(pings(friend, '10.9.0.1'));
    t.false(pings(stranger, '10.9.0.1'));
    guard.setIntent(intent([own, known, unknown], encapsulation));
    t.true(await guard.programmed());
    t.true(pings(stranger, '10.9.0.1'), 'it is known now');
  });
}
