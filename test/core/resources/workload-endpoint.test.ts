import test from 'ava';
import { readsAs, refuses } from './written.js';

const least = { node: 'a', interfaceName: 'cali12ab', ipNetworks: ['10.244.1.2/32'] };

test('an endpoint with everything keeps it', t => {
  readsAs(t, 'WorkloadEndpoint', least);
  readsAs(t, 'WorkloadEndpoint', {
    ...least,
    orchestrator: 'k8s',
    workload: 'web',
    pod: 'web-0',
    containerID: '0123',
    endpoint: 'eth0',
    mac: 'EE:ee:ee:00:11:22',
    profiles: ['kns.default'],
    ports: [
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'sctp', protocol: 132, port: 65535, hostPort: 0 },
    ],
  });
});

test('a bare address is a host route; none at all are an empty list', t => {
  const ipNetworks = ['10.244.1.2', 'fd00::2', '10.1.0.0/24'];
  readsAs(
    t,
    'WorkloadEndpoint',
    { ...least, ipNetworks },
    {
      ...least,
      ipNetworks: ['10.244.1.2/32', 'fd00::2/128', '10.1.0.0/24'],
    },
  );
  readsAs(
    t,
    'WorkloadEndpoint',
    { node: 'a', interfaceName: 'x' },
    { node: 'a', interfaceName: 'x', ipNetworks: [] },
  );
});

test('each wrong value is named with what is allowed', t => {
  const name = 'the name of an interface: 1 to 15 characters, no space, no "/"';
  const network = 'an address such as 10.244.1.2/32';
  const port = (value: object) => ({ ...least, ports: [{ name: 'a', protocol: 'TCP', port: 1, ...value }] });
  refuses(t, 'WorkloadEndpoint', [
    [{ interfaceName: 'x' }, 'node', 'nothing', 'a text'],
    [{ node: 'a' }, 'interfaceName', 'nothing', 'the name of an interface'],
    [{ ...least, interfaceName: '' }, 'interfaceName', '""', name],
    [{ ...least, interfaceName: 'a'.repeat(16) }, 'interfaceName', `"${'a'.repeat(16)}"`, name],
    [{ ...least, interfaceName: '../x' }, 'interfaceName', '"../x"', name],
    [{ ...least, interfaceName: 'a b' }, 'interfaceName', '"a b"', name],
    [{ ...least, ipNetworks: '10.0.0.1' }, 'ipNetworks', '"10.0.0.1"', 'a list'],
    [{ ...least, ipNetworks: ['10.0.0.1/33'] }, 'ipNetworks[0]', '"10.0.0.1/33"', network],
    [{ ...least, ipNetworks: ['10.0.0.1/24'] }, 'ipNetworks[0]', '"10.0.0.1/24"', network],
    [{ ...least, ipNetworks: [7] }, 'ipNetworks[0]', '7', network],
    [{ ...least, mac: 'ee:ee' }, 'mac', '"ee:ee"', /hardware address/],
    [{ ...least, profiles: 'a' }, 'profiles', '"a"', 'a list'],
    [
      port({ protocol: null }),
      'ports[0].protocol',
      'null',
      'a protocol: one of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255',
    ],
    [port({ port: 0 }), 'ports[0].port', '0', /1 to 65535/],
    [port({ hostPort: 65536 }), 'ports[0].hostPort', '65536', /0 to 65535/],
    [{ ...least, serviceAccountName: [] }, 'serviceAccountName', '[]', 'a name'],
  ]);
});
