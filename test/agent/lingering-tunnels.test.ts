import test from 'ava';
import { LingeringTunnels } from '../../agent/lingering-tunnels.js';
import { FakeClock } from '../../bgp/testing/index.js';
import type { TunnelKind } from '../../ipip/desired.js';

const set = (...kinds: TunnelKind[]): ReadonlySet<TunnelKind> => new Set(kinds);

test('what is not wanted any more lingers ten seconds, and not if it is wanted again', t => {
  const clock = new FakeClock();
  let changes = 0;
  const lingering = new LingeringTunnels(clock, () => changes++);
  t.deepEqual(lingering.update(set('ipip')), set());
  t.deepEqual(lingering.update(set('vxlan')), set('ipip'));
  clock.advance(9999);
  t.is(changes, 0);
  t.deepEqual(lingering.update(set('vxlan')), set('ipip'));
  clock.advance(1);
  t.is(changes, 1);
  t.deepEqual(lingering.update(set('vxlan')), set());
  lingering.update(set());
  t.deepEqual(lingering.update(set('vxlan')), set());
});

test('devices of an earlier process may go ten seconds after all is in sync', t => {
  const clock = new FakeClock();
  let changes = 0;
  const lingering = new LingeringTunnels(clock, () => changes++);
  clock.advance(60_000);
  t.false(lingering.mayRemove);
  lingering.allowRemovals();
  t.false(lingering.mayRemove);
  clock.advance(10_000);
  t.true(lingering.mayRemove);
  t.is(changes, 1);
});
