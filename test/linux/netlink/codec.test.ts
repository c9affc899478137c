import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { parseAddress } from '../../../linux/netlink/address.js';
import { MessageType } from '../../../linux/netlink/constants.js';
import { parseLink } from '../../../linux/netlink/link.js';
import { type Message, MessageWriter, messages, parseError } from '../../../linux/netlink/message.js';
import { parseChanges } from '../../../linux/netlink/monitor.js';
import { parseNeighbour, writeNeighbour } from '../../../linux/netlink/neighbour.js';
import {
  parseRoute,
  plainForm,
  type Route,
  writeRoute,
  writeRouteKey,
} from '../../../linux/netlink/route.js';
import { parseRule } from '../../../linux/netlink/rule.js';
import {
  addresses,
  bytesOf,
  deletion,
  dumpedRoutes,
  errors,
  link,
  neighbour,
  requests,
  rule,
} from './captured.js';

const only = (bytes: Uint8Array): Message => [...messages(bytes)][0]!;
const hop = (gateway: string | undefined, ifindex: number, more = {}) => ({
  gateway: gateway as IpAddress | undefined,
  ifindex,
  onlink: false,
  weight: 1,
  dead: false,
  ...more,
});

function route(destination: string, more: Partial<Route>): Route {
  const common = { metric: 1024, protocol: 157, cloned: false, nextHops: [] };
  return { ...plainForm, ...common, destination: destination as Prefix, ...more };
}

const expected: readonly Route[] = [
  route('10.1.0.0/16', { nextHops: [hop('10.0.0.2', 2)] }),
  route('10.2.0.0/24', { nextHops: [hop('192.0.2.9', 2, { onlink: true })] }),
  route('10.3.0.0/24', { type: 6 }),
  route('10.4.0.0/24', {
    nextHops: [hop('10.0.0.2', 2)],
    preferredSource: '10.0.1.1' as IpAddress,
    mtu: 1400,
  }),
  route('10.6.0.0/24', { nextHops: [hop('10.0.0.2', 2), hop('10.0.1.2', 3, { weight: 5 })] }),
  route('10.7.0.9/32', { nextHops: [hop(undefined, 3)], scope: 253 }),
  route('fd10::/64', { nextHops: [hop('fd00::2', 2)] }),
];

/** Attributes by type; their order is the writer's business. */
function attributes(message: Message): readonly string[] {
  const found: string[] = [];
  for (let at = message.start + 12; at < message.end; ) {
    const length = message.bytes[at]! | (message.bytes[at + 1]! << 8);
    found.push(Buffer.from(message.bytes.subarray(at, at + length)).toString('hex'));
    at += (length + 3) & ~3;
  }
  return found.sort();
}

const header = (message: Message) =>
  Buffer.from(message.bytes.subarray(message.start, message.start + 12)).toString('hex');

for (const [i, [command, hex]] of Object.entries(requests).entries()) {
  test(`what \`ip ${command}\` sends is read, and written with the same octets`, t => {
    const captured = only(bytesOf(hex));
    t.deepEqual(parseRoute(captured), expected[i]);
    const writer = new MessageWriter(16);
    writer.begin(MessageType.newRoute, 0x605, 1);
    writeRoute(writer, expected[i]!.destination, expected[i]!);
    writer.end();
    const written = only(writer.finish());
    t.is(written.end, captured.end);
    t.is(header(written), header(captured));
    t.deepEqual(attributes(written), attributes(captured));
  });
}

test('what deletes a route is what `ip` sends for it, whatever the route looks like', t => {
  const writer = new MessageWriter();
  writer.begin(MessageType.delRoute, 0x5, 1);
  writeRouteKey(writer, expected[5]!.destination, expected[5]!);
  writer.end();
  const [written, captured] = [only(writer.finish()), only(bytesOf(deletion))];
  t.is(header(written), header(captured));
  t.deepEqual(attributes(written), attributes(captured));
});

for (const [destination, hex] of Object.entries(dumpedRoutes)) {
  test(`the kernel's listing of ${destination} is read`, t => {
    const read = parseRoute(only(bytesOf(hex)));
    t.deepEqual(
      read,
      expected.find(one => one.destination === destination),
    );
  });
}

test('errors are read with their number, their words and the request that they answer', t => {
  const read = (hex: string) => parseError(only(bytesOf(hex)));
  const sequence = 0x6b057743;
  t.deepEqual(read(errors.acknowledged), { errno: 0, sequence, text: '' });
  t.deepEqual(read(errors.withWords), { errno: 101, sequence, text: 'Nexthop has invalid gateway' });
  t.deepEqual(read(errors.withoutWords), { errno: 17, sequence, text: '' });
  t.deepEqual(read(errors.done), { errno: 0, sequence, text: '' });
});

