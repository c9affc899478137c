import test from 'ava';
import fc from 'fast-check';
import { nodeLeaseName } from '../../../agent/lease/lease-document.js';
import { NameLease } from '../../../agent/lease/name-lease.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import type { LeaseResource } from '../../../core/resources/cluster-documents.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { type Faults, FaultyStore, faultless, pass } from '../controller/faulty-store.js';

interface Keeper {
  readonly lease: NameLease;
  readonly faults: Faults;
  readonly verdicts: string[];
}

interface KeeperOptions {
  readonly instance?: string;
  readonly process?: string;
  readonly boot?: string;
  readonly address?: string;
  readonly faults?: Faults;
}

function world() {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  let processes = 0;
  const begin = ({
    instance = 'x',
    process,
    boot = 'boot-x',
    address = '10.0.0.1',
    faults = faultless(),
  }: KeeperOptions = {}) => {
    const verdicts: string[] = [];
    const keeper: Keeper = {
      ...{ faults, verdicts },
      lease: new NameLease({
        nodeName: 'a',
        identity: { instance, boot, process: process ?? `p${++processes}` },
        ...{ store: new FaultyStore(memory, clock, faults), clock, random: () => 0.5 },
        unixMs: () => 1_000_000 + clock.now(),
        ...{ durationSeconds: () => 30, addresses: () => [address as Ipv4Address] },
        announced: () => [address as Ipv4Address],
        changed: () => verdicts.push(keeper.lease.verdict.kind),
        regained: () => {},
      }),
    };
    void keeper.lease.review();
    return keeper;
  };
  const spec = async (): Promise<LeaseResource['spec'] | undefined> => {
    const found = await memory.get({ kind: 'Lease', name: nodeLeaseName('a') });
    return found.kind === 'ok' ? (found.value.resource as LeaseResource).spec : undefined;
  };
  /** Killed: it does nothing more. */
  const kill = ({ lease, faults }: Keeper) => {
    lease.close();
    faults.reachable = false;
  };
  return { memory, clock, begin, spec, kill };
}

test('the first host has the name at once, and renews it', async t => {
  const { clock, begin, spec } = world();
  const a = begin();
  await pass(clock, 500);
  t.deepEqual(a.verdicts, ['ours']);
  const first = await spec();
  await pass(clock, 60_000);
  const later = await spec();
  t.like(later, { holder: 'a', instance: 'x', term: 1, sinceUnixMs: first!.sinceUnixMs, boot: 'boot-x' });
  t.true(later!.renewals - first!.renewals >= 6 && later!.renewals - first!.renewals <= 8);
  t.deepEqual(later!.addresses, [{ address: '10.0.0.1' as Ipv4Address, sinceUnixMs: first!.sinceUnixMs }]);
});

test('a second host of the name is refused once it has seen a renewal, and never writes', async t => {
  const { clock, begin, spec } = world();
  const a = begin();
  await pass(clock, 20_000);
  const b = begin({ instance: 'y', boot: 'boot-y', address: '10.0.0.2' });
  await pass(clock, 500);
  t.is(b.lease.verdict.kind, 'undecided');
  await pass(clock, 15_000);
  t.is(b.lease.verdict.kind, 'refused');
  t.like(b.lease.verdict, { rival: { instance: 'x', addresses: [{ address: '10.0.0.1' }] } });
  await pass(clock, 600_000);
  t.deepEqual(b.verdicts, ['undecided', 'refused']);
  t.deepEqual(a.verdicts, ['ours']);
  t.like(await spec(), { instance: 'x', term: 1 });
});

test('a refused host has the name when the other is gone', async t => {
  const { clock, begin, kill } = world();
  const a = begin();
  await pass(clock, 20_000);
  const b = begin({ instance: 'y', boot: 'boot-y', address: '10.0.0.2' });
  await pass(clock, 60_000);
  kill(a);
  await pass(clock, 45_000);
  t.deepEqual(b.verdicts, ['undecided', 'refused', 'ours']);
});

