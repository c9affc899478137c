/** Enhanced route refresh (RFC 7313) on the wire: a peer that is scripted message by message. */
import test from 'ava';
import { type Connection, plainTerms } from '../../../bgp/speaker/transport.js';
import { type Capability, familyNumbers } from '../../../bgp/wire/capabilities.js';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import { encodeOpen } from '../../../bgp/wire/open.js';
import { encodeRouteRefresh } from '../../../bgp/wire/route-refresh.js';
import { encodeEndOfRib, encodeUpdate } from '../../../bgp/wire/update.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { acceptAll, newWorld, prefixesOf } from './memory.js';

const A = '10.0.0.1';
const B = '10.0.0.2' as IpAddress;
const ipv4 = familyNumbers('ipv4-unicast');
const gracefulRestart: Capability = {
  kind: 'graceful-restart',
  restarting: false,
  notification: false,
  restartTimeSeconds: 120,
  families: [{ ...ipv4, forwarding: true }],
};

/** A session in which b says what it is told to say, and `types` are ours: 2 UPDATE, 10 and on ROUTE-REFRESH by subtype. */
function scripted(capabilities: readonly Capability[] = [{ kind: 'enhanced-route-refresh' }]) {
  const world = newWorld();
  const { clock, network } = world;
  const a = world.speaker(A, 64512);
  a.announce('10.244.1.0/24');
  const toB = a.addPeer({
    address: B,
    asn: 64512,
    localAddress: A,
    passive: true,
    holdTimeSeconds: 0,
    ...acceptAll,
  });
  clock.advance(10);
  const types: number[] = [];
  let connection: Connection | undefined;
  const received = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += (bytes[at + 16]! << 8) | bytes[at + 17]!) {
      types.push(bytes[at + 18] === 5 ? 10 + bytes[at + 21]! : bytes[at + 18]!);
    }
  };
  network.host(B).dial(
    { address: A as IpAddress, port: 179, localAddress: B, ...plainTerms },
    {
      connected: dialled => {
        connection = dialled;
        dialled.start({
          received: (buffer, start, end) => received(buffer.subarray(start, end)),
          drained: () => {},
          closed: () => {},
        });
        dialled.write(
          encodeOpen({
            version: 4,
            asn: 64512,
            holdTimeSeconds: 0,
            routerId: B as Ipv4Address,
            capabilities: [
              { kind: 'multiprotocol', ...ipv4 },
              { kind: 'four-octet-as', asn: 64512 },
              { kind: 'route-refresh' },
              ...capabilities,
            ],
          }),
        );
        dialled.write(encodeKeepalive());
      },
      failed: () => {},
    },
  );
  clock.advance(100);
  const say = (...messages: Uint8Array[]) => {
    for (const message of messages) connection?.write(message);
    clock.advance(100);
  };
  return {
    ...world,
    a,
    toB,
    types,
    say,
    learned: () => prefixesOf(a).filter(route => route.endsWith(` ${B}`)),
  };
}

const refresh = (subtype: number) => encodeRouteRefresh({ ...ipv4, subtype });
const endOfRib = encodeEndOfRib(ipv4.afi, ipv4.safi);

function update(...prefixes: readonly string[]): Uint8Array {
  const attributes = { origin: 0, asPath: [], nextHop: 0x0a000002, localPref: 100 } as const;
  const announced = prefixes as readonly Prefix[];
  return encodeUpdate({ withdrawn: [], announced, attributes }, { fourOctetAs: true, ibgp: true });
}

test('the peer tells again: at the end what was left out goes', t => {
  const { toB, say, learned } = scripted();
  say(update('10.1.0.0/24', '10.2.0.0/24'), endOfRib);
  say(refresh(1), update('10.2.0.0/24'));
  t.is(learned().length, 2);
  say(refresh(2));
  t.deepEqual(learned(), [`10.2.0.0/24 ${B}`]);
  t.is(toB.status().routes.received, 1);
});

test('an end without a beginning, and unknown subtypes, change nothing', t => {
  const { say, learned, toB } = scripted();
  say(update('10.1.0.0/24'), endOfRib, refresh(2), refresh(3), refresh(255));
  t.is(learned().length, 1);
  t.is(toB.status().state, 'Established');
});

test('where it was not agreed on, beginning and end are of no account', t => {
  const { say, learned, toB } = scripted([]);
  t.is(toB.status().session?.routeRefresh, 'plain');
  say(update('10.1.0.0/24'), endOfRib, refresh(1), refresh(2));
  t.is(learned().length, 1);
});

test('a beginning before End-of-RIB is an error that is ignored and told', t => {
  const { say, learned, logs } = scripted([{ kind: 'enhanced-route-refresh' }, gracefulRestart]);
  say(update('10.1.0.0/24'), refresh(1), refresh(2));
  t.is(learned().length, 1);
  t.true(logs.some(line => line.includes('before End-of-RIB')));
  say(endOfRib, refresh(1), refresh(2));
  t.is(learned().length, 0);
});

test('a refresh that does not end is ended after 6 minutes', t => {
  const { clock, say, learned, logs } = scripted();
  say(update('10.1.0.0/24', '10.2.0.0/24'), endOfRib, refresh(1), update('10.2.0.0/24'));
  clock.advance(359_000);
  t.is(learned().length, 2);
  clock.advance(2000);
  t.deepEqual(learned(), [`10.2.0.0/24 ${B}`]);
  t.true(logs.some(line => line.includes('did not end it in time')));
});

test('asked for, we tell all again between beginning and end, once for each request', t => {
  const { say, types } = scripted();
  types.length = 0;
  say(refresh(0));
  t.deepEqual(types, [11, 2, 12]);
  types.length = 0;
  say(refresh(0));
  say(refresh(0));
  t.deepEqual(types, [11, 2, 12, 11, 2, 12]);
});

test('a peer without the capability is told again without them', t => {
  const { say, types } = scripted([]);
  types.length = 0;
  say(refresh(0));
  t.deepEqual(types, [2]);
});

test('asked before our End-of-RIB, we answer after it', t => {
  const { say, types } = scripted();
  const last = types.indexOf(2, types.indexOf(2) + 1);
  t.true(last > 0, 'the table, then End-of-RIB');
  say(refresh(0));
  t.true(types.indexOf(11) > last);
});
