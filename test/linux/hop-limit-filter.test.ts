import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import { addressToBytes } from '../../core/ip-address.js';
import { hopLimitFilter } from '../../linux/hop-limit-filter.js';
import type { FilterInstruction } from '../../linux/libc.js';

/** What the kernel makes of a program: how much of the datagram is left, with its UDP header. The header is the IP one. */
function run(program: readonly FilterInstruction[], header: Uint8Array): number {
  const NETWORK = 0xfff0_0000;
  const view = new DataView(header.buffer);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [code, ifTrue, ifFalse, k] = program[at]!;
    if (code === 0x30) accumulator = view.getUint8(k - NETWORK);
    else if (code === 0x20) accumulator = view.getUint32(k - NETWORK);
    else if (code === 0x15) at += accumulator === k ? ifTrue : ifFalse;
    else return k;
  }
}

function header(source: IpAddress, hopLimit: number): Uint8Array {
  const address = addressToBytes(source);
  const bytes = new Uint8Array(address.length === 4 ? 20 : 40);
  bytes[address.length === 4 ? 8 : 7] = hopLimit;
  bytes.set(address, address.length === 4 ? 12 : 8);
  return bytes;
}

const [WHOLE, ONE_OCTET, DROPPED] = [0xffff, 9, 0];

const addresses = (...words: readonly string[]) => words as readonly IpAddress[];

for (const [family, peers, [stranger]] of [
  ['ipv4', addresses('10.0.0.1', '10.0.0.2'), addresses('10.0.0.3')],
  ['ipv6', addresses('fe80::1', '2001:db8::2'), addresses('2001:db8::3')],
] as const) {
  test(`${family}: a wrong TTL leaves one octet`, t => {
    const program = hopLimitFilter({ family, hopLimit: 255, senders: undefined });
    t.is(run(program, header(stranger!, 255)), WHOLE);
    t.is(run(program, header(stranger!, 254)), ONE_OCTET);
  });

  test(`${family}: nothing is asked where any TTL will do`, t => {
    const program = hopLimitFilter({ family, hopLimit: undefined, senders: undefined });
    t.is(run(program, header(stranger!, 3)), WHOLE);
  });

  test(`${family}: behind the shield only the peers get through, and with the right TTL only`, t => {
    const program = hopLimitFilter({ family, hopLimit: 255, senders: peers });
    for (const peer of peers) {
      t.is(run(program, header(peer, 255)), WHOLE);
      t.is(run(program, header(peer, 64)), DROPPED);
    }
    t.is(run(program, header(stranger!, 255)), DROPPED);
  });

  test(`${family}: more peers than a program can hold open the shield again`, t => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      family === 'ipv4' ? `10.1.${i >> 8}.${i & 255}` : `2001:db8::${i.toString(16)}`,
    ) as IpAddress[];
    const program = hopLimitFilter({ family, hopLimit: 255, senders: many });
    t.true(program.length < 4096);
    t.is(run(program, header(stranger!, 255)), WHOLE);
    t.is(run(program, header(stranger!, 254)), DROPPED);
  });
}
