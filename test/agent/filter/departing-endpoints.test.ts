/** Workloads on their way out. */
import test from 'ava';
import { DepartingEndpoints } from '../../../agent/filter/departing-endpoints.js';
import { evaluate } from '../../../policy/evaluate/evaluate.js';
import type { End } from '../../../policy/evaluate/situation.js';
import type { WorkloadEndpoint } from '../../../policy/model.js';
import {
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  settings,
  tcp,
} from '../../policy/host-policies.js';

const first = makeWorkload('cali1', ['10.0.0.1/32', 'fd00::1/128']);
const second = makeWorkload('cali2', ['10.0.0.2/32']);
const mapOf = (...endpoints: readonly WorkloadEndpoint[]) =>
  new Map(endpoints.map(endpoint => [endpoint.key, endpoint]));
const enforced = (...workloads: readonly WorkloadEndpoint[]) => makeHostPolicy({ workloads });
const never = () => false;
const always = () => true;

test('what has gone is enforced further until none of its addresses has a route', t => {
  const departing = new DepartingEndpoints();
  t.deepEqual(departing.follow(enforced(first, second), mapOf(second), 0), []);
  const now = makeHostPolicy({ workloads: [second] });
  t.deepEqual([...departing.with(now).workloads.values()], [{ ...first, tiers: [], profiles: [] }, second]);
  t.deepEqual(
    departing.release(address => address === 'fd00::1/128', 50),
    [],
  );
  t.deepEqual(departing.release(never, 100), [first]);
  t.is(departing.size, 0);
  t.is(departing.with(now), now);
});

test('of what has gone the policies that have cut connections stay, without their rules, and its addresses are told', t => {
  const departing = new DepartingEndpoints();
  const rules = [makeRule('deny')];
  const [cutting, other] = [makePolicy('cutting', rules, { flushOnDeny: true }), makePolicy('other', rules)];
  const third = makeWorkload('cali3', ['10.0.0.3/32'], { tiers: [makeTier(['other', 'cutting'])] });
  const before = makeHostPolicy({ workloads: [third], policies: [cutting, other] });
  departing.follow(before, mapOf(), 0);
  t.deepEqual([...departing.addresses], ['10.0.0.3']);
  const kept = { ...cutting, key: `${cutting.key} (departing)`, ingress: [], egress: [] };
  const { policies, workloads } = departing.with(makeHostPolicy({ policies: [cutting] }));
  t.deepEqual([...policies.values()], [kept, cutting]);
  const tier = { name: 'departing', defaultAction: 'deny', ingress: [kept.key], egress: [kept.key] };
  t.deepEqual([...workloads.values()], [{ ...third, tiers: [tier] }]);
  departing.release(never, 100);
  t.is(departing.addresses.size, 0);
});

test('each has ten seconds from when it went, however often others change meanwhile', t => {
  const departing = new DepartingEndpoints();
  departing.follow(enforced(first, second), mapOf(second), 0);
  departing.follow(enforced(first, second), mapOf(), 6_000);
  t.deepEqual(departing.release(always, 9_999), []);
  t.deepEqual(departing.release(always, 10_000), [first]);
  t.deepEqual(departing.release(always, 15_999), []);
  t.deepEqual(departing.release(always, 16_000), [second]);
});

test('whose interface another has goes at once, and its addresses are nobody’s', t => {
  const departing = new DepartingEndpoints();
  const next = { ...makeWorkload('cali1', ['10.0.0.9/32']), key: 'WorkloadEndpoint/default/next' };
  t.deepEqual(departing.follow(enforced(first), mapOf(next), 0), first.addresses);
  t.is(departing.size, 0);
});

test('a route of an address that another has is the other’s', t => {
  const departing = new DepartingEndpoints();
  const next = makeWorkload('cali9', ['10.0.0.1/32']);
  t.deepEqual(departing.follow(enforced(first), mapOf(next), 0), []);
  t.deepEqual(
    departing.release(address => address === '10.0.0.1/32', 50),
    [first],
  );
});

test('addresses that one gives up are told, those that it keeps or gets are not', t => {
  const departing = new DepartingEndpoints();
  const after = makeWorkload('cali1', ['10.0.0.1/32', 'fd00::5/128']);
  t.deepEqual(departing.follow(enforced(first), mapOf(after), 0), ['fd00::1/128']);
  t.is(departing.size, 0);
});

test('what is about to go goes on with its connections and begins none, whatever is left of its policies', t => {
  const departing = new DepartingEndpoints();
  const passing = makeTier(['guard'], { defaultAction: 'pass' });
  const workload = makeWorkload('cali3', ['10.0.0.3/32'], {
    tiers: [passing, makeTier(['allows'])],
    profiles: ['open'],
  });
  const allows = makePolicy('allows', [makeRule('allow')]);
  const profiles = [makeProfile('open', [makeRule('allow')])];
  const before = makeHostPolicy({
    workloads: [workload],
    policies: [makePolicy('guard', [makeRule('deny')]), allows],
    profiles,
  });
  departing.follow(before, mapOf(), 0);
  const policy = departing.with(makeHostPolicy({ policies: [allows], profiles }));
  const verdict = (connection: 'new' | 'established', [from, to]: readonly [End, End]) =>
    evaluate(policy, settings, { packet: tcp('10.0.0.3', '10.9.0.1', 80), from, to, connection }).verdict;
  const pod: End = { kind: 'workload', key: workload.key };
  const uplink: End = { kind: 'interface', name: 'eth0' };
  t.is(verdict('new', [pod, uplink]), 'deny');
  t.is(verdict('established', [pod, uplink]), 'allow');
});
