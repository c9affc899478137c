import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { Dataplane } from '../../../ipip/dataplane.js';
import type { HostIntent } from '../../../ipip/kernel-facts.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';

const intent: HostIntent = {
  ownBlocks: ['10.244.1.0/24' as Prefix],
  pools: [{ cidr: '10.244.0.0/16' as Prefix, ipipMode: 'Never', vxlanMode: 'Never', udpMode: 'Never' }],
  ownSubnets: { ipv4: '10.0.0.0/24' as Prefix, ipv6: undefined },
  preferredSources: { ipv4: '10.0.0.1' as IpAddress, ipv6: undefined },
  underlayAddresses: [],
  workloads: new Map([['10.244.1.2/32' as Prefix, 'cali0']]),
  remoteHosts: [],
  tunnels: undefined,
  externalNodes: [],
  workloadInterfacePrefixes: ['cali'],
};

function host(t: ExecutionContext): NetworkNamespace {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  a.ip('address add 10.0.0.1/24 dev eth0');
  return a;
}

interface Seen {
  readonly nextHops: Map<IpAddress, boolean>;
  ownAddresses: readonly IpAddress[];
}

function start(t: ExecutionContext, on: NetworkNamespace): { dataplane: Dataplane; seen: Seen } {
  const seen: Seen = { nextHops: new Map(), ownAddresses: [] };
  const dataplane = new Dataplane({
    clock: systemClock,
    metric: 1024,
    networkNamespace: on.path,
    tunnelHost: {
      looseReversePath: () => undefined,
      settleChecksums: () => undefined,
      guardOf: () => 'in-place',
    },
    handler: {
      nextHops: statuses => {
        for (const { nextHop, reachable } of statuses) seen.nextHops.set(nextHop, reachable);
      },
      ownAddresses: addresses => {
        seen.ownAddresses = addresses;
      },
      looked: () => {},
      tunnelsChanged: () => {},
      changed: () => {},
      log: (_, message, detail) => t.log(message, detail),
    },
  });
  t.teardown(() => dataplane.close());
  return { dataplane, seen };
}

/** Pod CIDRs of other hosts, all by 10.0.0.2. */
function announce(dataplane: Dataplane, count: number): void {
  const path = { nextHops: ['10.0.0.2' as IpAddress], origin: 'ibgp' } as const;
  for (let i = 0; i < count; i++) dataplane.setBest(`10.244.${i + 2}.0/24` as Prefix, path);
  dataplane.flush();
}

const lines = (text: string) =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .sort();
const ours = (on: NetworkNamespace) => lines(on.ip('-4 route show proto 157'));
const expected = [
  '10.244.2.0/24 via 10.0.0.2 dev eth0 src 10.0.0.1 metric 1024',
  '10.244.3.0/24 via 10.0.0.2 dev eth0 src 10.0.0.1 metric 1024',
  'blackhole 10.244.1.0/24 metric 1024',
];
/** Every repair must be done within this. */
const REPAIR_MS = 1000;

async function settled(t: ExecutionContext, on: NetworkNamespace, wanted = expected): Promise<void> {
  const done = await eventually(() => ours(on).join('\n') === wanted.join('\n'), REPAIR_MS);
  t.true(done, ours(on).join('\n'));
}

/** What `ip monitor` sees of our routes while something happens: an observer from outside. */
async function assertNoWrites(t: ExecutionContext, on: NetworkNamespace, during: () => Promise<void>) {
  const { spawn } = await import('node:child_process');
  const monitor = spawn('ip', ['-n', on.name, 'monitor', 'route']);
  let heard = '';
  monitor.stdout.setEncoding('utf8').on('data', chunk => {
    heard += chunk;
  });
  on.ip('route add 203.0.113.1/32 dev lo');
  await eventually(() => heard.includes('203.0.113.1'));
  heard = '';
  await during();
  on.ip('route delete 203.0.113.1/32');
  t.true(await eventually(() => heard.includes('203.0.113.1')));
  monitor.kill();
  t.deepEqual(
    lines(heard).filter(line => line.includes('proto 157')),
    [],
  );
}

test('best routes, own blocks and workloads become kernel routes; a second start writes nothing', async t => {
  const a = host(t);
  const first = start(t, a);
  first.dataplane.setIntent(intent);
  announce(first.dataplane, 2);
  await settled(t, a);
  t.deepEqual([...first.seen.ownAddresses].includes('10.0.0.1' as IpAddress), true);
  first.dataplane.close();
  await settled(t, a);
  await assertNoWrites(t, a, async () => {
    const second = start(t, a);
    second.dataplane.setIntent(intent);
    announce(second.dataplane, 2);
    second.dataplane.allowDeletions();
    await eventually(() => second.dataplane.status().programmed === 3);
    await new Promise(resolve => setTimeout(resolve, 1500));
    t.deepEqual(second.dataplane.status(), { programmed: 3, pending: 0, stale: 0, refused: [] });
  });
});

