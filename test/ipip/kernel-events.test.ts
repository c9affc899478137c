import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL } from '../../ipip/desired.js';
import { doubtAfter } from '../../ipip/kernel-events.js';
import { toKernel } from '../../ipip/route-form.js';
import type { KernelChange } from '../../linux/netlink/monitor.js';
import { routeOf } from '../support/fake-kernel.js';

const wanted: DesiredRoute = {
  kind: 'unicast',
  legs: [{ gateway: '10.0.0.2' as IpAddress, ifindex: 2, onlink: false }],
  preferredSource: undefined,
  mtu: undefined,
  metric: 1024,
};
const form = toKernel(wanted);
const desired = (prefix: Prefix) => (prefix === '10.1.0.0/24' ? wanted : undefined);

function after(...changes: KernelChange[]) {
  const { facts, ownRoutes } = doubtAfter(changes, desired);
  return [facts && 'facts', ownRoutes && 'own routes'].filter(Boolean).join(', ');
}

function route(destination: string, more: Parameters<typeof routeOf>[1], gone = false): KernelChange {
  return { kind: 'route', route: routeOf(destination, { ...form, ...more }), gone };
}

test('links, addresses and lost notifications cast doubt on everything', t => {
  const link = { kind: 'link', gone: false, link: {} } as KernelChange;
  const address = { kind: 'address', gone: true, address: {} } as KernelChange;
  t.is(after(link), 'facts, own routes');
  t.is(after(address), 'facts, own routes');
  t.is(after({ kind: 'resynchronise', reason: 'ENOBUFS' }), 'facts, own routes');
  t.is(after(), '');
});

test('neighbours and forwarding databases say nothing of routes', t => {
  const neighbour = { kind: 'neighbour', gone: true, neighbour: {} } as KernelChange;
  const entry = { kind: 'fdb', gone: false, entry: {} } as KernelChange;
  t.is(after(neighbour, entry), '');
});

test('a route of ours as it should be says nothing; any other is read back', t => {
  t.is(after(route('10.1.0.0/24', {})), '');
  t.is(after(route('10.1.0.0/24', { mtu: 1400 })), 'own routes');
  t.is(after(route('10.2.0.0/24', {})), 'own routes');
  t.is(after(route('10.1.0.0/24', { metric: 7 })), 'own routes');
});

test('one that goes is missed only if it is wanted', t => {
  t.is(after(route('10.1.0.0/24', {}, true)), 'own routes');
  t.is(after(route('10.1.0.0/24', { metric: 7 }, true)), '');
  t.is(after(route('10.2.0.0/24', {}, true)), '');
});

test("others' routes are facts; one at a key of ours may have taken its place", t => {
  t.not(form.protocol, 4);
  t.is(form.protocol, MARGAY_ROUTE_PROTOCOL);
  t.is(after(route('10.9.0.0/24', { protocol: 4 })), 'facts');
  t.is(after(route('10.1.0.0/24', { protocol: 4, metric: 0 })), 'facts');
  t.is(after(route('10.1.0.0/24', { protocol: 4 })), 'facts, own routes');
  t.is(after(route('10.1.0.0/24', { protocol: 4 }, true)), 'facts, own routes');
});

test('other tables are nobody’s business', t => {
  t.is(
    after(route('10.1.0.0/24', { table: 1000 }, true), route('10.9.0.0/24', { table: 255, protocol: 2 })),
    '',
  );
});

const leg = (gateway: string, ifindex = 2) => ({ gateway: gateway as IpAddress, ifindex, onlink: false });
const multipath: DesiredRoute = { ...wanted, legs: [leg('fe80::2', 2), leg('fe80::2', 3)] } as DesiredRoute;
const multipathForm = toKernel(multipath);

/** IPv6 tells of a multipath route whole (RTA_MULTIPATH), or leg by leg: RTM_NEWROUTE with NLM_F_APPEND, RTM_DELROUTE of one. */
function legByLeg(legs: readonly number[], gone: boolean): string {
  const changes = legs.map(i => ({
    kind: 'route' as const,
    route: routeOf('fd10::/64', { ...multipathForm, nextHops: [multipathForm.nextHops[i]!] }),
    gone,
  }));
  const doubt = doubtAfter(changes, prefix => (prefix === 'fd10::/64' ? multipath : undefined));
  return doubt.ownRoutes ? 'own routes' : '';
}

test('an IPv6 multipath route that is told leg by leg is read back; told whole it is known', t => {
  t.is(legByLeg([0], true), 'own routes');
  t.is(legByLeg([0, 1], true), 'own routes');
  t.is(legByLeg([1], false), 'own routes');
  const whole = routeOf('fd10::/64', multipathForm);
  const known = doubtAfter([{ kind: 'route', route: whole, gone: false }], () => multipath);
  t.deepEqual(known, { facts: false, ownRoutes: false });
});
