import test from 'ava';
import fc from 'fast-check';
import { Flag, MessageType } from '../../../linux/netlink/constants.js';
import { parseLink } from '../../../linux/netlink/link.js';
import { freeIfindexes } from '../../../linux/netlink/link-requests.js';
import { Rtnetlink } from '../../../linux/netlink/rtnetlink.js';
import { answer, error, fakeNetlink } from '../../support/fake-netlink.js';
import { ipip, vxlan } from '../link-contract.js';
import { bytesOf } from './captured.js';
import { listedLinks } from './captured-tunnels.js';

const turn = () => new Promise(resolve => setImmediate(resolve));
const links = [
  { name: 'one', alias: 'first', mtu: 1400, tunnel: vxlan },
  { name: 'two', alias: '', mtu: 1480, tunnel: ipip },
];
/** Of `listedLinks`. */
const HIGHEST = 62;

function setUp() {
  const netlink = fakeNetlink();
  const kernel = new Rtnetlink({ open: netlink.open });
  const receive = (...bytes: readonly Uint8Array[]) => {
    for (const one of bytes) netlink.opened[0]!.received(one);
  };
  /** The links that are there, with the number of the dump that asks for them. */
  const tellLinks = async () => {
    const { sequence } = netlink.sent[0]![0]!;
    for (const hex of Object.values(listedLinks)) {
      const bytes = bytesOf(hex);
      new DataView(bytes.buffer).setUint32(8, sequence, true);
      receive(bytes);
    }
    receive(answer({ type: MessageType.done, sequence }));
    await turn();
  };
  return { ...netlink, kernel, receive, tellLinks };
}

test('links are made and noted in one datagram, under indexes that nobody has', async t => {
  const { kernel, sent, receive, tellLinks } = setUp();
  const made = kernel.createLinks(links);
  await tellLinks();
  t.is(sent.length, 2);
  const datagram = sent[1]!;
  t.deepEqual(
    datagram.map(({ type, flags }) => [type, flags & ~Flag.ack]),
    [Flag.create | Flag.exclusive, 0, Flag.create | Flag.exclusive, 0].map(flags => [
      MessageType.newLink,
      flags | Flag.request,
    ]),
  );
  t.deepEqual(
    datagram.map(({ flags }) => (flags & Flag.ack) !== 0),
    [false, false, false, true],
  );
  const [first, note, second, secondNote] = datagram.map(parseLink);
  t.like(first, { name: 'one', mtu: 1400, alias: 'first', tunnel: vxlan });
  t.like(second, { name: 'two', mtu: 1480, alias: '', tunnel: ipip });
  t.like(note, { ifindex: first!.ifindex, name: '', alias: 'first', kind: 'vxlan' });
  t.like(secondNote, { ifindex: second!.ifindex, name: '', alias: '', tunnel: ipip });
  t.true(first!.ifindex > HIGHEST && second!.ifindex > first!.ifindex);
  receive(answer(error(datagram[3]!.sequence, 0)));
  t.is((await made).size, 0);
});

test('of a link that cannot be made the first refusal is the reason; a note that is refused is one too', async t => {
  const { kernel, sent, receive, tellLinks } = setUp();
  const made = kernel.createLinks(links);
  await tellLinks();
  const [first, note, , secondNote] = sent[1]!.map(({ sequence }) => sequence);
  receive(answer(error(first!, 17), error(note!, 19), error(secondNote!, 12)));
  t.deepEqual(
    [...(await made)].map(([place, { errno }]) => [place, errno]),
    [
      [0, 17],
      [1, 12],
    ],
  );
});

test('a tunnel’s parameters are changed by a message of their own, before the rest', async t => {
  const { kernel, sent, receive } = setUp();
  const changed = kernel.changeLinks([
    { ifindex: 7, mtu: 1300, tunnel: vxlan },
    { ifindex: 8, up: true },
  ]);
  const datagram = sent[0]!;
  t.deepEqual(
    datagram.map(parseLink).map(({ ifindex, mtu, kind, up }) => [ifindex, mtu, kind, up]),
    [
      [7, 0, 'vxlan', false],
      [7, 1300, '', false],
      [8, 0, '', true],
    ],
  );
  receive(answer(error(datagram[1]!.sequence, 22), error(datagram[2]!.sequence, 0)));
  t.deepEqual(
    [...(await changed)].map(([place, { errno }]) => [place, errno]),
    [[0, 22]],
  );
});

test('to make or change nothing nothing is asked', async t => {
  const { kernel, sent } = setUp();
  t.is((await kernel.createLinks([])).size, 0);
  t.is((await kernel.changeLinks([])).size, 0);
  t.is(sent.length, 0);
});

test('an address that is none fails the call, and nothing is sent', async t => {
  const { kernel, sent } = setUp();
  await t.throwsAsync(
    kernel.changeLinks([
      { ifindex: 7, up: true },
      { ifindex: 7, linkLayerAddress: 'me' },
    ]),
    {
      instanceOf: RangeError,
    },
  );
  t.is(sent.length, 0);
});

test('free indexes are positive, each another, and nobody’s, also at the end of the range', t => {
  const index = fc.oneof(
    fc.integer({ min: 1, max: 0x7fffffff }),
    fc.integer({ min: 0x7fffffff - 20, max: 0x7fffffff }),
    fc.integer({ min: 1, max: 20 }),
  );
  fc.assert(
    fc.property(
      fc.array(index),
      fc.nat(50),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (taken, count, random) => {
        const free = freeIfindexes(taken, count, () => random);
        t.is(new Set([...free, ...taken]).size, count + new Set(taken).size);
        t.true(free.every(one => one > 0 && one <= 0x7fffffff && Number.isInteger(one)));
      },
    ),
  );
});
