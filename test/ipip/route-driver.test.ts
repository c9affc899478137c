import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../../bgp/testing/fake-clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL } from '../../ipip/desired.js';
import { RouteDriver } from '../../ipip/route-driver.js';
import { toKernel } from '../../ipip/route-form.js';
import { SharedRoutes } from '../../ipip/shared-routes.js';
import { describeRefusal } from '../../linux/netlink/rtnetlink.js';
import { FakeKernel, routeOf } from '../support/fake-kernel.js';

const METRIC = 1024;
const [ENETUNREACH, EPERM] = [101, 1];

function via(gateway: string, metric = METRIC): DesiredRoute {
  const legs = [{ gateway: gateway as IpAddress, ifindex: 2, onlink: false }];
  return { kind: 'unicast', legs, preferredSource: undefined, mtu: undefined, metric };
}

const prefix = (i: number) => `10.${i >> 8}.${i & 255}.0/24` as Prefix;

function setUp(kernel = new FakeKernel()) {
  const clock = new FakeClock();
  const errors: Error[] = [];
  const driver = new RouteDriver({
    kernel,
    clock,
    shared: new SharedRoutes(),
    metric: METRIC,
    describeRefusal,
    changed: () => {},
    failed: error => errors.push(error),
  });
  /** Until nothing happens any more without the clock. */
  const settle = async () => {
    for (let i = 0; i < 40; i++) {
      clock.settle();
      await new Promise(resolve => setImmediate(resolve));
    }
  };
  return { kernel, clock, driver, errors, settle };
}

/** Destination and gateway of what is ours. */
function ours(kernel: FakeKernel): Record<string, string | undefined> {
  return Object.fromEntries(
    kernel.table
      .filter(({ protocol }) => protocol === MARGAY_ROUTE_PROTOCOL)
      .map(route => [`${route.destination} ${route.metric}`, route.nextHops[0]?.gateway]),
  );
}

/** A second apply must not touch the kernel: the same again, and a read-back. */
async function assertAtRest(t: ExecutionContext, { kernel, driver, settle }: ReturnType<typeof setUp>) {
  const writes = kernel.writes;
  driver.request();
  await settle();
  driver.requestReadBack();
  await settle();
  t.is(kernel.writes, writes, 'a second apply wrote something');
}

test('from an empty table: every route is created once, in batches, and a second apply writes nothing', async t => {
  const one = setUp();
  const { kernel, driver, settle } = one;
  const route = via('10.0.0.2');
  for (let i = 0; i < 1500; i++) driver.setDesired(prefix(i), route);
  driver.request();
  await settle();
  t.deepEqual(kernel.calls, { dumps: 2, batches: 3, create: 1500, replace: 0, delete: 0 });
  t.deepEqual(driver.status(), { programmed: 1500, pending: 0, stale: 0, refused: [] });
  await assertAtRest(t, one);
});

test('a table that is right already is not written to: a restart costs a read', async t => {
  const kernel = new FakeKernel();
  for (let i = 0; i < 100; i++) kernel.put(routeOf(prefix(i), toKernel(via('10.0.0.2'))));
  const { driver, settle } = setUp(kernel);
  for (let i = 0; i < 100; i++) driver.setDesired(prefix(i), via('10.0.0.2'));
  driver.allowDeletions();
  await settle();
  t.is(kernel.writes, 0);
  t.is(driver.status().programmed, 100);
});

