import test from 'ava';
import { negotiate } from '../../../bgp/fsm/negotiate.js';
import type { Capability } from '../../../bgp/wire/capabilities.js';
import type { Open } from '../../../bgp/wire/open.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { agreed, ipv4Unicast, local, open } from './session.js';

function refusal(remote: Open, ours = local()): string {
  const negotiation = negotiate(ours, remote);
  return negotiation.kind === 'agreed' ? 'agreed' : `${negotiation.error.code}/${negotiation.error.subcode}`;
}

test('the lower hold time counts, keepalive is a third of it', t => {
  t.like(agreed(open({ holdTimeSeconds: 30 })), { holdTimeSeconds: 30, keepaliveSeconds: 10 });
  t.like(agreed(open({ holdTimeSeconds: 3 })), { holdTimeSeconds: 3, keepaliveSeconds: 1 });
  t.like(agreed(open({ holdTimeSeconds: 0 })), { holdTimeSeconds: 0, keepaliveSeconds: 0 });
  t.like(agreed(open(), local({ keepaliveSeconds: 5 })), { keepaliveSeconds: 5 });
  t.like(agreed(open({ holdTimeSeconds: 9 }), local({ keepaliveSeconds: 5 })), { keepaliveSeconds: 3 });
});

test('a wrong AS, 2- and 4-octet, is 2/2', t => {
  t.is(refusal(open({ asn: 65000 })), '2/2');
  t.is(refusal(open({ asn4: 65000 })), '2/2');
  t.is(refusal(open({ asn: 0 })), '2/2');
  t.is(refusal(open({ asn: 23456, asn4: 4200000001 }), local({ peerAsn: 4200000001 })), 'agreed');
  t.is(refusal(open({ asn: 23456, asn4: 4200000001 }), local({ peerAsn: 4200000002 })), '2/2');
});

test('AS_TRANS without the capability is not the AS that it hides', t => {
  t.is(refusal(open({ asn: 23456, capabilities: [ipv4Unicast] }), local({ peerAsn: 4200000001 })), '2/2');
});

test('router id 0 and our own inside the AS are 2/3; equal ids in two ASes are fine (RFC 6286)', t => {
  t.is(refusal(open({ routerId: '0.0.0.0' as Ipv4Address })), '2/3');
  t.is(refusal(open({ routerId: '10.0.0.1' as Ipv4Address })), '2/3');
  t.is(
    refusal(open({ asn: 65001, routerId: '10.0.0.1' as Ipv4Address }), local({ peerAsn: 65001 })),
    'agreed',
  );
});

test('hold times of 1 and 2 are 2/6', t => {
  t.is(refusal(open({ holdTimeSeconds: 1 })), '2/6');
  t.is(refusal(open({ holdTimeSeconds: 2 })), '2/6');
});

test('no common family is 2/7 and names what we want', t => {
  const ipv6Only: Capability[] = [{ kind: 'multiprotocol', afi: 2, safi: 1 }];
  const negotiation = negotiate(
    local(),
    open({ capabilities: [...ipv6Only, { kind: 'four-octet-as', asn: 64512 }] }),
  );
  t.is(negotiation.kind, 'refused');
  if (negotiation.kind === 'refused') {
    t.is(negotiation.error.subcode, 7);
    t.deepEqual([...negotiation.error.data], [1, 4, 0, 1, 0, 1]);
  }
});

test('a peer without capabilities speaks IPv4 unicast and 2-octet AS numbers', t => {
  t.like(agreed(open({ capabilities: [] })), {
    families: ['ipv4-unicast'],
    fourOctetAs: false,
    routeRefresh: false,
    gracefulRestart: undefined,
  });
});

test('graceful restart only where both ends have it, with the families and flags of the peer', t => {
  const restart: Capability = {
    kind: 'graceful-restart',
    restarting: true,
    notification: false,
    restartTimeSeconds: 77,
    families: [
      { afi: 1, safi: 1, forwarding: true },
      { afi: 2, safi: 1, forwarding: false },
      { afi: 25, safi: 65, forwarding: true },
    ],
  };
  const remote = open({ capabilities: [...open().capabilities, restart] });
  t.is(agreed(remote).gracefulRestart, undefined);
  const ours = local();
  const capable = { ...ours, open: { ...ours.open, capabilities: [...ours.open.capabilities, restart] } };
  t.deepEqual(agreed(remote, capable).gracefulRestart, {
    restartTimeSeconds: 77,
    restarting: true,
    notification: false,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    forwarding: ['ipv4-unicast'],
  });
});

test('of several graceful restart capabilities the last one counts (RFC 4724 section 3)', t => {
  const restart = (restartTimeSeconds: number): Capability => {
    return {
      kind: 'graceful-restart',
      restarting: false,
      notification: false,
      restartTimeSeconds,
      families: [],
    };
  };
  const ours = open({ routerId: '10.0.0.1' as Ipv4Address, capabilities: [ipv4Unicast, restart(120)] });
  const capable = local({ open: ours });
  const remote = open({ capabilities: [restart(10), ipv4Unicast, restart(20)] });
  t.is(agreed(remote, capable).gracefulRestart?.restartTimeSeconds, 20);
});

