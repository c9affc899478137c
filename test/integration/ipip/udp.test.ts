/** The UDP data path in the real kernel: processes of their own in network namespaces, with real packets. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { deviceNames } from '../../../ipip/tunnel-devices.js';
import { udpStatusPath, writeUdpState } from '../../../ipip/udp/state-file.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { internetAddress } from '../../../linux/socket-address.js';
import { openDial, openListener } from '../../../linux/tcp-options.js';
import { removePersistentTun } from '../../../linux/tun.js';
import { openUdpSocket } from '../../../linux/udp-socket.js';
import { packet } from '../../ipip/udp/packets.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { Random } from '../../support/random.js';
import { skip } from '../../support/skip.js';
import { startAll, startHosts, UdpHost } from './udp-hosts.js';

const UDP_DEVICE = deviceNames.udp;

/** Skipped where the kernel has no TUN devices. */
function testWithTun(name: string, run: (t: ExecutionContext) => Promise<void>): void {
  test(name, async t => {
    t.timeout(120_000);
    if (existsSync('/dev/net/tun')) await run(t);
    else skip(t, '/dev/net/tun is not on this machine');
  });
}

/** What ping says, whatever its exit status. */
function ping(from: NetworkNamespace, words: string): string {
  const { stdout, stderr } = spawnSync('ip', ['netns', 'exec', from.name, 'ping', ...words.split(' ')], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

const answered = (said: string) => Number(/(\d+) received/.exec(said)?.[1] ?? 0);
const reaches = (from: NetworkNamespace, to: string) => answered(ping(from, `-c 1 -W 1 ${to}`)) === 1;

/** Bytes from one pod to the other over TCP, in writes of `size`; true if they arrive as they were. */
async function carries(from: UdpHost, to: UdpHost, bytes: Buffer, size: number): Promise<boolean> {
  const [address, localAddress] = [to.podAddress as Ipv4Address, from.podAddress as Ipv4Address];
  const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const server = net.createServer({ allowHalfOpen: true });
  const received = new Promise<string>((resolve, reject) => {
    server.once('connection', socket => {
      const chunks: Buffer[] = [];
      socket.on('data', chunk => chunks.push(chunk));
      socket.on('end', () => resolve(digest(Buffer.concat(chunks))));
      socket.on('end', () => socket.end());
      socket.on('error', reject);
    });
  });
  server.listen({ fd: insideNamespace(to.pod.path, () => openListener({ address, port: 7000 }, 4)) });
  const fd = insideNamespace(from.pod.path, () => openDial({ address, port: 7000, localAddress, ttl: 64 }));
  const socket = new net.Socket({ fd, readable: true, writable: true, manualStart: true } as never);
  socket.setNoDelay(true);
  for (let at = 0; at < bytes.length; at += size) {
    const more = socket.write(bytes.subarray(at, at + size));
    if (!more) await new Promise(resolve => socket.once('drain', resolve));
  }
  socket.end();
  const same = (await received) === digest(bytes);
  socket.destroy();
  server.close();
  return same;
}

testWithTun('pods on three hosts reach each other, and TCP carries what it is given', async t => {
  const hosts = await startHosts(t, 3);
  for (const from of hosts) {
    for (const to of hosts) {
      if (from !== to)
        t.true(reaches(from.pod, to.podAddress), `${from.number} to ${to.number}\n${from.log}`);
    }
  }
  const [a, b] = [hosts[0]!, hosts[1]!];
  t.is(answered(ping(a.pod, `-c 3 -i 0.05 -W 1 -s 1444 -M do ${b.podAddress}`)), 3);
  const bytes = randomBytes(4 * 1024 * 1024);
  t.true(await carries(a, b, bytes, 1400));
  t.true(await carries(b, a, bytes, bytes.length));
  t.true(await a.comesToBe(({ counters }) => counters.in > 1000 && counters.out > 1000));
  const status = (await a.status())!;
  t.deepEqual([status.device, status.port, status.routes, status.problems], [UDP_DEVICE, 8285, 2, []]);
  t.is(status.counters.droppedMalformed + status.counters.errors, 0);
});

testWithTun('each packet costs a hop: TTL 1 is answered by the tunnel address, to host and pod', async t => {
  const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  t.regex(ping(a.namespace, `-c 1 -W 1 -t 1 10.244.2.0`), /From 10\.244\.1\.0 .*Time to live exceeded/);
  // The pod's first hop is its own host's kernel.
  t.regex(ping(a.pod, `-c 1 -W 1 -t 2 ${b.podAddress}`), /From 10\.244\.1\.0 .*Time to live exceeded/);
  t.true(await a.comesToBe(({ counters }) => counters.droppedTtlExpired === 2));
});

testWithTun('a destination that nobody has is unreachable, and counted', async t => {
  const [a] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  a.namespace.ip(`route add 10.244.77.0/24 dev ${UDP_DEVICE}`);
  t.regex(ping(a.pod, '-c 1 -W 1 10.244.77.1'), /From 10\.244\.1\.0 .*Destination Net Unreachable/);
  t.true(await a.comesToBe(({ counters }) => counters.droppedNoRoute >= 1));
});

testWithTun(
  'too long for the way out: fragmentation needed with what fits; without DF it goes in pieces',
  async t => {
    const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
    t.is(answered(ping(a.pod, `-c 1 -W 1 -s 1444 -M do ${b.podAddress}`)), 1);
    for (const { namespace } of [a, b]) namespace.ip('link set eth0 mtu 1400');
    // Before anybody has learned of an MTU and cuts the packets itself.
    t.is(answered(ping(a.pod, `-c 2 -i 0.05 -W 5 -s 1444 -M dont ${b.podAddress}`)), 2);
    const said = ping(a.pod, `-c 2 -i 0.2 -W 1 -s 1444 -M do ${b.podAddress}`);
    t.regex(said, /From 10\.244\.1\.0 .*Frag needed and DF set \(mtu = 1372\)/);
    t.is(answered(said), 0);
    t.is(answered(ping(a.pod, `-c 1 -W 1 -s 1344 -M do ${b.podAddress}`)), 1);
    t.true(await carries(a, b, randomBytes(1024 * 1024), 65536));
    t.true(await a.comesToBe(({ counters }) => counters.droppedTooLong >= 1));
  },
);

testWithTun('a narrow link in the middle is learned of, and told to who sends', async t => {
  const [a, b] = [new UdpHost(t, 1), new UdpHost(t, 2)];
  const router = makeNamespace(t);
  router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const host of [a, b]) {
    join(host.namespace, 'eth0', router, `to${host.number}`);
    host.namespace.ip(`address add ${host.address}/32 dev eth0`);
    router.ip(`address add 10.9.${host.number}.1/24 dev to${host.number}`);
    host.namespace.ip(`address add 10.9.${host.number}.2/24 dev eth0`);
    router.ip(`route add ${host.address} via 10.9.${host.number}.2`);
    host.namespace.ip(`route add default via 10.9.${host.number}.1 src ${host.address}`);
  }
  await startAll(t, [a, b]);
  router.ip('link set to2 mtu 1300');
  b.namespace.ip('link set eth0 mtu 1300');
  const said = ping(a.pod, `-c 4 -i 0.2 -W 1 -s 1400 -M do ${b.podAddress}`);
  t.regex(said, /From 10\.244\.1\.0 .*Frag needed and DF set \(mtu = 1272\)/);
  t.true(await carries(a, b, randomBytes(1024 * 1024), 65536));
});

testWithTun('a stranger is dropped and counted, until it is known', async t => {
  const [a, b, c] = (await startHosts(t, 3)) as [UdpHost, UdpHost, UdpHost];
  await b.write([1]);
  t.true(await b.comesToBe(({ routes }) => routes === 1));
  t.false(reaches(c.pod, b.podAddress));
  t.true(await b.comesToBe(({ counters }) => counters.droppedUnknownHost === 1));
  // Whoever else is on a known host is no known host.
  a.namespace.run('bash', '-c', `echo hello > /dev/udp/${b.address}/8285`);
  t.true(await b.comesToBe(({ counters }) => counters.droppedUnknownHost === 2));
  t.true(reaches(a.pod, b.podAddress));
  await b.write([1, 3]);
  t.true(await eventually(() => reaches(c.pod, b.podAddress), 2500));
});

testWithTun('kill -9: device and routes stay, a new process carries on, TCP has not noticed', async t => {
  const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  const routes = a.namespace.ip(`route show dev ${UDP_DEVICE}`);
  t.true(routes.includes('10.244.2.0/24'));
  const carried = carries(a, b, randomBytes(6 * 1024 * 1024), 65536);
  await a.end('SIGKILL');
  t.is(a.namespace.ip(`route show dev ${UDP_DEVICE}`).replaceAll(' linkdown', ''), routes);
  t.false(reaches(a.pod, b.podAddress));
  t.is(await a.status(), undefined);
  await a.start(t);
  t.true(await eventually(() => reaches(a.pod, b.podAddress)));
  t.true(await carried);
  t.is(a.namespace.ip(`route show dev ${UDP_DEVICE}`), routes);
});

testWithTun('SIGTERM ends it with 0; the device stays until it is removed', async t => {
  const [a] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  const remove = () => insideNamespace(a.namespace.path, () => removePersistentTun(UDP_DEVICE));
  // While it is served, whoever serves it is named.
  const { pid } = a;
  t.throws(remove, { code: 'EBUSY', message: new RegExp(`pid ${pid}\\b`) });
  t.is(await a.end('SIGTERM'), 0);
  t.true(a.namespace.ip('link').includes(UDP_DEVICE));
  t.false(existsSync(udpStatusPath(a.directory)));
  t.true(remove());
  t.false(a.namespace.ip('link').includes(UDP_DEVICE));
  t.false(remove());
});

testWithTun(
  'a changed file is taken within 2.5 s, whoever changes it; a bad one changes nothing',
  async t => {
    const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
    const { pid } = a;
    await a.write([]);
    t.true(await eventually(() => !reaches(a.namespace, '10.244.2.0'), 2500));
    // Not by rename, as an editor might.
    writeFileSync(a.statePath, JSON.stringify({ version: 1, ...a.state([2]) }));
    t.true(await eventually(() => reaches(a.namespace, '10.244.2.0'), 2500));
    for (const text of ['{"version":1,"dev', '{"version":2}', '']) {
      writeFileSync(a.statePath, text);
      t.true(await a.comesToBe(({ problems }) => problems.length === 1), text);
      t.true(reaches(a.namespace, '10.244.2.0'));
      await a.write([2]);
      t.true(await a.comesToBe(({ problems }) => problems.length === 0));
    }
    rmSync(a.statePath);
    t.true(await a.comesToBe(({ problems }) => problems.length === 1));
    t.true(reaches(a.namespace, '10.244.2.0'));
    t.is((await a.status())?.pid, pid);
    t.true(reaches(b.namespace, '10.244.1.0'));
  },
);

testWithTun('changes of routes and hosts lose no packet of those that stay', async t => {
  const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  const words = [
    'netns',
    'exec',
    a.pod.name,
    'ping',
    '-q',
    '-c',
    '400',
    '-i',
    '0.01',
    '-W',
    '5',
    b.podAddress,
  ];
  const pings = spawn('ip', words);
  let said = '';
  pings.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise(resolve => pings.once('close', resolve));
  let writes = 0;
  while (pings.exitCode === null && pings.signalCode === null) {
    for (const host of [a, b]) await host.write(writes % 2 === 0 ? [1, 2, 3 + (writes % 200)] : [1, 2]);
    writes++;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  await ended;
  t.true(writes > 20, `${writes} writes`);
  t.is(answered(said), 400, said);
});

testWithTun('no device: socket and device are let go; a device again: taken up again', async t => {
  const [a] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  const bound = () => a.namespace.run('cat', '/proc/net/udp').includes(':205D ');
  t.true(bound());
  await writeUdpState(a.statePath, { device: undefined });
  t.true(await a.comesToBe(({ device, port }) => device === null && port === null));
  t.false(bound());
  t.true(a.namespace.ip(`link show ${UDP_DEVICE}`).includes('NO-CARRIER'));
  await a.write([2], { device: { name: UDP_DEVICE, mtu: 1400 } });
  t.true(await a.comesToBe(({ device, port }) => device === UDP_DEVICE && port === 8285));
  t.true(await eventually(() => a.namespace.ip(`link show ${UDP_DEVICE}`).includes('mtu 1400')));
  t.true(reaches(a.namespace, '10.244.2.0'));
});

testWithTun(
  'a deleted device is there again within a second; a device set down, with the next packet',
  async t => {
    const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
    for (let i = 0; i < 3; i++) {
      a.namespace.ip(`link delete ${UDP_DEVICE}`);
      t.true(await eventually(() => a.isUp, 1000), a.log);
    }
    a.wire([2]);
    t.true(reaches(a.pod, b.podAddress));
    a.namespace.ip(`link set ${UDP_DEVICE} down`);
    spawn('ip', ['netns', 'exec', b.namespace.name, 'ping', '-c', '1', '-W', '1', a.podAddress]);
    t.true(await eventually(() => a.isUp, 3000));
  },
);

testWithTun('a taken port is named by who has it, and taken once it is free', async t => {
  const host = new UdpHost(t, 1);
  host.namespace.ip(`address add ${host.address}/24 dev lo`);
  const never = () => {};
  const taken = insideNamespace(host.namespace.path, () =>
    openUdpSocket({ address: host.address, port: 8285, received: never, failed: never }),
  );
  await host.write([]);
  await host.start(t);
  const named = ({ problems }: { readonly problems: readonly string[] }) =>
    problems.some(problem => problem.includes('10.0.0.1:8285') && problem.includes(`(pid ${process.pid})`));
  t.true(await host.comesToBe(named), JSON.stringify(await host.status()));
  taken.close();
  t.true(await host.comesToBe(({ port, problems }) => port === 8285 && problems.length === 0, 8000));
});

testWithTun('a flood of garbage and of more than can be carried: counted, in bounded memory', async t => {
  const [a, b] = (await startHosts(t, 2)) as [UdpHost, UdpHost];
  const before = b.memoryKilobytes();
  const never = () => {};
  await a.end('SIGTERM');
  const socket = insideNamespace(a.namespace.path, () =>
    openUdpSocket({ address: a.address, port: 8285, received: never, failed: never }),
  );
  t.teardown(() => socket.close());
  const random = new Random(Date.now() | 0);
  const to = internetAddress(b.address, 8285);
  const valid = packet({ source: '10.244.1.2', destination: '10.244.2.2', payload: new Uint8Array(1400) });
  for (let i = 0; i < 60_000; i++) {
    const bytes = random.below(3) === 0 ? randomBytes(random.below(1400)) : valid.slice();
    if (random.below(2) === 0 && bytes.length > 0) bytes[random.below(20) % bytes.length] = random.below(256);
    socket.send(bytes, bytes.length, to);
  }
  t.true(await b.comesToBe(({ counters }) => counters.droppedMalformed > 1000 && counters.in > 1000), b.log);
  socket.close();
  await a.start(t);
  t.true(await eventually(() => reaches(a.pod, b.podAddress)));
  const grown = b.memoryKilobytes() - before;
  t.log(`${grown} KiB more memory; ${JSON.stringify((await b.status())?.counters)}`);
  t.true(grown < 60_000, `${grown} KiB`);
});
