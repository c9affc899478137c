import test from 'ava';
import { agentStatus } from '../../agent/status.js';
import { pass } from './controller/faulty-store.js';
import { node } from './documents.js';
import { cluster, type LiveHost, words } from './live-hosts.js';
import { isMember } from './running-agent.js';

test('a second host of a name announces nothing and writes nothing, and says whose the name is', async t => {
  const { clock, begin, stored } = cluster(t);
  const first = begin();
  await pass(clock, 20_000);
  const told: string[] = [];
  const second = begin({
    instance: 'other',
    address: '10.0.0.2/24',
    more: { withheld: text => told.push(text) },
  });
  await pass(clock, 500);
  t.is(agentStatus(second.agent).conditions[0]?.severity, 'warning');
  await pass(clock, 300_000);
  t.false(isMember(second));
  t.like(agentStatus(second.agent).conditions[0], { severity: 'error', objects: ['Node/a'] });
  t.regex(words(second).join(), /name a is that of another host, instance a with 10\.0\.0\.1, since 2/);
  t.is(agentStatus(second.agent).speaker.state, 'withheld');
  t.is(told.length, 2);
  t.like(await stored('a'), { ipv4Address: '10.0.0.1/24' });
  t.deepEqual([isMember(first), words(first)], [true, []]);
});

test('it is one of the cluster when the first is gone, and the Node is put right', async t => {
  const { clock, begin, stored, kill } = cluster(t);
  const first = begin();
  await pass(clock, 20_000);
  const second = begin({ instance: 'other', address: '10.0.0.2/24' });
  await pass(clock, 70_000);
  kill(first);
  await pass(clock, 80_000);
  t.deepEqual([isMember(second), words(second)], [true, []]);
  t.like(await stored('a'), { ipv4Address: '10.0.0.2/24' });
});

test('one that finds out late that its name is another’s says goodbye, keeps its kernel, and comes back by itself', async t => {
  const { clock, begin, stored, kill } = cluster(t);
  const first = begin();
  await pass(clock, 20_000);
  const copy = begin({ instance: 'a', address: '10.0.0.1/24' });
  await pass(clock, 60_000);
  t.true(isMember(copy));
  t.deepEqual(copy.restarts, ['suspended']);
  t.is(agentStatus(copy.agent).speaker.state, 'withheld');
  t.deepEqual([first.restarts, words(first)], [[], []]);
  // What happens to its documents is nothing to it, and it writes none of them.
  const orders = () => copy.commands.filter(({ kind }) => kind !== 'query').length;
  const before = orders();
  first.address = '10.0.0.7/24';
  first.agent.ownNode.review();
  await pass(clock, 20_000);
  t.like(await stored('a'), { ipv4Address: '10.0.0.7/24' });
  t.is(orders(), before);
  kill(first);
  await pass(clock, 80_000);
  t.deepEqual(copy.restarts, ['suspended', 'resumed']);
  t.like(await stored('a'), { ipv4Address: '10.0.0.1/24' });
});

test('a copy of a machine with an address of its own never writes in the name of the first', async t => {
  const { clock, begin, stored } = cluster(t);
  const first = begin();
  await pass(clock, 20_000);
  const copy = begin({ address: '10.0.0.5/24' });
  for (let i = 0; i < 120; i++) {
    await pass(clock, 1000);
    t.like(await stored('a'), { ipv4Address: '10.0.0.1/24' });
  }
  t.deepEqual([isMember(copy), first.restarts], [false, []]);
  t.regex(words(copy).join(), /one of the two machines is a copy of the other/);
});

test('a host whose address is another’s announces nothing until that one has another, and the first goes on', async t => {
  const { clock, begin, stored } = cluster(t);
  const first = begin();
  await pass(clock, 20_000);
  const second = begin({ name: 'b' });
  await pass(clock, 100_000);
  t.false(isMember(second));
  t.regex(
    words(second).join(),
    /10\.0\.0\.1 is the address of node a, too, which was there first: instance a/,
  );
  t.is(await stored('b'), undefined);
  t.deepEqual([first.restarts, words(first)], [[], []]);
  first.address = '10.0.0.3/24';
  first.agent.ownNode.review();
  await pass(clock, 11_000);
  t.deepEqual([isMember(second), words(second)], [true, []]);
  t.like(await stored('b'), { ipv4Address: '10.0.0.1/24' });
});

test('a host that was refused for its address, and is begun anew with another, is one of the cluster at once', async t => {
  const { memory, clock, begin, kill } = cluster(t);
  begin();
  await pass(clock, 20_000);
  const before = begin({ name: 'b' });
  await pass(clock, 30_000);
  t.like(await memory.get({ kind: 'Lease', name: 'node.b' }), {
    value: { resource: { spec: { addresses: [] } } },
  });
  kill(before);
  const after = begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 1000);
  t.true(isMember(after));
});

