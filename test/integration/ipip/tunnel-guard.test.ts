import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { guardFirewall } from '../../../ipip/guard-firewall.js';
import { type GuardedEncapsulation, guardRules } from '../../../ipip/input-chain.js';
import { HOSTS_SET } from '../../../ipip/known-hosts-set.js';
import { type Variant, variants } from '../../../ipip/packet-filter.js';
import { undoGuard } from '../../../ipip/tunnel-guard.js';
import { type DatagramSocket, openDatagramSocket } from '../../support/datagram-socket.js';
import { eventually } from '../../support/eventually.js';
import {
  guardedHosts,
  guardIntent,
  guardsDevice,
  knownAddress,
  ownAddress,
  startGuard,
} from '../../support/guarded-hosts.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

const ipip: GuardedEncapsulation = { kind: 'ipip' };
const udp: GuardedEncapsulation = { kind: 'udp', port: 6081 };

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
  sender.send(ownAddress, 77);
  return await eventually(() => receiver.received().includes(77), 100);
}

for (const variant of variants) {
  test(`${variant}: packets of unknown hosts are dropped, those of known ones arrive; others’ rules and sets stay as they are`, async t => {
    const { host, friend, stranger, lacking } = guardedHosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    const before = foreign(host);
    const sockets = [ipip, udp].map(encapsulation => {
      const traffic = encapsulation.kind === 'ipip' ? { protocol: 4 } : { port: udp.port };
      const [at, a, b] = [host, friend, stranger].map(one =>
        openDatagramSocket(t, one, { traffic, ...(one === host ? { address: ownAddress } : {}) }),
      );
      return { encapsulation, at: at!, friend: a!, stranger: b! };
    });
    for (const { at, friend, stranger } of sockets) {
      t.true(await gets(at, friend));
      t.true(await gets(at, stranger), 'nothing is guarded yet');
    }
    const { guard } = startGuard(t, host);
    guard.setIntent(guardIntent([ownAddress, knownAddress], ipip, udp));
    t.true(await guard.programmed());
    for (const { at, friend, stranger } of sockets) {
      t.true(await gets(at, friend));
      t.false(await gets(at, stranger));
    }
    t.deepEqual(guard.problems(), []);
    t.is(foreign(host), before);

    guard.setIntent(guardIntent([ownAddress, knownAddress], udp));
    t.true(await guard.programmed());
    t.true(await gets(sockets[0]!.at, sockets[0]!.stranger), 'what is not received is not looked at');
    t.false(await gets(sockets[1]!.at, sockets[1]!.stranger));

    // A rewritten chain would begin to count anew.
    const counters = () => host.run(variant, '-L', 'margay-input', '-n', '-v', '-x');
    const counted = counters();
    guard.close();
    const second = startGuard(t, host).guard;
    second.setIntent(guardIntent([knownAddress, ownAddress], udp));
    t.true(await second.programmed());
    t.is(counters(), counted);
    second.close();

    const { failed } = await undoGuard({ firewall: guardFirewall(['ip', 'netns', 'exec', host.name]) });
    t.deepEqual(failed, []);
    t.is(foreign(host), before);
    t.false(isOurs(host, variant));
    t.true(await gets(sockets[1]!.at, sockets[1]!.stranger));
  });

  test(`${variant}: a workload that gives itself the address of a known host gets nothing through`, async t => {
    const { host, friend, lacking } = guardedHosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    const workload = makeNamespace(t);
    join(host, 'cali1', workload, 'eth0');
    workload.ipBatch([`address add ${knownAddress}/32 dev lo`, 'route add default dev eth0 src 10.0.0.2']);
    host.run('sysctl', '-qw', 'net.ipv4.conf.cali1.proxy_arp=1', 'net.ipv4.conf.all.rp_filter=0');
    const ways = [{ protocol: 4 }, { port: udp.port }].map(traffic => ({
      at: openDatagramSocket(t, host, { traffic, address: ownAddress }),
      friend: openDatagramSocket(t, friend, { traffic }),
      workload: openDatagramSocket(t, workload, { traffic, address: knownAddress }),
    }));
    for (const { at, workload: from } of ways) t.true(await gets(at, from), 'nothing is guarded yet');
    const { guard } = startGuard(t, host);
    guard.setIntent(guardIntent([ownAddress, knownAddress], ipip, udp));
    t.true(await guard.programmed());
    for (const { at, friend: known, workload: from } of ways) {
      t.true(await gets(at, known));
      t.false(await gets(at, from));
    }
  });

  test(`${variant}: a set that grows, shrinks and is changed for another costs no packet of a known host`, async t => {
    const { host, friend, stranger, lacking } = guardedHosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    // What an older version might have left: a set of addresses alone, and rules that refer to it.
    host.run('ipset', 'create', HOSTS_SET, 'hash:ip');
    host.run('ipset', 'add', HOSTS_SET, knownAddress);
    host.run(variant, '-N', 'margay-input');
    for (const rule of guardRules(guardIntent([], ipip), HOSTS_SET)) {
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
    const at = openDatagramSocket(t, host, { traffic, address: ownAddress });
    const senders = [friend, stranger].map(one => openDatagramSocket(t, one, { traffic }));
    t.true(await gets(at, senders[0]!));
    let sent = 0;
    let ended = false;
    const arrived: number[] = [];
    const talk = (async () => {
      while (!ended) {
        // Even numbers are the known host's.
        for (const sender of senders) sender.send(ownAddress, sent++);
        await sleep(1);
        arrived.push(...at.received());
      }
    })();
    const { guard } = startGuard(t, host);
    const cluster = Array.from({ length: 5000 }, (_, i) => `10.1.${i >> 8}.${i & 255}` as Ipv4Address);
    for (const size of [0, 100, 5000, 3, 4]) {
      guard.setIntent(guardIntent([knownAddress, ...cluster.slice(0, size)], ipip));
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
    const { host, friend, stranger, lacking } = guardedHosts(t, variant);
    if (lacking !== undefined) return skip(t, lacking);
    const traffic = { protocol: 4 };
    const at = openDatagramSocket(t, host, { traffic, address: ownAddress });
    const [a, b] = [friend, stranger].map(one => openDatagramSocket(t, one, { traffic })) as [
      DatagramSocket,
      DatagramSocket,
    ];
    const { guard, logged } = startGuard(t, host);
    guard.setIntent(guardIntent([ownAddress, knownAddress], ipip));
    t.true(await guard.programmed());
    const flush = [variant, '-F'];
    // The set is the same for both.
    const damages = variant === variants[0] ? [['ipset', 'del', HOSTS_SET, knownAddress], flush] : [flush];
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

test('VXLAN devices: a known host’s overlay gets an answer, an unknown one’s does not', t =>
  guardsDevice(t, 'vxlan'));
