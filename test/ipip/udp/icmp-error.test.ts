import test from 'ava';
import fc from 'fast-check';
import { parseIpv4 } from '../../../core/ip-address.js';
import { type IcmpError, icmpError, mayBeAnswered } from '../../../ipip/udp/icmp-error.js';
import { headerChecksumIsRight, isWhole } from '../../../ipip/udp/inner-packet.js';
import { toHex } from '../../support/hex.js';
import { anyPacket, ICMP, packet, slowChecksum } from './packets.js';

const router = parseIpv4('10.244.1.0')!;

test('a time exceeded, byte for byte', t => {
  const bytes = packet({ ttl: 1 });
  t.is(
    toHex(icmpError({ kind: 'time-exceeded' }, router, bytes, bytes.length)),
    [
      '45c00038 00000000 4001621c 0af40100 0af40102',
      '0b00f4ff 00000000',
      '4500001c 12340000 01118eb2 0af40102 0af40202 00000000 00000000',
    ]
      .join('')
      .replaceAll(' ', ''),
  );
});

for (const [error, type, code, rest] of [
  [{ kind: 'time-exceeded' }, 11, 0, '00000000'],
  [{ kind: 'net-unreachable' }, 3, 0, '00000000'],
  [{ kind: 'host-unreachable' }, 3, 1, '00000000'],
  [{ kind: 'fragmentation-needed', mtu: 1372 }, 3, 4, '0000055c'],
] as const satisfies readonly (readonly [IcmpError, number, number, string])[]) {
  test(`${error.kind} is type ${type}, code ${code}, to the sender, with the packet quoted`, t => {
    fc.assert(
      fc.property(anyPacket, bytes => {
        const answer = icmpError(error, router, bytes, bytes.length);
        t.true(isWhole(answer, answer.length) && headerChecksumIsRight(answer));
        t.is(toHex(answer.subarray(12, 20)), `0af40100${toHex(bytes.subarray(12, 16))}`);
        t.deepEqual([...answer.subarray(20, 22)], [type, code]);
        t.is(toHex(answer.subarray(24, 28)), rest);
        t.is(slowChecksum(answer.subarray(20)), 0);
        t.deepEqual(answer.subarray(28), bytes);
      }),
      { numRuns: 500 },
    );
  });
}

test('an error is never longer than 576 bytes, and quotes nothing beyond the packet', t => {
  const buffer = new Uint8Array(3000).fill(0xee);
  buffer.set(packet({ payload: new Uint8Array(1400) }));
  const answer = icmpError({ kind: 'net-unreachable' }, router, buffer, 1420);
  t.is(answer.length, 576);
  t.true(isWhole(answer, 576));
  const short = packet();
  buffer.set(short);
  t.is(icmpError({ kind: 'net-unreachable' }, router, buffer, short.length).length, 28 + short.length);
});

test('no error is told of errors, later fragments, groups, or to nobody', t => {
  const icmp = (type: number) =>
    packet({ protocol: ICMP, payload: Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0) });
  const answered = (bytes: Uint8Array) => mayBeAnswered(bytes, bytes.length);
  t.true(answered(packet()));
  for (const type of [0, 8, 13, 14, 15, 16, 17, 18]) t.true(answered(icmp(type)), `type ${type}`);
  for (const type of [3, 4, 5, 11, 12, 40, 255]) t.false(answered(icmp(type)), `type ${type}`);
  t.false(answered(packet({ protocol: ICMP, payload: new Uint8Array(0) })));
  t.false(answered(packet({ fragmentOffset: 185 })));
  for (const address of ['0.0.0.0', '127.0.0.1', '224.0.0.5', '255.255.255.255', '240.0.0.1']) {
    t.false(answered(packet({ source: address })), address);
    t.false(answered(packet({ destination: address })), address);
  }
});