test('addresses, links, neighbours and rules are read', t => {
  t.deepEqual(
    addresses.map(hex => parseAddress(only(bytesOf(hex)))),
    [
      { ifindex: 2, address: '10.0.0.1' as IpAddress, prefixLength: 24, scope: 0, flags: 0x80 },
      { ifindex: 2, address: 'fd00::1' as IpAddress, prefixLength: 64, scope: 0, flags: 0x82 },
    ],
  );
  t.deepEqual(parseLink(only(bytesOf(link))), {
    ifindex: 2,
    name: 'eth0',
    alias: '',
    mtu: 1500,
    linkLayerAddress: '',
    up: true,
    carrier: true,
    loopback: false,
    kind: 'veth',
    masterIfindex: 0,
    tunnel: undefined,
  });
  const read = parseNeighbour(only(bytesOf(neighbour)))!;
  t.deepEqual(read, {
    ifindex: 3,
    address: 'ff02::16' as IpAddress,
    linkLayerAddress: '33:33:00:00:00:16',
    state: 0x40,
  });
  const writer = new MessageWriter();
  writer.begin(MessageType.newNeighbour, 0, 0);
  writeNeighbour(writer, read);
  writer.end();
  t.deepEqual(parseNeighbour(only(writer.finish())), read);
  t.deepEqual(parseRule(only(bytesOf(rule))), {
    family: 'ipv4',
    priority: 32766,
    table: 254,
    mark: 0,
    mask: 0,
    action: 1,
  });
});

const everything = [
  ...Object.values(requests),
  ...Object.values(dumpedRoutes),
  ...Object.values(errors),
  ...addresses,
  link,
  neighbour,
  rule,
];

test('several messages of one datagram are walked, and a truncated last one is left out', t => {
  const datagram = bytesOf(everything.join(''));
  t.is([...messages(datagram)].length, everything.length);
  t.is([...messages(datagram.subarray(0, -1))].length, everything.length - 1);
});

test('every truncation of every message is survived', t => {
  let parsed = 0;
  for (const hex of everything) {
    const whole = bytesOf(hex);
    for (let length = 0; length <= whole.length; length++) {
      const cut = whole.slice(0, length);
      // A header that claims what is there lets the attributes run out instead.
      if (length >= 16) new DataView(cut.buffer).setUint32(0, length, true);
      for (const message of messages(cut)) {
        parsed++;
        if (message.end - message.start < 20) continue;
        parseRoute(message);
        parseAddress(message);
        parseLink(message);
        parseNeighbour(message);
        parseRule(message);
        parseError(message);
      }
      parseChanges(cut);
    }
  }
  t.true(parsed > 1000);
});

test('a length of nothing does not make the walk go on for ever', t => {
  t.deepEqual([...messages(new Uint8Array(64))], []);
  const looped = bytesOf(Object.values(requests)[0]!);
  looped.fill(0, 28, 30);
  t.deepEqual(parseRoute(only(looped))!.nextHops, []);
});

test('what an ignored port has done is left out of the changes', t => {
  const datagram = bytesOf(Object.values(dumpedRoutes).join(''));
  t.is(parseChanges(datagram).length, 6);
  t.is(parseChanges(datagram, 0x4119).length, 1);
});

test('IPv4 by an IPv6 neighbour has its gateway in RTA_VIA, alone and in a multipath route', t => {
  const via = route('10.1.0.0/16', { nextHops: [hop('fe80::2', 2)] });
  const several = route('10.2.0.0/16', { nextHops: [hop('fe80::2', 2), hop('10.0.0.2', 3)] });
  for (const one of [via, several]) {
    const writer = new MessageWriter();
    writer.begin(MessageType.newRoute, 0x605, 1);
    writeRoute(writer, one.destination, one);
    writer.end();
    const written = only(writer.finish());
    t.deepEqual(parseRoute(written), one);
    const octets = attributes(written).join('');
    // struct rtattr {22, RTA_VIA 18}, struct rtvia {AF_INET6, address}, padding.
    t.true(octets.includes('160012000a00fe800000000000000000000000000002'), octets);
    // {20, RTA_GATEWAY 5}: what the kernel would refuse.
    t.false(octets.includes('14000500'), octets);
  }
});

test('the same form for an IPv6 destination has RTA_GATEWAY', t => {
  const one = route('fd10::/64', { nextHops: [hop('fe80::2', 2)] });
  const writer = new MessageWriter();
  writer.begin(MessageType.newRoute, 0x605, 1);
  writeRoute(writer, one.destination, one);
  writer.end();
  const octets = attributes(only(writer.finish())).join('');
  t.true(octets.includes('14000500fe800000000000000000000000000002'), octets);
});