test('of two that began with one address at a time the one whose claim is the older stays', async t => {
  const { memory, clock, begin, stored } = cluster(t, [node('a', '10.0.0.1/24'), node('b', '10.0.0.1/24')]);
  const [a, b] = [begin(), begin({ name: 'b' })];
  await pass(clock, 60_000);
  const suspended = [a, b].filter(({ restarts }) => restarts.includes('suspended'));
  t.is(suspended.length, 1);
  const loser = suspended[0]!.agent.options.nodeName;
  t.is((await stored(loser))?.ipv4Address, undefined);
  t.like(await stored(loser === 'a' ? 'b' : 'a'), { ipv4Address: '10.0.0.1/24' });
  t.is((await memory.list('Node')).kind, 'ok');
});

test('a host whose address changes into another’s withdraws, and its Node has the old one no more', async t => {
  const { clock, begin, stored } = cluster(t);
  const first = begin();
  const second = begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 40_000);
  t.true(isMember(second));
  second.address = '10.0.0.1/24';
  second.agent.life.review();
  second.agent.ownNode.review();
  await pass(clock, 60_000);
  t.deepEqual(second.restarts, ['suspended']);
  t.deepEqual(await stored('b'), {});
  t.deepEqual([first.restarts, words(first)], [[], []]);
});

test('an address of IPv6 that is another’s is left out, and the host goes on by IPv4', async t => {
  const { clock, begin, stored } = cluster(t);
  begin({ ipv6: 'fd00::1/64' });
  await pass(clock, 5000);
  const second = begin({ name: 'b', address: '10.0.0.2/24', ipv6: 'fd00::1/64' });
  await pass(clock, 60_000);
  t.true(isMember(second));
  t.deepEqual(await stored('b'), { ipv4Address: '10.0.0.2/24' });
  t.regex(words(second).join(), /fd00::1 is the address of node a, too/);
});

test('a host that has another name since its restart is not in its own way', async t => {
  const { clock, begin, kill, stored } = cluster(t);
  const before = begin();
  await pass(clock, 20_000);
  kill(before);
  const after = begin({ name: 'renamed', instance: 'a' });
  await pass(clock, 6000);
  t.true(isMember(after));
  t.like(await stored('renamed'), { ipv4Address: '10.0.0.1/24' });
});

test('an address of a node that no agent keeps is not taken from it by one that comes new', async t => {
  const { clock, begin } = cluster(t, [node('by-hand', '10.0.0.1/24')]);
  const b = begin({ name: 'b' });
  await pass(clock, 100_000);
  t.false(isMember(b));
  t.regex(words(b).join(), /which no agent keeps: if that host is gone, bgpctl node delete by-hand/);
});

test('one that has announced itself by it goes on when somebody writes such a node', async t => {
  const { memory, clock, begin } = cluster(t);
  const b = begin({ name: 'b' });
  await pass(clock, 10_000);
  await memory.create(node('by-hand', '10.0.0.1/24'));
  await pass(clock, 100_000);
  t.deepEqual([isMember(b), b.restarts], [true, []]);
});

test('a store that goes away changes nothing, for any time', async t => {
  const { clock, begin } = cluster(t);
  const hosts = [begin(), begin({ name: 'b', address: '10.0.0.2/24' })];
  await pass(clock, 20_000);
  const orders = ({ commands }: LiveHost) => commands.filter(({ kind }) => kind !== 'query').length;
  const told = hosts.map(orders);
  for (const { faulty } of hosts) faulty.faults.reachable = false;
  await pass(clock, 3_600_000, 1000);
  t.deepEqual(
    hosts.map(host => [orders(host), host.restarts]),
    told.map(count => [count, []]),
  );
  t.regex(words(hosts[0]!).join(), /cannot be renewed: cut off; everything goes on/);
});

test('hosts that are renumbered go on under their names', async t => {
  const { memory, clock, begin, stored } = cluster(t);
  const a = begin();
  begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 20_000);
  a.address = '10.0.0.9/24';
  a.agent.ownNode.review();
  await pass(clock, 30_000);
  t.like(await stored('a'), { ipv4Address: '10.0.0.9/24' });
  t.deepEqual([a.restarts.includes('suspended'), words(a)], [false, []]);
  const lease = await memory.get({ kind: 'Lease', name: 'node.a' });
  t.like(lease, { value: { resource: { spec: { addresses: [{ address: '10.0.0.9' }] } } } });
});
