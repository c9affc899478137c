import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import { type RoutesAndNames, routeTaken } from '../../../ipip/check/route-taken.js';
import type { DesiredRoute } from '../../../ipip/desired.js';
import type { Route } from '../../../linux/netlink/route.js';

const ip = (text: string) => text as IpAddress;
const ours: DesiredRoute = {
  kind: 'unicast',
  legs: [{ gateway: ip('10.9.0.2'), ifindex: 7, onlink: true }],
  preferredSource: undefined,
  mtu: undefined,
  metric: 1024,
};
const foreign = {
  destination: '0.0.0.0/0',
  metric: 0,
  nextHops: [{ gateway: ip('192.0.2.254'), ifindex: 2 }],
} as unknown as Route;

function taken(destination: string, more: Partial<RoutesAndNames> = {}) {
  return routeTaken(ip(destination), {
    desired: prefix => (prefix === '10.244.2.0/24' ? ours : undefined),
    refusal: () => undefined,
    state: () => 'programmed',
    foreign: () => foreign,
    isOwn: address => address === '192.0.2.1',
    nameOf: ifindex => ({ 2: 'eth0', 7: 'tunl0' })[ifindex],
    ...more,
  });
}

test('a route of ours, with where it leads', t => {
  t.deepEqual(taken('10.244.2.7'), {
    kind: 'ours',
    prefix: '10.244.2.0/24' as never,
    legs: [{ gateway: ip('10.9.0.2'), interfaceName: 'tunl0' }],
    problem: '',
  });
  t.deepEqual(taken('10.244.2.7', { desired: () => ({ kind: 'blackhole', metric: 1 }) }).legs, []);
});

test('what is not in the kernel yet is not taken: another program’s route is, and it is said why', t => {
  const other = taken('10.244.2.7', { state: () => 'pending' });
  t.like(other, { kind: 'foreign', prefix: '0.0.0.0/0', legs: [{ interfaceName: 'eth0' }] });
  t.regex(other.problem, /10\.244\.2\.0\/24/);
  t.is(taken('198.51.100.1', { foreign: () => undefined }).kind, 'none');
});

test('own addresses stay', t => {
  t.like(taken('192.0.2.1'), { kind: 'own', prefix: undefined, legs: [] });
});