const withOne = (ours: Capability, theirs: Capability) => {
  const base = local();
  const capable = { ...base, open: { ...base.open, capabilities: [...base.open.capabilities, ours] } };
  return agreed(open({ capabilities: [...open().capabilities, theirs] }), capable);
};

test('ADD-PATH holds in a direction that one end can send and the other receive, for common families (RFC 7911)', t => {
  const addPath = (direction: number, afi = 1): Capability => ({
    kind: 'add-path',
    families: [{ afi, safi: 1, direction }],
  });
  const none = { receive: [], send: [] };
  const family = ['ipv4-unicast'] as const;
  t.deepEqual(agreed(open()).addPath, none);
  t.deepEqual(withOne(addPath(1), addPath(1)).addPath, none);
  t.deepEqual(withOne(addPath(2), addPath(2)).addPath, none);
  t.deepEqual(withOne(addPath(1), addPath(2)).addPath, { receive: family, send: [] });
  t.deepEqual(withOne(addPath(2), addPath(1)).addPath, { receive: [], send: family });
  t.deepEqual(withOne(addPath(3), addPath(1)).addPath, { receive: [], send: family });
  t.deepEqual(withOne(addPath(3), addPath(3)).addPath, { receive: family, send: family });
  // Values that the RFC does not know are to be ignored; so are families that the session does not carry.
  t.deepEqual(withOne(addPath(3), addPath(7)).addPath, none);
  t.deepEqual(withOne(addPath(3, 2), addPath(3, 2)).addPath, none);
});

test('IPv6 next hops of IPv4 prefixes need both ends, and that very triple (RFC 8950)', t => {
  const extended = (afi: number, nextHopAfi: number): Capability => ({
    kind: 'extended-next-hop',
    families: [{ afi, safi: 1, nextHopAfi }],
  });
  t.false(agreed(open()).extendedNextHop);
  t.true(withOne(extended(1, 2), extended(1, 2)).extendedNextHop);
  t.false(withOne(extended(1, 2), extended(2, 1)).extendedNextHop);
  t.false(withOne({ kind: 'extended-message' }, extended(1, 2)).extendedNextHop);
});

test('long messages are taken by who announced them, and sent where both did (RFC 8654 section 4)', t => {
  const long: Capability = { kind: 'extended-message' };
  const other: Capability = { kind: 'enhanced-route-refresh' };
  t.deepEqual(withOne(long, long).extendedMessages, { receive: true, send: true });
  t.deepEqual(withOne(long, other).extendedMessages, { receive: true, send: false });
  t.deepEqual(withOne(other, long).extendedMessages, { receive: false, send: false });
});

const roleNames = ['provider', 'rs', 'rs-client', 'customer', 'peer'] as const;
const role = (value: number): Capability => ({ kind: 'role', value });
const withRoles = (...values: number[]) =>
  open({ asn: 65001, capabilities: [ipv4Unicast, ...values.map(role)] });

function refusalOfRoles(ours: number | undefined, theirs: readonly number[], roleStrict = false): string {
  const mine = ours === undefined ? [ipv4Unicast] : [ipv4Unicast, role(ours)];
  const us = open({ routerId: '10.0.0.1' as Ipv4Address, capabilities: mine });
  return refusal(withRoles(...theirs), local({ open: us, peerAsn: 65001, roleStrict }));
}

test('of all pairs of roles those of RFC 9234 table 2 go together, any other is 2/11', t => {
  const together = ['provider customer', 'customer provider', 'rs rs-client', 'rs-client rs', 'peer peer'];
  for (const [ours, oursName] of roleNames.entries()) {
    for (const [theirs, theirsName] of roleNames.entries()) {
      const agree = together.includes(`${oursName} ${theirsName}`);
      t.is(refusalOfRoles(ours, [theirs]), agree ? 'agreed' : '2/11', `${oursName} ${theirsName}`);
    }
    t.is(refusalOfRoles(ours, [5]), '2/11', 'a role that is not assigned');
  }
});

test('one role said twice is one, two roles are 2/11', t => {
  t.is(refusalOfRoles(0, [3, 3]), 'agreed');
  t.is(refusalOfRoles(0, [3, 4]), '2/11');
  t.is(refusalOfRoles(0, [4, 3]), '2/11');
});

test('a role that one end alone has said stops nothing but in strict mode', t => {
  t.is(refusalOfRoles(0, []), 'agreed');
  t.is(refusalOfRoles(undefined, [2]), 'agreed');
  t.is(refusalOfRoles(0, [], true), '2/11');
  t.is(refusalOfRoles(undefined, [], true), 'agreed');
  t.is(refusalOfRoles(0, [3], true), 'agreed');
});
