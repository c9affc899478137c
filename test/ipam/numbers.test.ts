/** The arithmetic of addresses, blocks and names, held against slow and obvious twins. */
import test from 'ava';
import fc from 'fast-check';
import { addressFromBytes, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixesOverlap, prefixOf } from '../../core/prefix.js';
import type { BlockAffinityResource } from '../../core/resources/resource.js';
import { resourceNamePattern } from '../../core/resources/resource.js';
import { addressNumber, addressOf, joined, rangeOf } from '../../ipam/address-numbers.js';
import { Affinities } from '../../ipam/affinities.js';
import { newBlock, withAllocations, withReleased } from '../../ipam/block.js';
import { freeBlocks, hostOrder } from '../../ipam/block-order.js';
import { freeAddresses } from '../../ipam/free-addresses.js';
import { affinityName, blockName, handleName, tunnelHandle, tunnelNode } from '../../ipam/names.js';
import { block as affinityOf, cidr } from '../agent/documents.js';
import { address } from './hosts.js';

const anyAddress = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map(bytes => addressFromBytes('ipv4', bytes)),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => addressFromBytes('ipv6', bytes)),
);

test('an address is its number', t => {
  fc.assert(
    fc.property(anyAddress, each => {
      const family = each.includes(':') ? 'ipv6' : 'ipv4';
      return addressOf(family, addressNumber(each)) === each;
    }),
  );
  t.is(addressNumber(address('10.0.0.1')), 0x0a000001n);
});

const inPool = (bits: number, length: number) =>
  fc.nat(2 ** bits - 1).map(host => prefixOf(addressOf('ipv4', 0x0af40000n + BigInt(host)), length));

test('a walk over the blocks of a pool meets each free one once, whichever host walks', t => {
  const pool = cidr('10.244.0.0/22');
  const taken = fc.array(
    fc.integer({ min: 20, max: 30 }).chain(length => inPool(11, length)),
    { maxLength: 6 },
  );
  let walks = 0;
  fc.assert(
    fc.property(taken, fc.string({ minLength: 1 }), (blocks, host) => {
      const slow = Array.from({ length: 16 }, (_, i) =>
        prefixOf(addressOf('ipv4', 0x0af40000n + BigInt(64 * i)), 26),
      ).filter(each => !blocks.some(block => prefixesOverlap(block, each)));
      const walked = [...freeBlocks(pool, 26, host, blocks)];
      t.deepEqual([...walked].sort(), [...slow].sort());
      t.deepEqual([...freeBlocks(pool, 26, host, blocks)], walked);
      walks++;
    }),
  );
  t.true(walks >= 100);
});

test('hosts begin at different blocks, also in a pool that no number counts', t => {
  const first = (pool: string, size: number) =>
    Array.from(
      { length: 100 },
      (_, i) => freeBlocks(cidr(pool), size, `host-${i}`, []).next().value as Prefix,
    );
  t.true(new Set(first('10.0.0.0/8', 26)).size > 95);
  const wide = first('fd00::/16', 122);
  t.is(new Set(wide).size, 100);
  t.true(wide.every(each => each.startsWith('fd00:') && each.endsWith('/122')));
  const upper = freeBlocks(cidr('fd00::/64'), 122, 'a', [cidr('fd00::/65')]);
  for (let i = 0; i < 10; i++) t.regex(upper.next().value as string, /^fd00::[89a-f]/);
  const order = hostOrder(['x', 'y', 'z', 'u', 'v'], 'a', each => each);
  t.deepEqual([...order].sort(), ['u', 'v', 'x', 'y', 'z']);
});

type Step = { readonly give: number } | { readonly back: number } | { readonly wait: number };

/** A list of addresses that never were, and one of those that were. */
class SlowBlock {
  readonly fresh: IpAddress[];
  readonly released: { readonly address: IpAddress; readonly at: number }[] = [];
  readonly used: IpAddress[] = [];

  constructor(prefix: Prefix, excluded: (each: IpAddress) => boolean) {
    const { first, last } = rangeOf(prefix);
    const all = Array.from({ length: Number(last - first) + 1 }, (_, i) =>
      addressOf('ipv4', first + BigInt(i)),
    );
    this.fresh = all.filter(each => !excluded(each));
  }

  take(now: number, cooldown: number): IpAddress | undefined {
    const cool = this.released.findIndex(({ at }) => now - at >= cooldown);
    const taken = this.fresh.shift() ?? (cool < 0 ? undefined : this.released.splice(cool, 1)[0]?.address);
    if (taken !== undefined) this.used.push(taken);
    return taken;
  }

