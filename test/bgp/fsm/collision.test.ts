import test from 'ava';
import { type CollisionInput, resolveCollision } from '../../../bgp/fsm/collision.js';
import type { Capability } from '../../../bgp/wire/capabilities.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { agreed, local, open, states } from './session.js';

function input(fields: Partial<CollisionInput> = {}): CollisionInput {
  return {
    initiatedBy: 'us',
    other: states.OpenConfirm,
    otherInitiatedBy: fields.initiatedBy === 'peer' ? 'us' : 'peer',
    localRouterId: '10.0.0.1' as Ipv4Address,
    localAsn: 64512,
    remoteRouterId: '10.0.0.2' as Ipv4Address,
    remoteAsn: 64512,
    ...fields,
  };
}

test('the connection dialled by the higher identifier survives, whichever OPEN comes first', t => {
  for (const other of [states.OpenSent, states.OpenConfirm]) {
    t.is(resolveCollision(input({ other })), 'close-this');
    t.is(resolveCollision(input({ other, initiatedBy: 'peer' })), 'close-other');
    const higher = { other, localRouterId: '10.0.0.3' as Ipv4Address };
    t.is(resolveCollision(input(higher)), 'close-other');
    t.is(resolveCollision(input({ ...higher, initiatedBy: 'peer' })), 'close-this');
  }
});

test('identifiers compare as unsigned numbers', t => {
  const high = '200.0.0.1' as Ipv4Address;
  t.is(resolveCollision(input({ localRouterId: high })), 'close-other');
  t.is(resolveCollision(input({ remoteRouterId: high })), 'close-this');
});

test('equal identifiers: the higher AS dials (RFC 6286 section 2.3)', t => {
  const equal = { remoteRouterId: '10.0.0.1' as Ipv4Address };
  t.is(resolveCollision(input({ ...equal, localAsn: 65001, remoteAsn: 65000 })), 'close-other');
  t.is(resolveCollision(input({ ...equal, localAsn: 65000, remoteAsn: 65001 })), 'close-this');
});

test('both ends decide for the same connection', t => {
  const ids = ['10.0.0.1', '10.0.0.2', '192.0.2.7', '250.1.1.1'] as Ipv4Address[];
  for (const a of ids) {
    for (const b of ids) {
      if (a === b) continue;
      const atA = resolveCollision(input({ localRouterId: a, remoteRouterId: b, initiatedBy: 'us' }));
      const atB = resolveCollision(input({ localRouterId: b, remoteRouterId: a, initiatedBy: 'peer' }));
      t.is(atA, atB);
    }
  }
});

test('no collision with a connection that has not spoken', t => {
  for (const other of [states.Idle, states.Connect, states.Active]) {
    t.is(resolveCollision(input({ other })), 'no-collision');
  }
});

test('an Established session stays, unless graceful restart says that its peer came back', t => {
  t.is(resolveCollision(input({ other: states.Established })), 'close-this');
  const restart: Capability = {
    kind: 'graceful-restart',
    restarting: false,
    notification: false,
    restartTimeSeconds: 120,
    families: [],
  };
  const ours = local();
  const negotiated = agreed(open({ capabilities: [...open().capabilities, restart] }), {
    ...ours,
    open: { ...ours.open, capabilities: [...ours.open.capabilities, restart] },
  });
  t.is(resolveCollision(input({ other: { ...states.Established, negotiated } })), 'peer-restarted');
});

test('of two connections that the same end dialled the newer one counts', t => {
  t.is(resolveCollision(input({ initiatedBy: 'peer', otherInitiatedBy: 'peer' })), 'close-other');
});
