/**
 * Classic BPF programs for a UDP socket that must know how far its datagrams came. Pure.
 *
 * Node reads datagrams, not what the kernel says beside them. The filter sees the IP header and says it with the length: a datagram
 * whose TTL (IPv6: Hop Limit) is another is cut to a single octet, which nobody sends in earnest.
 */
import { addressToBytes, type IpAddress } from '../core/ip-address.js';
import type { FilterInstruction } from './libc.js';

export interface HopLimitFilter {
  readonly family: 'ipv4' | 'ipv6';
  /** What is let through whole; undefined: any. */
  readonly hopLimit: number | undefined;
  /** Everybody else's datagrams, and those that would be cut, are dropped at once. Undefined: nobody's. */
  readonly senders: readonly IpAddress[] | undefined;
}

/** linux/filter.h: offsets from here on are relative to the IP header. */
const SKF_NET_OFF = 0xfff0_0000;
/** BPF_LD | BPF_B or BPF_W | BPF_ABS; BPF_JMP | BPF_JEQ | BPF_K; BPF_RET | BPF_K. */
const [LOAD_OCTET, LOAD_WORD, JUMP_IF_EQUAL, RETURN] = [0x30, 0x20, 0x15, 0x06];
const WHOLE = 0xffff;
const UDP_HEADER = 8;
const MOST_INSTRUCTIONS = 4096;

const header = {
  ipv4: { hopLimit: 8, source: 12, words: 1 },
  ipv6: { hopLimit: 7, source: 8, words: 4 },
} as const;

/** Where there are more senders than a program can hold (2046 of IPv4, 454 of IPv6), all senders are let through. */
export function hopLimitFilter({ family, hopLimit, senders }: HopLimitFilter): readonly FilterInstruction[] {
  const { hopLimit: at, source, words } = header[family];
  const program: FilterInstruction[] = [];
  if (hopLimit !== undefined) {
    program.push([LOAD_OCTET, 0, 0, SKF_NET_OFF + at]);
    program.push([JUMP_IF_EQUAL, 1, 0, hopLimit]);
    program.push([RETURN, 0, 0, senders === undefined ? UDP_HEADER + 1 : 0]);
  }
  const tests = (senders ?? []).flatMap(sender => senderTest(sender, source, words));
  if (senders === undefined || program.length + tests.length >= MOST_INSTRUCTIONS)
    return [...program, [RETURN, 0, 0, WHOLE]];
  return [...program, ...tests, [RETURN, 0, 0, 0]];
}

/** Lets the datagrams of one sender through; for others the program goes on behind it. */
function senderTest(sender: IpAddress, source: number, words: number): FilterInstruction[] {
  const address = new DataView(addressToBytes(sender).buffer);
  const test: FilterInstruction[] = [];
  for (let word = 0; word < words; word++) {
    test.push([LOAD_WORD, 0, 0, SKF_NET_OFF + source + 4 * word]);
    test.push([JUMP_IF_EQUAL, 0, 2 * (words - 1 - word) + 1, address.getUint32(4 * word)]);
  }
  test.push([RETURN, 0, 0, WHOLE]);
  return test;
}

/** Nothing comes in. */
export const closedFilter: readonly FilterInstruction[] = [[RETURN, 0, 0, 0]];
