import test from 'ava';
import { readsAs, refuses } from './written.js';

test('a node with everything keeps it', t => {
  readsAs(t, 'Node', {});
  readsAs(t, 'Node', {
    bgp: {
      asNumber: 4200000001,
      ipv4Address: '10.0.0.1/24',
      ipv6Address: '2001:db8::1/64',
      ipv4IPIPTunnelAddr: '10.244.0.1',
      routeReflectorClusterID: '244.0.0.1',
    },
    addresses: [{ address: '10.0.0.1', type: 'InternalIP' }, { address: '192.0.2.1' }],
    ipv4VXLANTunnelAddr: '10.244.0.2',
    vxlanTunnelMACAddr: '66:00:00:00:00:01',
    orchRefs: [{ nodeName: 'a', orchestrator: 'k8s' }],
  });
});

test('AS numbers are read as asplain, asdot and text; absent fields may be null', t => {
  readsAs(t, 'Node', { bgp: { asNumber: '1.10' } }, { bgp: { asNumber: 65546 } });
  readsAs(t, 'Node', { bgp: { asNumber: '64512' } }, { bgp: { asNumber: 64512 } });
  readsAs(
    t,
    'Node',
    { bgp: { asNumber: null, ipv4Address: '10.0.0.1' } },
    { bgp: { ipv4Address: '10.0.0.1' } },
  );
  readsAs(t, 'Node', { bgp: null, addresses: null }, {});
});

test('each wrong value is named with what is allowed', t => {
  const address = 'an IPv4 address with the length of its subnet, such as 10.0.0.1/24';
  const asn = 'an AS number from 1 to 4294967295';
  refuses(t, 'Node', [
    [{ bgp: 'x' }, 'bgp', '"x"', 'a map of fields'],
    [{ bgp: { asNumber: 0 } }, 'bgp.asNumber', '0', asn],
    [{ bgp: { asNumber: 4294967296 } }, 'bgp.asNumber', '4294967296', asn],
    [{ bgp: { asNumber: -1 } }, 'bgp.asNumber', '-1', asn],
    [{ bgp: { asNumber: 'AS1' } }, 'bgp.asNumber', '"AS1"', asn],
    [{ bgp: { asNumber: [1] } }, 'bgp.asNumber', '[1]', asn],
    [{ bgp: { ipv4Address: '10.0.0.1/33' } }, 'bgp.ipv4Address', '"10.0.0.1/33"', address],
    [{ bgp: { ipv4Address: '10.0.0.1/' } }, 'bgp.ipv4Address', '"10.0.0.1/"', address],
    [{ bgp: { ipv4Address: 'host' } }, 'bgp.ipv4Address', '"host"', address],
    [{ bgp: { ipv4Address: 10 } }, 'bgp.ipv4Address', '10', address],
    [{ bgp: { ipv6Address: '2001:db8::1/129' } }, 'bgp.ipv6Address', '"2001:db8::1/129"', /IPv6 address/],
    [
      { bgp: { ipv4IPIPTunnelAddr: '2001:db8::1' } },
      'bgp.ipv4IPIPTunnelAddr',
      '"2001:db8::1"',
      'an IPv4 address',
    ],
    [{ bgp: { routeReflectorClusterID: 1 } }, 'bgp.routeReflectorClusterID', '1', 'an IPv4 address'],
    [{ addresses: {} }, 'addresses', '{}', 'a list'],
    [{ addresses: ['10.0.0.1'] }, 'addresses[0]', '"10.0.0.1"', 'a map of fields'],
    [{ addresses: [{}] }, 'addresses[0].address', 'nothing', 'a text'],
    [{ addresses: [{ address: 'a', type: 'Hostname' }] }, 'addresses[0].type', '"Hostname"', /InternalIP/],
    [{ orchRefs: [{ nodeName: 'a' }] }, 'orchRefs[0].orchestrator', 'nothing', 'a text'],
  ]);
});

test('an IPv6 address does not stand where the IPv4 one belongs, nor the other way about', t => {
  refuses(t, 'Node', [
    [{ bgp: { ipv4Address: '2001:db8::1/64' } }, 'bgp.ipv4Address', '"2001:db8::1/64"', /IPv4/],
    [{ bgp: { ipv6Address: '10.0.0.1/24' } }, 'bgp.ipv6Address', '"10.0.0.1/24"', /IPv6/],
  ]);
});
