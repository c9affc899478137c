import test from 'ava';
import { firstFreeAddress, vtepMacOf } from '../../../agent/calculators/tunnel-identity.js';
import type { Prefix } from '../../../core/prefix.js';

test('a MAC is the same for the same name, unicast, locally administered, and ten thousand names have as many', t => {
  t.is(vtepMacOf('host-a'), vtepMacOf('host-a'));
  const macs = new Set<string>();
  for (let i = 0; i < 10_000; i++) {
    const mac = vtepMacOf(`host-${i}`);
    t.is(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
    macs.add(mac);
  }
  t.is(macs.size, 10_000);
});

test('the first address that is free', t => {
  const of = (block: string, ...used: string[]) =>
    firstFreeAddress(block as Prefix, new Set(used)) as string | undefined;
  t.is(of('10.244.1.0/24'), '10.244.1.0');
  t.is(of('10.244.1.0/24', '10.244.1.0', '10.244.1.2'), '10.244.1.1');
  t.is(of('10.244.1.4/32', '10.244.1.4'), undefined);
  t.is(of('255.255.255.255/32'), '255.255.255.255');
  t.is(of('fd10::/64'), 'fd10::');
  t.is(of('fd10::ff00/122', 'fd10::ff00', 'fd10::ff01'), 'fd10::ff02');
  t.is(of('fd10::1/128', 'fd10::1'), undefined);
});