test('a restart has the name at once, after a boot, too', async t => {
  for (const again of [{}, { boot: 'another' }]) {
    const { clock, begin, spec, kill } = world();
    const before = begin();
    await pass(clock, 20_000);
    kill(before);
    const after = begin(again);
    await pass(clock, 500);
    t.deepEqual(after.verdicts, ['ours']);
    const now = await spec();
    t.like(now, { process: 'p2', term: 2 });
    // Since this host has it, not this process.
    t.true(now!.sinceUnixMs <= 1_000_500);
  }
});

test('a host that comes back installed anew, or with another address, has it when the old lease has run out', async t => {
  for (const again of [
    { instance: 'new', boot: 'another', address: '10.0.0.1' },
    { boot: 'another', address: '10.0.0.9' },
    { address: '10.0.0.9' },
  ]) {
    const { clock, begin, spec, kill } = world();
    const before = begin();
    await pass(clock, 20_000);
    kill(before);
    const after = begin(again);
    await pass(clock, 29_000);
    t.is(after.lease.verdict.kind, 'undecided');
    await pass(clock, 6_000);
    t.deepEqual(after.verdicts, ['undecided', 'ours']);
    t.like(await spec(), { process: 'p2', addresses: [{ address: again.address }] });
  }
});

test('of a machine and its copy the one that came later leaves, and the first goes on', async t => {
  for (const boot of ['boot-x', 'boot-of-the-copy']) {
    const { clock, begin, spec } = world();
    const first = begin();
    await pass(clock, 25_000);
    const copy = begin({ boot });
    await pass(clock, 25_000);
    t.is(copy.lease.verdict.kind, 'refused');
    await pass(clock, 300_000);
    t.deepEqual([first.verdicts, copy.verdicts], [['ours'], ['ours', 'refused']]);
    t.like(await spec(), { process: 'p1', term: 1 });
  }
});

test('however many copies there are, the first stays and all others leave', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 500, max: 40_000 }), { minLength: 1, maxLength: 4 }),
      async waits => {
        const { clock, begin } = world();
        const first = begin();
        const copies: Keeper[] = [];
        for (const waitMs of waits) {
          await pass(clock, waitMs);
          copies.push(begin());
        }
        await pass(clock, 200_000);
        t.deepEqual(first.verdicts, ['ours']);
        return copies.every(({ lease }) => lease.verdict.kind === 'refused');
      },
    ),
    { numRuns: 40 },
  );
});

test('while the store is away a host keeps its name, and one that starts has it as far as anybody knows', async t => {
  const { clock, begin } = world();
  const a = begin();
  await pass(clock, 20_000);
  a.faults.reachable = false;
  await pass(clock, 3_600_000);
  t.like(a.lease.verdict, { kind: 'ours', problem: 'cut off' });
  const late = begin({ faults: { ...faultless(), reachable: false } });
  await pass(clock, 500);
  t.like(late.lease.verdict, { kind: 'ours', problem: 'cut off' });
  a.faults.reachable = true;
  await pass(clock, 5000);
  t.like(a.lease.verdict, { kind: 'ours', problem: undefined });
});

test('one that was cut off while another host took its name finds out, and leaves once that one is seen to live', async t => {
  const { clock, begin } = world();
  const a = begin();
  await pass(clock, 20_000);
  a.faults.reachable = false;
  const b = begin({ instance: 'y', boot: 'boot-y', address: '10.0.0.2' });
  await pass(clock, 60_000);
  t.is(b.lease.verdict.kind, 'ours');
  a.faults.reachable = true;
  await pass(clock, 3000);
  t.is(a.lease.verdict.kind, 'ours');
  await pass(clock, 15_000);
  t.is(a.lease.verdict.kind, 'refused');
  t.is(b.lease.verdict.kind, 'ours');
});

test('a claim that was made though the store said otherwise is ours', async t => {
  const { clock, begin, spec } = world();
  const a = begin({ faults: { ...faultless(), answersLost: true } });
  await pass(clock, 500);
  t.like(a.lease.verdict, { kind: 'ours', problem: 'answer lost' });
  a.faults.answersLost = false;
  await pass(clock, 4000);
  t.like(a.lease.verdict, { kind: 'ours', problem: undefined });
  t.like(await spec(), { term: 1 });
});