test('leftovers of an older configuration are stale until deletions are allowed, then they go', async t => {
  const kernel = new FakeKernel();
  kernel.put(routeOf('10.0.1.0/24', toKernel(via('10.0.0.9'))));
  kernel.put(routeOf('10.0.2.0/24', toKernel(via('10.0.0.9'))));
  kernel.put(routeOf('10.0.2.0/24', toKernel(via('10.0.0.9', 50))));
  const prohibited = { protocol: MARGAY_ROUTE_PROTOCOL, type: 8, metric: METRIC };
  kernel.put(routeOf('10.0.3.0/24', prohibited));
  const one = setUp(kernel);
  one.driver.setDesired('10.0.2.0/24' as Prefix, via('10.0.0.2'));
  one.driver.request();
  await one.settle();
  t.is(kernel.calls.delete, 0);
  t.is(one.driver.status().stale, 3);
  t.is(ours(kernel)['10.0.2.0/24 1024'], '10.0.0.2');
  one.driver.allowDeletions();
  await one.settle();
  t.deepEqual(ours(kernel), { '10.0.2.0/24 1024': '10.0.0.2' });
  t.deepEqual(one.driver.status(), { programmed: 1, pending: 0, stale: 0, refused: [] });
  await assertAtRest(t, one);
});

test("others' routes are never touched: same destination with another metric, same key, same everything", async t => {
  const kernel = new FakeKernel();
  const form = toKernel(via('10.0.0.9'));
  const foreign = [
    routeOf('10.0.1.0/24', { ...form, protocol: 4, metric: 0 }),
    routeOf('10.0.2.0/24', { ...form, protocol: 80 }),
    routeOf('10.0.3.0/24', { ...form, protocol: 3 }),
  ];
  for (const route of foreign) kernel.put(route);
  const one = setUp(kernel);
  for (const i of [1, 2]) one.driver.setDesired(prefix(i), via('10.0.0.2'));
  one.driver.allowDeletions();
  await one.settle();
  t.true(foreign.every(route => kernel.table.includes(route)));
  t.deepEqual(ours(kernel), { '10.0.1.0/24 1024': '10.0.0.2' });
  t.deepEqual(one.driver.status().refused, [
    { destination: prefix(2), error: 'another program has a route to 10.0.2.0/24 with metric 1024' },
  ]);
  t.is(kernel.calls.replace, 0);
  one.driver.deleteDesired(prefix(2));
  await one.settle();
  t.true(kernel.table.includes(foreign[1]!));
  t.is(kernel.calls.delete, 0);
  t.deepEqual(one.driver.status().refused, []);
});

test('one route that the kernel refuses does not stop the others, is named, and is tried again later and later', async t => {
  const { kernel, clock, driver, settle } = setUp();
  kernel.refuse(prefix(1), ENETUNREACH, 'Nexthop has invalid gateway');
  for (let i = 0; i < 3; i++) driver.setDesired(prefix(i), via('10.0.0.2'));
  driver.request();
  await settle();
  const refused = [{ destination: prefix(1), error: 'ENETUNREACH: Nexthop has invalid gateway' }];
  t.deepEqual(driver.status(), { programmed: 2, pending: 0, stale: 0, refused });
  t.deepEqual(driver.stateOf(prefix(1)), { error: refused[0]!.error });
  t.is(driver.stateOf(prefix(0)), 'programmed');
  const attempts: number[] = [];
  for (let second = 1; second <= 200; second++) {
    const before = kernel.calls.create;
    clock.advance(1000);
    await settle();
    if (kernel.calls.create > before) attempts.push(second);
  }
  t.deepEqual(attempts, [1, 3, 7, 15, 31, 63, 123, 183]);
  kernel.accept(prefix(1));
  driver.requestReadBack();
  await settle();
  t.deepEqual(driver.status(), { programmed: 3, pending: 0, stale: 0, refused: [] });
});

test('a deletion that the kernel refuses is named too', async t => {
  const { kernel, driver, settle } = setUp();
  driver.setDesired(prefix(1), via('10.0.0.2'));
  driver.allowDeletions();
  await settle();
  kernel.refuse(prefix(1), EPERM);
  driver.deleteDesired(prefix(1));
  driver.request();
  await settle();
  t.deepEqual(driver.status(), {
    programmed: 0,
    pending: 0,
    stale: 0,
    refused: [{ destination: prefix(1), error: 'EPERM' }],
  });
  kernel.remove(prefix(1), METRIC);
  driver.requestReadBack();
  await settle();
  t.deepEqual(driver.status().refused, []);
});

