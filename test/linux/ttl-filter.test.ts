/** The program is run by a small interpreter of classic BPF, and judged by the rules read the slow way. */
import test from 'ava';
import fc from 'fast-check';
import { addressToBytes, type IpAddress, ipv4FromNumber } from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import type { FilterInstruction } from '../../linux/libc.js';
import { type TtlRule, ttlFilter } from '../../linux/ttl-filter.js';

const SKF_NET_OFF = 0xfff00000;

function passes(program: readonly FilterInstruction[], packet: Uint8Array): boolean {
  const view = new DataView(packet.buffer);
  let accumulator = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const [code, jt, jf, k] = program[pc]!;
    if (code === 0x20) accumulator = view.getUint32(k - SKF_NET_OFF);
    else if (code === 0x30) accumulator = view.getUint8(k - SKF_NET_OFF);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x15) pc += accumulator === k ? jt : jf;
    else if (code === 0x35) pc += accumulator >= k ? jt : jf;
    else if (code === 0x05) pc += k;
    else if (code === 0x06) return k > 0;
    else throw new Error(`code ${code}`);
  }
  throw new Error('the program runs past its end');
}

function packetFrom(source: IpAddress, ttl: number): Uint8Array {
  const address = addressToBytes(source);
  const packet = new Uint8Array(40);
  packet[address.length === 4 ? 8 : 7] = ttl;
  packet.set(address, address.length === 4 ? 12 : 8);
  return packet;
}

function expected(rules: readonly TtlRule[], source: IpAddress, ttl: number): boolean {
  const [rule] = rules
    .filter(({ prefix }) => prefixContainsAddress(prefix, source))
    .sort((a, b) => prefixLength(b.prefix) - prefixLength(a.prefix));
  return ttl >= (rule?.minimumTtl ?? 0);
}

/** Few enough for rules and senders to meet. */
const addresses = {
  ipv4: fc.integer({ min: 0, max: 15 }).map(n => ipv4FromNumber(0x0a000000 + n * 0x01010101)),
  ipv6: fc.integer({ min: 0, max: 15 }).map(n => `fd00:${n >> 2}::${(n & 3) + 1}` as IpAddress),
};
const lengths = { ipv4: [0, 8, 12, 16, 24, 31, 32], ipv6: [0, 16, 31, 32, 33, 64, 127, 128] };

for (const family of ['ipv4', 'ipv6'] as const) {
  test(`${family}: whoever is inside the longest prefix is judged by its rule, others pass`, t => {
    const rule = fc.record({
      prefix: fc
        .tuple(addresses[family], fc.constantFrom(...lengths[family]))
        .map(([address, length]): Prefix => prefixOf(address, length)),
      minimumTtl: fc.option(fc.constantFrom(1, 2, 254, 255), { nil: undefined }),
    });
    const rules = fc.uniqueArray(rule, { selector: ({ prefix }) => prefix, maxLength: 8 });
    const verdicts = new Set<boolean>();
    fc.assert(
      fc.property(rules, addresses[family], fc.constantFrom(1, 2, 64, 253, 254, 255), (list, source, ttl) => {
        const verdict = passes(ttlFilter(list), packetFrom(source, ttl));
        verdicts.add(verdict);
        return verdict === expected(list, source, ttl);
      }),
      { numRuns: 2000 },
    );
    t.is(verdicts.size, 2);
  });
}

test('a thousand hosts fit into what the kernel takes', t => {
  const rules = Array.from({ length: 1000 }, (_, i) => ({
    prefix: `10.0.${i >> 8}.${i & 255}/32` as Prefix,
    minimumTtl: 255,
  }));
  t.true(ttlFilter(rules).length <= 4096);
});
