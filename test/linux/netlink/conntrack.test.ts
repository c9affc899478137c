/** Entries of connection tracking as they are on the wire. */
import test from 'ava';
import {
  ConntrackMessage,
  readConntrackEntry,
  writeConntrackDelete,
  writeConntrackDump,
  writeConntrackMark,
} from '../../../linux/netlink/conntrack.js';
import { Flag } from '../../../linux/netlink/constants.js';
import { MessageWriter } from '../../../linux/netlink/message.js';
import { only } from './message-parts.js';

/** In octets, as they are read: a number is one octet. */
const bytes = (...parts: readonly (number | string)[]) =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'hex')])));

/** 10.0.0.1:40000 to 10.0.0.2:80 by TCP. */
const original = bytes(
  '14000180', // CTA_TUPLE_IP
  '080001000a000001', // CTA_IP_V4_SRC
  '080002000a000002',
  '1c000280', // CTA_TUPLE_PROTO
  '0500010006000000', // CTA_PROTO_NUM
  '060002009c400000', // CTA_PROTO_SRC_PORT
  '0600030000500000',
);
const reply = bytes(
  '14000180',
  '080001000a000002',
  '080002000a000001',
  '1c000280',
  '0500010006000000',
  '0600020000500000',
  '060003009c400000',
);
/** fd00::1 to fd00::2, echo request 128, code 3. */
const pinged = bytes(
  '2c000180',
  '14000300fd000000000000000000000000000001',
  '14000400fd000000000000000000000000000002',
  '24000280',
  '050001003a000000',
  '0600070012340000', // CTA_PROTO_ICMPV6_ID
  '0500080080000000', // CTA_PROTO_ICMPV6_TYPE
  '0500090003000000', // CTA_PROTO_ICMPV6_CODE
);

function message(family: number, ...parts: readonly (Uint8Array | string)[]) {
  const writer = new MessageWriter(64).begin(ConntrackMessage.created, Flag.request, 7);
  writer.raw(bytes(family, 0, 0, 0));
  for (const part of parts) writer.raw(typeof part === 'string' ? bytes(part) : part);
  writer.end();
  return only(writer.finish().slice());
}

const entry = (...more: readonly string[]) =>
  readConntrackEntry(message(2, '34000180', original, '34000280', reply, ...more))!;

const payload = (write: (writer: MessageWriter) => void) => {
  const writer = new MessageWriter(16);
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
};

test('an entry has its ways, its mark, and what names it', t => {
  const read = entry('0800080080200001', '08000c00deadbeef', '0600120000050000');
  t.like(read, {
    family: 'ipv4',
    mark: 0x80200001,
    original: {
      source: '10.0.0.1',
      destination: '10.0.0.2',
      protocol: 6,
      sourcePort: 40_000,
      destinationPort: 80,
    },
    reply: { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 80, destinationPort: 40_000 },
  });
  t.deepEqual(read.name, { original, id: bytes('deadbeef'), zone: bytes('0005') });
  t.is(read.original.icmp, undefined);
  t.is(entry().mark, 0, 'the kernel writes none where it is 0');
});

test('of ICMP there are type and code, of both families', t => {
  const six = readConntrackEntry(message(10, '54000180', pinged, '54000280', pinged));
  t.like(six, { family: 'ipv6', original: { protocol: 58, icmp: { type: 128, code: 3 } } });
  const four = bytes(
    ...['14000180', '080001000a000001', '080002000a000002', '24000280', '0500010001000000'],
    ...['0600040012340000', '0500050008000000', '0500060001000000'],
  );
  const read = readConntrackEntry(message(2, '3c000180', four, '3c000280', four));
  t.like(read, { original: { protocol: 1, icmp: { type: 8, code: 1 }, sourcePort: undefined } });
});

test('an entry that is not whole is none', t => {
  t.is(readConntrackEntry(message(2, '34000180', original)), undefined);
  t.is(readConntrackEntry(message(7, '34000180', original, '34000280', reply)), undefined);
});

test('a mark is changed by addresses, zone, bits and mask, in network order', t => {
  const named = entry('08000c00deadbeef', '0600120000050000');
  t.is(
    payload(writer => writeConntrackMark(writer, named, 0x200000, 0x80200000)),
    [
      '02000000',
      '34000180',
      Buffer.from(original).toString('hex'),
      '0600120000050000',
      '0800080000200000', // CTA_MARK
      '0800150080200000', // CTA_MARK_MASK
    ].join(''),
  );
});

test('an entry is deleted by addresses, id and zone', t => {
  t.is(
    payload(writer => writeConntrackDelete(writer, entry('08000c00deadbeef', '0600120000050000'))),
    [
      '02000000',
      '34000180',
      Buffer.from(original).toString('hex'),
      '08000c00deadbeef',
      '0600120000050000',
    ].join(''),
  );
});

test('a dump is of everything, or of entries with all of some bits', t => {
  t.is(
    payload(writer => writeConntrackDump(writer)),
    '00000000',
  );
  t.is(
    payload(writer => writeConntrackDump(writer, 0x200000)),
    '00000000' + '0800080000200000' + '0800150000200000',
  );
});