  giveBack(i: number, now: number): IpAddress | undefined {
    const [gone] = this.used.splice(i % Math.max(1, this.used.length), 1);
    if (gone !== undefined) this.released.push({ address: gone, at: now });
    return gone;
  }
}

test('addresses come as from two lists: fresh ones, then the longest released that has cooled down', t => {
  const prefix = cidr('10.244.0.0/28');
  const steps = fc.array(
    fc.oneof(
      fc.record({ give: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ back: fc.nat(20) }),
      fc.record({ wait: fc.integer({ min: 1, max: 50 }) }),
    ),
    { minLength: 5, maxLength: 60 },
  );
  let given = 0;
  fc.assert(
    fc.property(steps, fc.integer({ min: 28, max: 31 }), fc.nat(40), (all: Step[], length, cooldown) => {
      const reserved = prefixOf(address('10.244.0.4'), length);
      const isUsed = (each: IpAddress) => each === '10.244.0.9';
      const slow = new SlowBlock(prefix, each => prefixContainsAddress(reserved, each) || isUsed(each));
      let block = newBlock(prefix);
      let now = 1000;
      for (const step of all) {
        if ('wait' in step) now += step.wait;
        else if ('back' in step) {
          const gone = slow.giveBack(step.back, now);
          block = withReleased(block, each => each.address === gone, now);
        } else {
          const rules = {
            nowUnixMs: now,
            cooldownMs: cooldown,
            excluded: joined([rangeOf(reserved)]),
            isUsed,
          };
          const free = freeAddresses(block, step.give, rules);
          const wanted = Array.from({ length: step.give }, () => slow.take(now, cooldown)).filter(
            each => each !== undefined,
          );
          t.deepEqual(free, wanted);
          const before = block.sequence;
          block = withAllocations(block, free, { handle: 'h', node: 'a', attributes: {} }, now);
          t.true(block.sequence >= before + free.length);
          given += free.length;
        }
      }
      const sequences = block.allocations.map(({ sequence }) => sequence);
      t.is(new Set(sequences).size, sequences.length);
    }),
  );
  t.true(given > 500);
});

test('names are Calico’s, and such that a store takes', t => {
  t.is(blockName(cidr('10.244.0.0/26')), '10-244-0-0-26');
  t.is(affinityName('host-a', cidr('10.244.0.0/26')), 'host-a-10-244-0-0-26');
  t.is(blockName(cidr('fd00:10:244::/122')), 'fd00-10-244---122');
  t.is(blockName(cidr('::/120')), '0---120');
  t.is(handleName('k8s-pod-network.abc123'), 'k8s-pod-network.abc123');
  t.is(tunnelNode(tunnelHandle('host.a')), 'host.a');
  t.is(tunnelNode('tunne'), undefined);
  const seen = new Map<string, string>();
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('A', 'a', '-a', 'a-', ''),
  );
  fc.assert(
    fc.property(text, handle => {
      const name = handleName(handle);
      t.regex(name, resourceNamePattern);
      t.true(name.length <= 253);
      const other = seen.get(name);
      t.true(other === undefined || other === handle);
      seen.set(name, handle);
    }),
  );
  const long = affinityName('h'.repeat(250), cidr('10.244.0.0/26'));
  t.true(long.length <= 253 && long !== affinityName('h'.repeat(250), cidr('10.244.0.64/26')));
});

test('blocks that overlap are found as by looking at each', t => {
  const prefix = fc.integer({ min: 20, max: 30 }).chain(length => inPool(12, length));
  const change = fc.record({ name: fc.integer({ min: 0, max: 9 }), to: fc.option(prefix) });
  let found = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), prefix, (changes, asked) => {
      const [fast, slow] = [new Affinities(), new Map<string, BlockAffinityResource>()];
      for (const { name, to } of changes) {
        const made = to === null ? undefined : affinityOf(`h${name % 3}`, to);
        fast.set(`n${name}`, made);
        if (made === undefined) slow.delete(`n${name}`);
        else slow.set(`n${name}`, made);
      }
      const all = [...slow.values()].map(({ spec }) => spec);
      const wanted = all
        .map(({ cidr: other }) => other)
        .filter(other => other !== asked && prefixesOverlap(other, asked));
      const overlapping = fast.overlapping(asked);
      t.deepEqual([...overlapping].sort(), [...new Set(wanted)].sort());
      t.deepEqual(fast.of('h1').length, all.filter(({ node }) => node === 'h1').length);
      t.is(fast.all.length, all.length);
      found += overlapping.length;
    }),
  );
  t.true(found > 50);
});
