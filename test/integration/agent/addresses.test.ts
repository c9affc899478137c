/** Addresses of real agents, by bgpctl: over a kill -9, with a store that forgets all of it, and when a host is deleted. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../../support/eventually.js';
import { LoopbackAgents } from './loopback-agents.js';

const pools = (agents: LoopbackAgents) => {
  agents.write('pods', { kind: 'IPPool', spec: { cidr: '10.244.0.0/24', blockSize: 26 } });
  agents.write('pods6', { kind: 'IPPool', spec: { cidr: 'fd00:10:244::/64' } });
};

test('assigned on two hosts, kept over kill -9 and a store that has lost every record, announced all the while', async t => {
  t.timeout(120_000);
  const agents = await LoopbackAgents.create(t);
  pools(agents);
  for (const [name, host] of [
    ['a', 2],
    ['b', 3],
  ] as const)
    void agents.start(name, host);
  const established = async () => (await agents.established('a')) && (await agents.established('b'));
  t.true(await eventually(established, 30_000, 200));

  const words = ['ipam', 'assign', '--handle', 'vm', '--ipv4', '--ipv6'];
  const first = await agents.bgpctl('a', ...words);
  t.is(first.code, 0, first.stderr);
  const [ipv4 = '', ipv6 = ''] = first.stdout.trim().split('\n');
  t.regex(ipv4, /^10\.244\.0\./);
  t.regex(ipv6, /^fd00:10:244:/);
  t.is((await agents.bgpctl('a', ...words)).stdout, first.stdout);
  const other = await agents.bgpctl('b', 'ipam', 'assign', '--handle', 'vm-b', '-o', 'json');
  t.is(JSON.parse(other.stdout).node, 'b');
  t.not(JSON.parse(other.stdout).addresses[0].address, ipv4);

  const block = JSON.parse(
    (await agents.bgpctl('a', 'ipam', 'show', '--ip', ipv4, '-o', 'json')).stdout,
  ).block;
  const told = async () =>
    (await agents.bgpctl('b', 'routes', block, '-o', 'json')).stdout.includes('127.0.0.2');
  t.true(await eventually(told, 10_000, 200));

  await agents.end('a', 'SIGKILL');
  for (const file of readdirSync(agents.store))
    if (file.startsWith('BlockAffinity.a-')) rmSync(join(agents.store, file));
  const records = join(agents.store, 'records');
  for (const file of readdirSync(records)) if (file.startsWith('IPAM')) rmSync(join(records, file));
  void agents.start('a', 2);
  const again = async () => (await agents.bgpctl('a', 'ipam', 'show', '--ip', ipv4)).stdout.includes('vm');
  t.true(await eventually(again, 30_000, 200));
  t.is((await agents.bgpctl('a', ...words)).stdout, first.stdout);
  t.true(await eventually(told, 30_000, 200));

  // What the other host had is written back by itself, at its next comparison or start.
  await agents.end('b');
  void agents.start('b', 3);
  const fine = async () => (await agents.bgpctl('b', 'ipam', 'check')).code === 0;
  t.true(await eventually(fine, 30_000, 300));
  const check = await agents.bgpctl('b', 'ipam', 'check');
  t.regex(check.stdout, /Looked at 2 pools, 3 blocks, 3 addresses, 2 handles, 0 endpoints\./);

  const refused = await agents.bgpctl('b', 'ipam', 'release', '--ip', ipv4, '--handle', 'vm-b');
  t.is(refused.code, 1);
  const released = await agents.bgpctl('b', 'ipam', 'release', '--handle', 'vm');
  t.deepEqual(new Set(released.stdout.trim().replace(' released', '').split(', ')), new Set([ipv4, ipv6]));
  t.regex((await agents.bgpctl('a', 'ipam', 'show', '--ip', ipv4)).stdout, /is free/);
});

test('a host that is deleted leaves no addresses; those that somebody keeps stay', async t => {
  t.timeout(120_000);
  const agents = await LoopbackAgents.create(t);
  pools(agents);
  for (const [name, host] of [
    ['a', 2],
    ['b', 3],
  ] as const)
    void agents.start(name, host);
  t.true(await eventually(() => agents.established('a'), 30_000, 200));
  const pod = ['--attribute', 'namespace=shop', '--attribute', 'pod=web'];
  t.is((await agents.bgpctl('b', 'ipam', 'assign', '--handle', 'pod', ...pod)).code, 0);
  const kept = await agents.bgpctl('b', 'ipam', 'assign', '--handle', 'kept');
  await agents.end('b', 'SIGKILL');
  const deleted = await agents.bgpctl('a', 'node', 'delete', 'b', '--force');
  t.is(deleted.code, 0, deleted.stderr);
  const shown = JSON.parse((await agents.bgpctl('a', 'ipam', 'show', '-o', 'json')).stdout);
  t.is(shown.pools[0].inUse, 1);
  t.is(shown.pools[0].blocks[0].node, null);
  const one = await agents.bgpctl('a', 'ipam', 'show', '--ip', kept.stdout.trim());
  t.regex(one.stdout, /kept-by bgpctl/);
});
