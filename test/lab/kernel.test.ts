/** The lab is what it says: a kernel with IPIP and the rest that Margay asks of one. Kernels differ, so all is tried, nothing looked up. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { nodeCommand } from '../../demo/node-command.js';
import { patience } from '../../demo/patience.js';
import { eventually } from '../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../support/network-namespace.js';
import { skip } from '../support/skip.js';

/** Set in a guest: the release of the kernel around it. */
const { MARGAY_LAB_HOST_KERNEL: outerKernel } = process.env;
const PINGS = 3;

test('a guest has a kernel of its own and one CPU, and each Node is told so', t => {
  if (outerKernel === undefined) return skip(t, 'the machine has IPIP itself: there is no guest');
  t.not(release(), outerKernel);
  t.is(readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length, 1);
  t.true(patience > 1);
  const [node, ...flags] = nodeCommand;
  for (const command of [[node, ...flags], ['node']] as const) {
    const words = [...command.slice(1), '-p', '[process.version, ...process.execArgv].join()'];
    const said = execFileSync(command[0], words, { encoding: 'utf8' });
    t.true(said.startsWith(`${process.version},--single-threaded`), said);
  }
});

test('an IPIP device carries packets between two hosts, IP in IP on the wire', async t => {
  const { a, b } = twoHosts(t);
  for (const [host, own, other] of [
    [a, 1, 2],
    [b, 2, 1],
  ] as const) {
    host.ip(`link add mgy-ipip type ipip local 10.0.0.${own}`);
    host.ip(`address add 192.0.2.${own}/32 dev mgy-ipip`);
    host.ip('link set mgy-ipip up');
    host.ip(`route add 192.0.2.${other}/32 via 10.0.0.${other} dev mgy-ipip onlink`);
  }
  const heard = await capture(t, b, 'ip proto 4 and src 10.0.0.1 and dst 10.0.0.2');
  t.is(ping(a, '192.0.2.2'), PINGS);
  t.true(await eventually(() => heard().length === PINGS), heard().join('\n'));
  const [statistics] = JSON.parse(b.ip('-s -j link show mgy-ipip'));
  t.is(statistics.stats64.rx.packets, PINGS);
});

test('a VXLAN device carries packets between two hosts, in UDP on the wire', async t => {
  const { a, b } = twoHosts(t);
  for (const [host, own, other] of [
    [a, 1, 2],
    [b, 2, 1],
  ] as const) {
    host.ip(`link add vxlan0 type vxlan id 7 local 10.0.0.${own} remote 10.0.0.${other} dstport 4789`);
    host.ip(`address add 192.0.2.${own}/24 dev vxlan0`);
    host.ip('link set vxlan0 up');
  }
  const heard = await capture(t, b, 'udp dst port 4789 and src 10.0.0.1');
  t.is(ping(a, '192.0.2.2'), PINGS);
  t.true(await eventually(() => heard().length === PINGS), heard().join('\n'));
});

test('a process can make a tun device of its own', t => {
  const { mode, rdev } = statSync('/dev/net/tun');
  t.is(mode & 0o170000, 0o020000);
  t.is(rdev, (10 << 8) | 200);
  const a = makeNamespace(t);
  a.ip('tuntap add mode tun name tun0');
  t.regex(a.ip('-d link show tun0'), /tun type tun/);
});

test('a rule of iptables drops what is in an IP set, and counts it', t => {
  const { a, b } = twoHosts(t);
  a.ip('address add 10.0.0.3/24 dev eth0');
  b.run('ipset', 'create', 'refused', 'hash:net');
  b.run('ipset', 'add', 'refused', '10.0.0.3/32');
  b.run('iptables-legacy', ...'-A INPUT -m set --match-set refused src -j DROP'.split(' '));
  t.is(ping(a, '10.0.0.2'), PINGS);
  t.is(ping(a, '10.0.0.2', '10.0.0.3'), 0);
  b.run('ipset', 'del', 'refused', '10.0.0.3/32');
  t.is(ping(a, '10.0.0.2', '10.0.0.3'), PINGS);
  t.regex(b.run('iptables-legacy-save', '-c'), new RegExp(`^\\[${PINGS}:\\d+\\] -A INPUT .*refused`, 'm'));
});

function twoHosts(t: ExecutionContext): { readonly a: NetworkNamespace; readonly b: NetworkNamespace } {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  a.ip('address add 10.0.0.1/24 dev eth0');
  b.ip('address add 10.0.0.2/24 dev eth0');
  return { a, b };
}

/** How many answers came. */
function ping(from: NetworkNamespace, to: string, source?: string): number {
  const words = [
    '-n',
    '-q',
    `-c${PINGS}`,
    '-i0.2',
    '-W1',
    ...(source === undefined ? [] : ['-I', source]),
    to,
  ];
  // No answer at all is an exit status of 1.
  const output = from.run('sh', '-c', `ping ${words.join(' ')} || true`);
  return Number(/(\d+) received/.exec(output)?.[1]);
}

/** The pings that tcpdump sees on a host's eth0 from now on, in whatever they are wrapped. */
async function capture(t: ExecutionContext, on: NetworkNamespace, filter: string): Promise<() => string[]> {
  const words = ['netns', 'exec', on.name, 'tcpdump', '-n', '-l', '-i', 'eth0', filter];
  const tcpdump = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => tcpdump.kill());
  let packets = '';
  let told = '';
  tcpdump.stdout.setEncoding('utf8').on('data', chunk => (packets += chunk));
  tcpdump.stderr.setEncoding('utf8').on('data', chunk => (told += chunk));
  t.true(await eventually(() => told.includes('listening on eth0')), told);
  return () => packets.split('\n').filter(line => line.includes('ICMP echo request'));
}