test('one whose name was taken by hand leaves for as long as it runs; its next process has it', async t => {
  const { memory, clock, begin } = world();
  const a = begin();
  await pass(clock, 20_000);
  const found = await memory.get({ kind: 'Lease', name: nodeLeaseName('a') });
  if (found.kind !== 'ok' || found.value.resource.kind !== 'Lease') return t.fail();
  const { resource, revision } = found.value;
  await memory.update({ ...resource, spec: { ...resource.spec, retired: true } }, revision);
  await pass(clock, 12_000);
  t.is(a.lease.verdict.kind, 'retired');
  await memory.delete({ kind: 'Lease', name: nodeLeaseName('a') });
  await pass(clock, 60_000);
  t.is(a.lease.verdict.kind, 'retired');
  a.lease.close();
  const next = begin();
  await pass(clock, 500);
  t.is(next.lease.verdict.kind, 'ours');
});

test('another address stands in the lease with the next renewal, since when it is announced', async t => {
  const { memory, clock, spec } = world();
  let addresses = ['10.0.0.1', 'fd00::1'];
  const lease = new NameLease({
    ...{ nodeName: 'a', identity: { instance: 'x', process: 'p', boot: 'b' }, store: memory, clock },
    ...{ random: () => 0.5, unixMs: () => clock.now(), durationSeconds: () => 30, changed: () => {} },
    regained: () => {},
    addresses: () => addresses as Ipv4Address[],
    announced: () => addresses as Ipv4Address[],
  });
  await lease.review();
  await pass(clock, 5000);
  addresses = ['10.0.0.1', 'fd00::2'];
  await lease.review();
  t.deepEqual((await spec())!.addresses as unknown, [
    { address: '10.0.0.1', sinceUnixMs: 0 },
    { address: 'fd00::2', sinceUnixMs: 5000 },
  ]);
});

const event = fc.record({
  host: fc.nat(3),
  what: fc.constantFrom('cut', 'mend', 'lose', 'kill', 'begin'),
  waitMs: fc.integer({ min: 500, max: 60_000 }),
});

test('whatever becomes of hosts of one name, in the end one has it, and the first one if it was never away', async t => {
  let firsts = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 12 }), async events => {
      const { clock, begin, kill } = world();
      const start = (host: number) =>
        begin({ instance: `host-${host}`, boot: `boot-${host}`, address: `10.0.0.${host + 1}` });
      const hosts: (Keeper | undefined)[] = [start(0)];
      await pass(clock, 12_000);
      for (const { host, what, waitMs } of events) {
        const keeper = hosts[host];
        if (what === 'begin') hosts[host] ??= start(host);
        else if (what === 'cut' && keeper !== undefined) keeper.faults.reachable = false;
        else if (what === 'lose' && keeper !== undefined) keeper.faults.answersLost = true;
        else if (what === 'mend' && keeper !== undefined) Object.assign(keeper.faults, faultless());
        else if (what === 'kill' && keeper !== undefined) {
          kill(keeper);
          hosts[host] = undefined;
        }
        await pass(clock, waitMs);
      }
      const living = hosts.filter(keeper => keeper !== undefined);
      for (const { faults } of living) Object.assign(faults, faultless());
      await pass(clock, 150_000);
      const verdicts = living.map(({ lease }) => lease.verdict.kind);
      const owners = verdicts.filter(kind => kind === 'ours').length;
      const wasAway = events.some(({ host, what }) => host === 0 && what !== 'begin' && what !== 'mend');
      if (!wasAway) firsts++;
      const isFirst = wasAway || (hosts[0]?.verdicts.join() === 'ours' && owners === 1);
      return isFirst && (living.length === 0 || (owners === 1 && !verdicts.includes('undecided')));
    }),
    { numRuns: 60 },
  );
  t.true(firsts > 0);
});
