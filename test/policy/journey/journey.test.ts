/** Packets from end to end by documents alone: who the ends are, on which hosts they are judged, and what makes no sense. */
import test from 'ava';
import type { Resource } from '../../../core/resources/resource.js';
import { check, type Expectation } from '../../../policy/journey/expectations.js';
import { findParty } from '../../../policy/journey/party.js';
import { World } from '../../../policy/journey/world.js';
import { globalPolicy, hostEndpoint, workload } from '../calculate/documents.js';
import { net } from '../host-policies.js';

const open = { profiles: ['projectcalico-default-allow'] };
const on = (node: string, ...addresses: readonly string[]) => ({
  ...open,
  node,
  ipNetworks: addresses.map(net),
});

const documents: readonly Resource[] = [
  workload('web', { app: 'web' }, on('host-a', '10.0.0.1/32', 'fd00::1/128')),
  workload('cache', { app: 'cache' }, on('host-a', '10.0.0.2/32')),
  workload('db', { app: 'db' }, on('host-b', '10.0.0.3/32', 'fd00::3/128')),
  workload('six', { app: 'six' }, on('host-b', 'fd00::6/128')),
];

function judged(expected: Partial<Expectation>, ...more: readonly Resource[]) {
  const whole = { from: 'red/web', to: 'red/db', verdict: 'allow', ...expected } as Expectation;
  return check(
    new World([...documents, ...more]),
    'icmp' in expected || 'port' in expected ? whole : { ...whole, port: '80/tcp' },
  );
}

const hostsOf = (result: ReturnType<typeof check>) =>
  result.kind === 'senseless' ? result.problem : result.journey.legs.map(({ host }) => host);

test('a workload is found by its namespace and name, by its name alone, and by its address', t => {
  const world = new World(documents);
  for (const text of ['red/web', 'web', '10.0.0.1', 'fd00::1']) {
    const party = findParty(world, text);
    t.is(party.kind === 'workload' && party.workload.name, 'web', text);
  }
  t.deepEqual(findParty(world, '192.0.2.9'), { kind: 'address', address: '192.0.2.9' as never });
});

test('who is nobody, and who is several, is said', t => {
  const other = workload('web', {}, on('host-c', '10.0.0.9/32'));
  const world = new World([...documents, { ...other, metadata: { ...other.metadata, namespace: 'blue' } }]);
  const problem = (text: string) => {
    const party = findParty(world, text);
    return party.kind === 'problem' ? party.problem : party.kind;
  };
  t.regex(
    problem('web'),
    /^"web" is the name of several workloads: .*red\/web.*blue\/web|blue\/web.*red\/web/,
  );
  t.regex(
    problem('red/webb'),
    /^"red\/webb" is neither an address nor a workload .* of the 5 that there are$/,
  );
  t.is(problem('red/web'), 'workload');
});

test('a packet is judged once where both ends are on one host, twice where they are not', t => {
  t.deepEqual(hostsOf(judged({ to: 'red/cache' })), ['host-a']);
  t.deepEqual(hostsOf(judged({})), ['host-a', 'host-b']);
  t.deepEqual(hostsOf(judged({ to: '192.0.2.9' })), ['host-a']);
  t.deepEqual(hostsOf(judged({ from: '192.0.2.9' })), ['host-b']);
});

test('after the host that denies there is none', t => {
  const closed = (selector: string, type: 'Ingress' | 'Egress') =>
    globalPolicy('closed', { selector, types: [type] });
  const left = judged({}, closed("app == 'web'", 'Egress'));
  t.is(left.kind, 'missed');
  t.deepEqual(hostsOf(left), ['host-a']);
  const arrived = judged({ verdict: 'deny' }, closed("app == 'db'", 'Ingress'));
  t.is(arrived.kind, 'met');
  t.deepEqual(hostsOf(arrived), ['host-a', 'host-b']);
});

test('a host endpoint of the host it comes to has its say', t => {
  const more = [
    hostEndpoint('uplink', { node: 'host-b', interfaceName: 'eth0' }),
    globalPolicy('no-forward', { selector: '!has(app)', applyOnForward: true, types: ['Ingress'] }),
  ];
  t.is(judged({ verdict: 'deny' }, ...more).kind, 'met');
  t.is(judged({ to: 'red/cache' }, ...more).kind, 'met');
});

test('the family is one that both ends have, and that of the protocol', t => {
  const packetOf = (expected: Partial<Expectation>) => {
    const result = judged(expected);
    return result.kind === 'senseless' ? result.problem : result.journey.packet;
  };
  t.like(packetOf({}), { source: '10.0.0.1', destination: '10.0.0.3', protocol: 6, destinationPort: 80 });
  t.like(packetOf({ to: 'red/six', port: '53/udp' }), {
    source: 'fd00::1',
    destination: 'fd00::6',
    protocol: 17,
  });
  t.like(packetOf({ icmp: '8' }), { source: '10.0.0.1', protocol: 1, icmp: { type: 8, code: 0 } });
  t.like(packetOf({ icmp: '128' }), { source: 'fd00::1', protocol: 58, icmp: { type: 128, code: 0 } });
  t.like(packetOf({ icmp: '3/4', to: 'fd00::3' }), { protocol: 58, icmp: { type: 3, code: 4 } });
  t.like(packetOf({ icmp: '1/4', to: 'red/six' }), { protocol: 58, icmp: { type: 1, code: 4 } });
  t.is(packetOf({ from: 'red/cache', to: 'red/six' }), 'red/cache and red/six have no address of one family');
});

test('an address is what was written: a workload named by its IPv6 address gets IPv6', t => {
  const result = judged({ from: 'fd00::1', to: 'red/db' });
  t.like(result.kind === 'senseless' ? {} : result.journey.packet, { source: 'fd00::1' });
});

test('what no host of ours sees cannot be judged', t => {
  t.is(
    hostsOf(judged({ from: '192.0.2.9', to: '192.0.2.10' })),
    'neither end is an endpoint: no host of ours sees the packet',
  );
});
