import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { writeAddress } from '../../../linux/netlink/address.js';
import {
  type FdbEntry,
  parseFdbEntry,
  permanentFdbState,
  writeFdbDump,
  writeFdbEntry,
} from '../../../linux/netlink/bridge-fdb.js';
import { MessageType, NeighbourState } from '../../../linux/netlink/constants.js';
import { writeLinkDeletion } from '../../../linux/netlink/link.js';
import {
  linkLayerAddressFromBytes,
  linkLayerAddressToBytes,
} from '../../../linux/netlink/link-layer-address.js';
import { type MessageWriter, messages } from '../../../linux/netlink/message.js';
import { parseChanges } from '../../../linux/netlink/monitor.js';
import { writeNeighbour } from '../../../linux/netlink/neighbour.js';
import { bytesOf } from './captured.js';
import { additions, deletions, listedFdb } from './captured-tunnels.js';
import { attributes, header, only, written } from './message-parts.js';

const address = (text: string) => text as Ipv4Address;

const fdbEntry: FdbEntry = {
  ifindex: 50,
  linkLayerAddress: '66:00:00:00:00:01',
  destination: address('10.0.0.9'),
  state: permanentFdbState,
};
const sixEntry: FdbEntry = {
  ifindex: 53,
  linkLayerAddress: '66:00:00:00:00:02',
  destination: 'fd00::9' as FdbEntry['destination'],
  state: 2,
};
const neighbour = {
  ifindex: 50,
  address: address('10.9.0.2'),
  linkLayerAddress: '66:00:00:00:00:01',
  state: 0x80,
};

test('what a tunnel device is given and relieved of has the octets that `ip` and `bridge` send', t => {
  const { newNeighbour, delNeighbour, delLink, delAddress } = MessageType;
  const own = { ifindex: 50, address: neighbour.address, prefixLength: 32, scope: 0, flags: 0 };
  const cases: readonly (readonly [string, number, number, (writer: MessageWriter) => void])[] = [
    [Object.values(additions)[0]!, newNeighbour, 12, writer => writeNeighbour(writer, neighbour)],
    [Object.values(additions)[1]!, newNeighbour, 12, writer => writeFdbEntry(writer, fdbEntry)],
    [Object.values(additions)[2]!, newNeighbour, 12, writer => writeFdbEntry(writer, sixEntry)],
    [Object.values(deletions)[0]!, delLink, 16, writer => writeLinkDeletion(writer, 50)],
    [
      Object.values(deletions)[1]!,
      delAddress,
      8,
      writer => writeAddress(writer, { ...own, address: address('10.9.0.1') }),
    ],
    [
      Object.values(deletions)[2]!,
      delNeighbour,
      12,
      writer => writeNeighbour(writer, { ...neighbour, linkLayerAddress: '' }),
    ],
    [Object.values(deletions)[3]!, delNeighbour, 12, writer => writeFdbEntry(writer, fdbEntry)],
  ];
  t.is(cases.length, Object.keys(additions).length + Object.keys(deletions).length);
  for (const [captured, type, headerLength, write] of cases) {
    const [ours, theirs] = [written(type, write), only(bytesOf(captured))];
    t.is(ours.type, theirs.type);
    t.is(header(ours, headerLength), header(theirs, headerLength));
    t.deepEqual(attributes(ours, headerLength), attributes(theirs, headerLength));
  }
});

test('of all forwarding databases the entries of tunnel devices are read, and nothing else', t => {
  const found = [...messages(bytesOf(listedFdb))];
  t.is(found.length, 7);
  t.deepEqual(
    found.map(parseFdbEntry).filter(entry => entry !== undefined),
    [
      { ...fdbEntry, linkLayerAddress: '00:00:00:00:00:00', destination: address('10.0.0.8') },
      fdbEntry,
      sixEntry,
    ],
  );
  const master = written(MessageType.newNeighbour, writer => writeFdbEntry(writer, fdbEntry));
  t.deepEqual(parseFdbEntry(master), fdbEntry);
  master.bytes[master.start + 10] = 0x04;
  t.is(parseFdbEntry(master), undefined, 'an entry of the bridge that the device is a port of');
  const asked = written(MessageType.getNeighbour, writeFdbDump);
  t.is(header(asked, 12), '070000000000000000000000');
  t.is(asked.end - asked.start, 12);
});

test('of changes of neighbours and forwarding databases the permanent ones are told, and what goes', t => {
  const told = (type: number, write: (writer: MessageWriter) => void) => {
    const { bytes } = written(type, write);
    return parseChanges(bytes).map(change => [change.kind, 'gone' in change && change.gone]);
  };
  const { newNeighbour, delNeighbour } = MessageType;
  const reachable = { ...neighbour, state: NeighbourState.reachable };
  t.deepEqual(
    told(newNeighbour, writer => writeNeighbour(writer, neighbour)),
    [['neighbour', false]],
  );
  t.deepEqual(
    told(newNeighbour, writer => writeNeighbour(writer, reachable)),
    [],
  );
  t.deepEqual(
    told(delNeighbour, writer => writeNeighbour(writer, reachable)),
    [['neighbour', true]],
  );
  t.deepEqual(
    told(delNeighbour, writer => writeFdbEntry(writer, fdbEntry)),
    [['fdb', true]],
  );
  t.deepEqual(
    told(delNeighbour, writer => writeFdbEntry(writer, sixEntry)),
    [],
  );
  const listing = parseChanges(bytesOf(listedFdb));
  t.deepEqual(
    listing.map(change => change.kind === 'fdb' && change.entry.destination),
    [address('10.0.0.8'), address('10.0.0.9')],
  );
});

test('a link-layer address is six octets, nothing else', t => {
  t.deepEqual(linkLayerAddressToBytes('02:0a:FF:00:00:01'), Uint8Array.of(2, 10, 255, 0, 0, 1));
  for (const wrong of ['', '02:00:00:00:00', '02:00:00:00:00:1', '02-00-00-00-00-01', '02:00:00:00:00:0g']) {
    t.throws(() => linkLayerAddressToBytes(wrong), { instanceOf: RangeError }, wrong);
  }
  t.is(linkLayerAddressFromBytes(Uint8Array.of(10, 0, 0, 1), 0, 4), '');
});