test('a workload’s route comes with its interface, and goes and comes with it', async t => {
  const a = host(t);
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  await settled(t, a, ['blackhole 10.244.1.0/24 metric 1024']);
  const withWorkload = ['10.244.1.2 dev cali0 scope link metric 1024', 'blackhole 10.244.1.0/24 metric 1024'];
  for (let round = 0; round < 2; round++) {
    a.ip('link add cali0 type veth peer name pod0');
    a.ip('link set pod0 up');
    a.ip('link set cali0 up');
    await settled(t, a, withWorkload);
    a.ip('link delete cali0');
    await settled(t, a, ['blackhole 10.244.1.0/24 metric 1024']);
  }
});

test('drift is repaired within a second: deleted, altered, replaced by another, flushed', async t => {
  const a = host(t);
  a.ip('route add 10.77.0.0/16 via 10.0.0.7');
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane, 2);
  await settled(t, a);
  a.ip('route delete 10.244.2.0/24');
  await settled(t, a);
  a.ip('route replace 10.244.2.0/24 via 10.0.0.66 metric 1024 proto 157');
  await settled(t, a);
  a.ip('route flush proto 157');
  await settled(t, a);
  dataplane.allowDeletions();
  a.ip('route add 10.244.99.0/24 via 10.0.0.66 metric 1024 proto 157');
  t.true(await eventually(() => ours(a).join() === expected.join(), 2 * REPAIR_MS));
  t.regex(a.ip('route show 10.77.0.0/16'), /via 10\.0\.0\.7/);
});

test('another program that takes our key keeps it and is named, until it lets go', async t => {
  const a = host(t);
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane, 2);
  await settled(t, a);
  a.ip('route replace 10.244.2.0/24 via 10.0.0.66 metric 1024 proto static');
  await settled(t, a, expected.slice(1));
  t.true(await eventually(() => dataplane.status().refused.length === 1, REPAIR_MS));
  t.is(dataplane.status().refused[0]!.destination, '10.244.2.0/24' as Prefix);
  t.regex(a.ip('route show 10.244.2.0/24'), /via 10\.0\.0\.66 dev eth0 proto static metric 1024/);
  a.ip('route delete 10.244.2.0/24 proto static');
  await settled(t, a);
  // The kernel has the route a moment before its answer is read.
  t.true(await eventually(() => dataplane.status().refused.length === 0, REPAIR_MS));
});

test('a link that goes down takes the routes in silence; they are back within a second of its return', async t => {
  const a = host(t);
  const { dataplane, seen } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane, 2);
  dataplane.watchNextHops(['10.0.0.2', '192.0.2.1'] as IpAddress[]);
  await settled(t, a);
  t.deepEqual(Object.fromEntries(seen.nextHops), { '10.0.0.2': true, '192.0.2.1': false });
  a.ip('link set eth0 down');
  await settled(t, a, expected.slice(2));
  t.true(await eventually(() => seen.nextHops.get('10.0.0.2' as IpAddress) === false, REPAIR_MS));
  a.ip('link set eth0 up');
  await settled(t, a);
  t.true(seen.nextHops.get('10.0.0.2' as IpAddress));
});

test('an address that is removed and comes back brings its routes back', async t => {
  const a = host(t);
  const { dataplane, seen } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane, 2);
  await settled(t, a);
  a.ip('address delete 10.0.0.1/24 dev eth0');
  await settled(t, a, expected.slice(2));
  t.true(await eventually(() => !seen.ownAddresses.includes('10.0.0.1' as IpAddress), REPAIR_MS));
  a.ip('address add 10.0.0.1/24 dev eth0');
  await settled(t, a);
});

test('an overflow of notifications is survived, and what was lost in it is repaired', async t => {
  const a = host(t);
  const { dataplane } = start(t, a);
  dataplane.setIntent(intent);
  announce(dataplane, 2);
  await settled(t, a);
  // Synchronous: this process hears nothing meanwhile.
  a.ipBatch([
    ...Array.from({ length: 40_000 }, (_, i) => `route add 11.${i >> 8}.${i & 255}.0/24 via 10.0.0.2`),
    'route delete 10.244.2.0/24',
  ]);
  t.true(await eventually(() => ours(a).length === 3, 5000));
  await settled(t, a);
});

test('nothing is deleted before the kernel has been read and what it says has come back as routes', async t => {
  const a = host(t);
  a.ip('route add 10.244.2.0/24 via 10.0.0.2 src 10.0.0.1 metric 1024 proto 157');
  a.ip('route add 10.244.50.0/24 via 10.0.0.2 src 10.0.0.1 metric 1024 proto 157');
  await assertNoWrites(t, a, async () => {
    const { dataplane } = start(t, a);
    dataplane.allowDeletions();
    await new Promise(resolve => setTimeout(resolve, 1300));
    t.is(ours(a).length, 2);
    dataplane.close();
  });
  const { dataplane } = start(t, a);
  dataplane.allowDeletions();
  dataplane.setIntent(intent);
  await new Promise(resolve => setTimeout(resolve, 300));
  t.is(dataplane.status().stale, 2);
  announce(dataplane, 2);
  t.true(await eventually(() => ours(a).join() === expected.join(), 3000));
});