test('a route that vanishes or is altered under us is mended on the next read-back, and nothing else is written', async t => {
  const one = setUp();
  const { kernel, driver, settle } = one;
  for (let i = 0; i < 10; i++) driver.setDesired(prefix(i), via('10.0.0.2'));
  driver.request();
  await settle();
  kernel.remove(prefix(3), METRIC);
  kernel.put(routeOf(prefix(4), toKernel(via('10.0.0.66'))));
  driver.requestReadBack();
  await settle();
  t.like(kernel.calls, { create: 11, replace: 1, delete: 0 });
  t.is(ours(kernel)[`${prefix(4)} ${METRIC}`], '10.0.0.2');
  await assertAtRest(t, one);
});

test('a route of ours that appears after the read-back is found out, not reported as a stranger', async t => {
  const one = setUp();
  const { kernel, driver, settle } = one;
  driver.request();
  await settle();
  kernel.put(routeOf(prefix(1), toKernel(via('10.0.0.66'))));
  driver.setDesired(prefix(1), via('10.0.0.2'));
  driver.request();
  await settle();
  t.is(ours(kernel)[`${prefix(1)} ${METRIC}`], '10.0.0.2');
  t.deepEqual(driver.status().refused, []);
  await assertAtRest(t, one);
});

test('when the socket fails, what was done is read back before anything else is written', async t => {
  const one = setUp();
  const { kernel, clock, driver, errors, settle } = one;
  driver.request();
  await settle();
  kernel.failNext();
  for (let i = 0; i < 100; i++) driver.setDesired(prefix(i), via('10.0.0.2'));
  driver.request();
  await settle();
  t.is(errors.length, 1);
  t.is(kernel.table.length, 50);
  clock.advance(1000);
  await settle();
  t.is(kernel.table.length, 100);
  t.is(kernel.calls.create, 100);
  t.deepEqual(driver.status(), { programmed: 100, pending: 0, stale: 0, refused: [] });
  await assertAtRest(t, one);
});

test('a read-back that fails is tried again, and nothing is written before it has succeeded', async t => {
  const { kernel, clock, driver, settle } = setUp();
  kernel.failNext(3);
  driver.setDesired(prefix(1), via('10.0.0.2'));
  driver.request();
  await settle();
  t.is(kernel.writes, 0);
  for (let i = 0; i < 5; i++) {
    clock.advance(1000);
    await settle();
  }
  t.is(kernel.writes, 1);
});

test('a change of mind while a batch is under way ends in the last word', async t => {
  const one = setUp();
  const { kernel, driver, settle } = one;
  driver.allowDeletions();
  for (let i = 0; i < 20; i++) driver.setDesired(prefix(i), via('10.0.0.2'));
  driver.request();
  for (let turn = 0; turn < 8; turn++) {
    one.clock.settle();
    await new Promise(resolve => setImmediate(resolve));
    for (let i = 0; i < 20; i++) {
      if ((i + turn) % 3 === 0) driver.deleteDesired(prefix(i));
      else driver.setDesired(prefix(i), via(`10.0.0.${turn + 3}`));
    }
    driver.request();
  }
  await settle();
  const wanted = [...Array(20).keys()].filter(i => (i + 7) % 3 !== 0);
  t.deepEqual(ours(kernel), Object.fromEntries(wanted.map(i => [`${prefix(i)} ${METRIC}`, '10.0.0.10'])));
  t.deepEqual(driver.status(), { programmed: wanted.length, pending: 0, stale: 0, refused: [] });
  await assertAtRest(t, one);
});

test('after close nothing is written any more', async t => {
  const { kernel, driver, settle } = setUp();
  driver.setDesired(prefix(1), via('10.0.0.2'));
  driver.request();
  driver.close();
  await settle();
  driver.request();
  await settle();
  t.is(kernel.writes, 0);
});
