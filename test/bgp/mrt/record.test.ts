import test from 'ava';
import {
  type MrtSession,
  messageRecord,
  peerIndexTable,
  ribRecord,
  stateChangeRecord,
} from '../../../bgp/mrt/record.js';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { hex, toHex } from '../../support/hex.js';

const at = 0x65000000 * 1000 + 250;
const session: MrtSession = {
  peerAsn: 4_200_000_001,
  localAsn: 64512,
  peerAddress: '10.0.0.2' as IpAddress,
  localAddress: '10.0.0.1' as IpAddress,
  fourOctetAs: true,
  addPath: false,
};
const is = (t: { is(a: string, b: string): void }, record: Uint8Array, expected: string) =>
  t.is(toHex(record), toHex(hex(expected)));

test('the peer index table: collector, view, peers of both families with AS numbers of four octets', t => {
  const peers = [
    { routerId: '10.0.0.2' as Ipv4Address, address: '10.0.0.2' as IpAddress, asn: 4_200_000_001 },
    { routerId: '10.0.0.3' as Ipv4Address, address: 'fd00::3' as IpAddress, asn: 64512 },
  ];
  is(
    t,
    peerIndexTable(at, '10.0.0.1' as Ipv4Address, 'v', peers),
    `65000000 000d 0001 0000002f
     0a000001 0001 76 0002
     02 0a000002 0a000002 fa56ea01
     03 0a000003 fd00 0000000000000000 00000000 0003 0000fc00`,
  );
});

test('an IPv4 prefix with its paths', t => {
  const route = {
    peer: 1,
    originatedUnixMs: at,
    pathId: undefined,
    attributes: { origin: 0, asPath: [{ type: 'sequence' as const, asns: [65001] }], nextHop: 0x0a000002 },
  };
  is(
    t,
    ribRecord(at, 7, 'ipv4-unicast', '10.244.1.0/24' as Prefix, [route]),
    `65000000 000d 0002 00000026
     00000007 18 0af401 0001
     0001 65000000 0014 40010100 4002060201 0000fde9 400304 0a000002`,
  );
});

test('of MP_REACH_NLRI only the next hop is written; path identifiers have a subtype of their own', t => {
  const nextHop = hex('fd00 0000000000000000 00000000 0002');
  const attributes = { origin: 0, mpReach: { afi: 2, safi: 1, nextHop, nlri: new Uint8Array(0) } };
  const route = { peer: 1, originatedUnixMs: at, pathId: 9, attributes };
  is(
    t,
    ribRecord(at, 0, 'ipv6-unicast', 'fd10::/64' as Prefix, [route]),
    `65000000 000d 000a 00000033
     00000000 40 fd10000000000000 0001
     0001 65000000 00000009 0018 40010100 800e11 10 fd00 0000000000000000 00000000 0002`,
  );
});

test('a message, with microseconds; from a session with AS numbers of two octets the header has them too', t => {
  const keepalive = encodeKeepalive();
  is(
    t,
    messageRecord(at, session, keepalive),
    `65000000 0011 0004 0000002b 0003d090
     fa56ea01 0000fc00 0000 0001 0a000002 0a000001 M 0013 04`,
  );
  is(
    t,
    messageRecord(at, { ...session, fourOctetAs: false }, keepalive),
    `65000000 0011 0001 00000027 0003d090 5ba0 fc00 0000 0001 0a000002 0a000001 M 0013 04`,
  );
  is(t, messageRecord(at, { ...session, addPath: true }, keepalive).subarray(4, 8), '0011 0009');
});

test('a change of state', t => {
  is(
    t,
    stateChangeRecord(at, session, 'OpenConfirm', 'Established'),
    `65000000 0011 0005 0000001c 0003d090
     fa56ea01 0000fc00 0000 0001 0a000002 0a000001 0005 0006`,
  );
});
