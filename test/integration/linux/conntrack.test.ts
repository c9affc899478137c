/** Connections that the kernel tracks: found and ended, in a namespace with real packets. */
import test from 'ava';
import { ConntrackTable } from '../../../linux/netlink/conntrack-table.js';
import { join, makeNamespace } from '../../support/network-namespace.js';

function twoHosts(t: Parameters<typeof makeNamespace>[0]) {
  const [one, other] = [makeNamespace(t), makeNamespace(t)];
  join(one, 'eth0', other, 'eth0');
  for (const [namespace, last] of [
    [one, 1],
    [other, 2],
  ] as const) {
    namespace.ip(`addr add 10.9.0.${last}/24 dev eth0`);
    namespace.ip(`addr add fd09::${last}/64 dev eth0 nodad`);
  }
  // Connections are tracked where a rule asks for it.
  for (const tool of ['iptables', 'ip6tables']) {
    one.run(tool, '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT');
  }
  const table = new ConntrackTable(one.path);
  t.teardown(() => table.close());
  return { one, table };
}

test('connections are found by their addresses, of both families, and no other ends with them', async t => {
  const { one, table } = twoHosts(t);
  for (const address of ['10.9.0.2', 'fd09::2', '10.9.0.1']) one.run('ping', '-c', '1', '-W', '5', address);
  const to = (address: string) =>
    table.find(({ original }) => (original.destination as string) === address && original.protocol > 0);
  t.is((await to('10.9.0.2')).length, 1);
  t.is((await to('fd09::2')).length, 1);
  t.like((await to('10.9.0.2'))[0], {
    family: 'ipv4',
    original: { protocol: 1, source: '10.9.0.1', icmp: { type: 8, code: 0 } },
    reply: { icmp: { type: 0, code: 0 } },
  });
  t.like((await to('fd09::2'))[0], { original: { protocol: 58, icmp: { type: 128, code: 0 } } });
  t.is(await table.end(await to('10.9.0.2')), 1);
  t.is((await to('10.9.0.2')).length, 0);
  t.is((await to('fd09::2')).length, 1);
  t.is((await to('10.9.0.1')).length, 1);
  await table.flush();
  t.is((await table.find(() => true)).length, 0);
});

test('ports are those of the first packet', async t => {
  const { one, table } = twoHosts(t);
  one.run('bash', '-c', 'echo margay > /dev/udp/10.9.0.2/4711');
  const [entry] = await table.find(({ original }) => original.protocol === 17);
  t.is(entry?.original.destinationPort, 4711);
  t.is(entry?.reply.sourcePort, 4711);
  t.is(entry?.reply.destination, entry?.original.source);
});

test('of the mark of an entry the bits of a mask are changed, and entries are found by bits', async t => {
  const { one, table } = twoHosts(t);
  one.run('bash', '-c', 'echo margay > /dev/udp/10.9.0.2/4711');
  one.run('bash', '-c', 'echo margay > /dev/udp/fd09::2/4712');
  const find = (port: number) => table.find(({ original }) => original.destinationPort === port);
  const markOf = async (port: number) => (await find(port)).map(({ mark }) => mark);
  t.deepEqual(await markOf(4711), [0]);
  t.deepEqual(await table.mark(await find(4711), 0x80000001, 0x80000001), []);
  t.deepEqual(await markOf(4711), [0x80000001]);
  t.deepEqual(await table.mark(await find(4711), 0x200000, 0x200000), []);
  t.deepEqual(await markOf(4711), [0x80200001], 'other bits stay');
  t.deepEqual(await markOf(4712), [0], 'and other entries');
  t.deepEqual(await table.mark(await find(4712), 0x200000, 0x200000), []);
  t.is((await table.find(() => true, 0x200000)).length, 2);
  t.is((await table.find(() => true, 0x80200000)).length, 1, 'that have all bits');
  const both = await table.find(() => true, 0x200000);
  t.deepEqual(await table.mark(both, 0, 0x200000), []);
  t.deepEqual([...(await markOf(4711)), ...(await markOf(4712))], [0x80000001, 0]);
  t.deepEqual(await table.mark(await find(4711), 0, 0xffffffff), []);
  t.is((await table.find(() => true, 0x80000000)).length, 0);
});

test('marking makes no entry where one has ended, and is no failure', async t => {
  const { one, table } = twoHosts(t);
  one.run('bash', '-c', 'echo margay > /dev/udp/10.9.0.2/4711');
  const entries = await table.find(({ original }) => original.destinationPort === 4711);
  t.is(await table.end(entries), 1);
  t.is(await table.end(entries), 0);
  t.deepEqual(await table.mark(entries, 1, 1), []);
  t.is((await table.find(({ original }) => original.destinationPort === 4711)).length, 0);
});
