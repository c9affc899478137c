/** What is read off the kernel's links and addresses. */
import test from 'ava';
import { linkLocalsByInterface } from '../../ipip/kernel-facts.js';

const links = [
  { ifindex: 1, name: 'lo' },
  { ifindex: 2, name: 'eth0' },
  { ifindex: 3, name: 'eth1' },
] as never;

function linkLocals(...addresses: readonly (readonly [ifindex: number, address: string, flags?: number])[]) {
  const entries = addresses.map(([ifindex, address, flags = 0x80]) => ({ ifindex, address, flags }));
  return Object.fromEntries(linkLocalsByInterface({ links, addresses: entries as never }));
}

test('an interface has its link-local address, whatever others it has and others have', t => {
  const found = linkLocals(
    [1, '::1'],
    [2, '10.0.0.1'],
    [2, 'fd00::1'],
    [2, 'fe80::1'],
    [3, 'fe80::1'],
    [9, 'fe80::9'],
  );
  t.deepEqual(found, { eth0: 'fe80::1', eth1: 'fe80::1' });
});

test('of several it is always the same, and none that is tentative, deprecated or a duplicate', t => {
  t.deepEqual(linkLocals([2, 'fe80::2'], [2, 'fe80::1']), linkLocals([2, 'fe80::1'], [2, 'fe80::2']));
  for (const flags of [0x40, 0x20, 0x08]) {
    t.deepEqual(linkLocals([2, 'fe80::1', 0x80 | flags]), {}, `${flags}`);
    t.deepEqual(linkLocals([2, 'fe80::1', 0x80 | flags], [2, 'fe80::2']), { eth0: 'fe80::2' });
  }
});
