import test from 'ava';
import type { Prefix } from '../../../core/prefix.js';
import { type RoutesHere, routeProblem } from '../../../ipip/check/route-problem.js';
import type { DesiredRoute, RouteRefusal } from '../../../ipip/desired.js';
import type { Route } from '../../../linux/netlink/route.js';

const prefix = (text: string) => text as Prefix;
const route: DesiredRoute = {
  kind: 'unicast',
  legs: [{ gateway: '10.9.0.2' as never, ifindex: 7, onlink: true }],
  preferredSource: undefined,
  mtu: 1480,
  metric: 1024,
};

function foreign(destination: string, metric: number): Route {
  return { destination: prefix(destination), metric } as Route;
}

function routes(more: {
  readonly desired?: readonly string[];
  readonly refused?: RouteRefusal;
  readonly state?: ReturnType<RoutesHere['state']>;
  readonly foreign?: Route;
}): RoutesHere {
  return {
    desired: one => (more.desired?.includes(one) ? route : undefined),
    refusal: one => (one === '10.244.2.0/24' ? more.refused : undefined),
    state: () => more.state ?? 'programmed',
    foreign: () => more.foreign,
  };
}

const problem = (more: Parameters<typeof routes>[0], destination = '10.244.2.0/32') =>
  routeProblem(prefix(destination), routes(more));

test('a programmed route is no problem, for its prefix and for what is inside it', t => {
  const more = { desired: ['10.244.2.0/24'], foreign: foreign('0.0.0.0/0', 0) };
  t.is(problem(more), undefined);
  t.is(problem(more, '10.244.2.0/24'), undefined);
});

test('no route, a refused one, one that the kernel refuses, one that is on its way', t => {
  t.regex(problem({}) ?? '', /10\.244\.2\.0\/32/);
  const refused = { kind: 'next-hop-unreachable', nextHop: '10.9.0.2' as never } as const;
  t.regex(problem({ refused }) ?? '', /10\.244\.2\.0\/24.*10\.9\.0\.2/);
  t.regex(problem({ desired: ['10.244.2.0/24'], state: { error: 'File exists' } }) ?? '', /File exists/);
  t.truthy(problem({ desired: ['10.244.2.0/24'], state: 'pending' }));
});

test('the most specific one decides', t => {
  const refused = { kind: 'next-hop-unreachable', nextHop: '10.9.0.2' as never } as const;
  t.truthy(problem({ desired: ['10.244.0.0/16'], refused }));
  t.is(problem({ desired: ['10.244.2.0/32'], refused }), undefined);
});

test('a foreign route that the kernel prefers is one: longer, or as long with a metric that is not larger', t => {
  const desired = ['10.244.2.0/24'];
  t.regex(problem({ desired, foreign: foreign('10.244.2.0/32', 4096) }) ?? '', /10\.244\.2\.0\/32/);
  t.truthy(problem({ desired, foreign: foreign('10.244.2.0/24', 0) }));
  t.truthy(problem({ desired, foreign: foreign('10.244.2.0/24', 1024) }));
  t.is(problem({ desired, foreign: foreign('10.244.2.0/24', 1025) }), undefined);
  t.is(problem({ desired, foreign: foreign('10.244.0.0/16', 0) }), undefined);
});
