import test from 'ava';
import fc from 'fast-check';
import {
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  endpointText,
  type IpAddress,
  type Ipv4Address,
  ipv4FromNumber,
  ipv4ToNumber,
  isLinkLocal,
  parseIpAddress,
  parseIpv4,
  parseIpv6,
  withoutZone,
  zonedAddress,
  zoneOf,
} from '../../core/ip-address.js';

test('IPv4 is four decimal octets without leading zeros, and nothing else', t => {
  for (const good of ['0.0.0.0', '10.0.0.1', '255.255.255.255', '192.168.0.10'])
    t.is<unknown, unknown>(parseIpv4(good), good);
  for (const bad of [
    '',
    '10',
    '10.0.0',
    '10.0.0.0.1',
    '010.0.0.1',
    '10.0.0.256',
    '10.0.0.1 ',
    ' 10.0.0.1',
    '1e1.0.0.1',
    '0x0a.0.0.1',
    '10.0.0.-1',
    '10..0.1',
  ]) {
    t.is(parseIpv4(bad), undefined, bad);
  }
});

test('IPv6 text becomes its RFC 5952 form', t => {
  const forms: [string, string][] = [
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    // section 4.2.2: one zero group is not shortened; 4.2.3: the longest run is, and the first of equals
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80::', 'fe80::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ];
  for (const [text, canonical] of forms) t.is<unknown, unknown>(parseIpv6(text), canonical, text);
  for (const bad of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '::10.0.0',
    '1.2.3.4::',
    '::010.0.0.1',
  ]) {
    t.is(parseIpv6(bad), undefined, bad);
  }
});

test('every IPv4 number survives text and bytes', t => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), value => {
      const text = ipv4FromNumber(value);
      return (
        ipv4ToNumber(text) === value &&
        addressFromBytes('ipv4', addressToBytes(text)) === text &&
        ipv4FromNumber(value | 0) === text
      );
    }),
  );
  t.pass();
});

test('every IPv6 address survives text and bytes', t => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 16, maxLength: 16 }), octets => {
      const bytes = Uint8Array.from(octets);
      const text = addressFromBytes('ipv6', bytes);
      return parseIpAddress(text) === text && Buffer.compare(addressToBytes(text), bytes) === 0;
    }),
  );
  t.pass();
});

test('addresses order as numbers, IPv4 first', t => {
  const ordered = ['9.0.0.1', '10.0.0.1', '10.0.0.10', '200.0.0.1', '::1', '2001:db8::1'] as IpAddress[];
  t.deepEqual([...ordered].reverse().sort(compareAddresses), ordered);
  t.is(compareAddresses('10.0.0.1' as Ipv4Address, '10.0.0.1' as Ipv4Address), 0);
});

test('a link-local address stands with its interface as one text, and comes apart again', t => {
  const address = parseIpAddress('fe80::1') as IpAddress;
  const zoned = zonedAddress(address, 'eth0.5');
  t.is<string, string>(zoned, 'fe80::1%eth0.5');
  t.is(zoneOf(zoned), 'eth0.5');
  t.is(withoutZone(zoned), address);
  t.is(zoneOf(address), undefined);
  t.is(withoutZone(address), address);
  t.deepEqual(addressToBytes(zoned), addressToBytes(address));
  t.true(isLinkLocal(zoned));
  for (const text of ['fe80::', 'fe90::1', 'febf::1']) t.true(isLinkLocal(text as IpAddress), text);
  for (const text of ['fec0::1', 'fd00::fe80', '::', '254.128.0.1'])
    t.false(isLinkLocal(text as IpAddress), text);
});

test('an IPv6 address stands in brackets before its port', t => {
  t.is(endpointText({ address: '10.0.0.1', port: 179 }), '10.0.0.1:179');
  t.is(endpointText({ address: '::', port: 179 }), '[::]:179');
});
