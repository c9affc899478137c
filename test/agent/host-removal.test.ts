import test, { type ExecutionContext } from 'ava';
import { ControlFailure } from '../../agent/control/backend.js';
import { removeHost } from '../../agent/host-removal.js';
import { agentStatus } from '../../agent/status.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { eventually } from '../support/eventually.js';
import { pass, settled } from './controller/faulty-store.js';
import { block, node, workload } from './documents.js';
import { cluster, type LiveHost } from './live-hosts.js';
import { isMember } from './running-agent.js';

async function refused(t: ExecutionContext, { agent }: LiveHost, name: string) {
  const error = await t.throwsAsync(removeHost(agent, name, false), { instanceOf: ControlFailure });
  return error as ControlFailure;
}

const counts = (deleted: readonly { kind: string; count: number }[]) =>
  deleted.map(({ kind, count }) => `${count} ${kind}`);

test('a host that lives is not deleted; one that nobody has heard of is unknown', async t => {
  const { clock, begin, stored } = cluster(t);
  const a = begin();
  begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 20_000);
  t.like(await refused(t, a, 'b'), { status: 409 });
  t.truthy(await stored('b'));
  t.like(await refused(t, a, 'x'), { status: 404, problem: { field: 'node', allowed: 'a, b' } });
});

test('one that is gone is deleted with all that it had', async t => {
  const resources = [
    node('x', '10.0.0.9/24'),
    block('x', '10.244.9.0/26'),
    block('x', '10.244.9.64/26'),
    workload('x', 'pod', '10.244.9.2/32'),
    block('a', '10.244.1.0/24'),
  ];
  const { memory, clock, begin, stored } = cluster(t, resources);
  const a = begin();
  await pass(clock, 20_000);
  const result = await removeHost(a.agent, 'x', false);
  t.deepEqual(counts(result.deleted), ['1 WorkloadEndpoint', '2 BlockAffinity', '1 Node']);
  t.is(await stored('x'), undefined);
  const left = await memory.list('BlockAffinity');
  t.is(left.kind === 'ok' ? left.value.length : -1, 1);
  t.is(result.remarks.length, 1);
});

test('an address that somebody keeps stays in use, and is named with how it is given back', async t => {
  const allocation = (address: string, attributes: Readonly<Record<string, string>>) => ({
    ...{ address: address as IpAddress, handle: address, node: 'x', attributes },
    ...{ sequence: 7, after: 0, allocatedUnixMs: 7 },
  });
  const { memory, clock, begin } = cluster(t, [node('x', '10.0.0.9/24'), block('x', '10.244.9.0/26')]);
  const kept = allocation('10.244.9.2', { 'kept-by': 'bgpctl' });
  await memory.create({
    ...{
      apiVersion: 'margay.io/v1',
      kind: 'IPAMBlock',
      metadata: { name: '10-244-9-0-26', labels: {}, annotations: {} },
    },
    spec: {
      ...{ cidr: '10.244.9.0/26' as Prefix, node: 'x', claim: 7, claimAfter: 0, sequence: 7, released: [] },
      allocations: [allocation('10.244.9.1', { pod: 'web' }), kept],
    },
  });
  const a = begin();
  await pass(clock, 20_000);
  const { deleted, remarks } = await removeHost(a.agent, 'x', false);
  t.true(counts(deleted).includes('1 addresses'));
  const remark = remarks.find(text => text.includes('ipam release'));
  t.regex(remark ?? '', /--ip 10\.244\.9\.2$/);
  t.notRegex(remark ?? '', /10\.244\.9\.1/);
});

test('what a host without Node and lease has left is deleted, too', async t => {
  const { clock, begin } = cluster(t, [block('x', '10.244.9.0/26')]);
  const a = begin();
  await pass(clock, 5000);
  t.deepEqual(counts((await removeHost(a.agent, 'x', false)).deleted), ['1 BlockAffinity']);
  t.like(await refused(t, a, 'x'), { status: 404 });
});

test('by force one that lives says goodbye and stays away; restarted, it registers anew', async t => {
  const { memory, clock, begin, stored } = cluster(t);
  const a = begin();
  const b = begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 20_000);
  const { deleted, remarks } = await removeHost(a.agent, 'b', true);
  t.true(counts(deleted).includes('1 Node'));
  t.regex(remarks.join(), /said goodbye/);
  t.deepEqual(b.restarts, ['suspended']);
  t.is(agentStatus(b.agent).membership.standing, 'withheld');
  await pass(clock, 120_000);
  for (const id of [
    { kind: 'Node', name: 'b' },
    { kind: 'NodeStatus', name: 'b' },
    { kind: 'NodeReport', name: 'b' },
    { kind: 'Lease', name: 'node.b' },
  ] as const)
    t.is((await memory.get(id)).kind, 'error', id.kind);
  void b.agent.life.close();
  const again = begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 5000);
  t.true(isMember(again));
  t.truthy(await stored('b'));
});

test('an agent can be told to delete its own host', async t => {
  const { clock, begin, stored } = cluster(t);
  const a = begin();
  await pass(clock, 20_000);
  await removeHost(a.agent, 'a', true);
  t.is(await stored('a'), undefined);
  t.is(agentStatus(a.agent).membership.standing, 'withheld');
});

test('one that does not answer keeps a lease by which it hears of it later', async t => {
  const { memory, clock, begin } = cluster(t);
  const a = begin();
  const b = begin({ name: 'b', address: '10.0.0.2/24' });
  await pass(clock, 20_000);
  b.faulty.faults.reachable = false;
  const { remarks } = await removeHost(a.agent, 'b', true, 500);
  t.regex(remarks.join(), /has not answered/);
  t.is((await memory.get({ kind: 'Lease', name: 'node.b' })).kind, 'ok');
  b.faulty.faults.reachable = true;
  await pass(clock, 15_000);
  t.is(agentStatus(b.agent).membership.standing, 'withheld');
  t.is((await memory.get({ kind: 'Lease', name: 'node.b' })).kind, 'error');
});

test('while the store is away nothing is deleted', async t => {
  const { clock, begin } = cluster(t, [node('x', '10.0.0.9/24')]);
  const a = begin();
  await pass(clock, 5000);
  a.faulty.faults.reachable = false;
  t.like(await refused(t, a, 'x'), { status: 503 });
});

test('the controller deletes a host that has been silent for the grace period, and its name is free then', async t => {
  const { memory, clock, begin, kill, stored } = cluster(t);
  begin();
  const b = begin({ name: 'b', address: '10.0.0.2/24' });
  begin({ name: 'c', address: '10.0.0.3/24' });
  await pass(clock, 20_000);
  kill(b);
  // Shorter steps than rounds: what a look takes is no silence.
  await pass(clock, 23 * 3_600_000, 2000);
  t.truthy(await stored('b'));
  await pass(clock, 24 * 3_600_000, 2000);
  t.is(await stored('b'), undefined);
  t.is((await memory.get({ kind: 'Lease', name: 'node.b' })).kind, 'error');
  t.truthy(await stored('c'));
  await settled();
  const again = begin({ name: 'b', instance: 'new', address: '10.0.0.2/24' });
  t.true(await eventually(() => isMember(again)));
});
