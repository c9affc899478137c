import test from 'ava';
import { formatPoolHosts, hostReports, tunnelOf, whoReceives } from '../../bgpctl/format/pool-hosts.js';
import { formatResources } from '../../bgpctl/format/resources.js';
import {
  type IPPoolResource,
  MARGAY_API,
  type NodeStatusResource,
  type Resource,
  type TunnelReception,
} from '../../core/resources/resource.js';
import { node, pool } from '../agent/documents.js';

const reason = 'this kernel has no ipip: "modprobe ipip" loads it where it is a module';
const ready: TunnelReception = { tunnel: 'ipip', state: 'Ready' };
const cannot: TunnelReception = { tunnel: 'ipip', state: 'Unavailable', reason };

function status(name: string, ...receives: readonly TunnelReception[]): NodeStatusResource {
  const metadata = { name, labels: {}, annotations: {} };
  return {
    apiVersion: MARGAY_API,
    kind: 'NodeStatus',
    metadata,
    spec: { version: '1', receives, sends: [] },
  };
}

function poolOf(
  spec: Partial<IPPoolResource['spec']>,
  annotations: Record<string, string> = {},
): IPPoolResource {
  const plain = pool('pods', '10.244.0.0/16');
  return { ...plain, metadata: { ...plain.metadata, annotations }, spec: { ...plain.spec, ...spec } };
}

const nodes = ['e', 'a', 'b', 'c', 'd'].map(name => node(name));
const who = (...statuses: readonly Resource[]) => whoReceives('ipip', hostReports([...nodes, ...statuses]));

test('hosts are those that have a Node, in order; a status of nobody does not count', t => {
  const reports = hostReports([...nodes, status('c', ready), status('gone', ready)]);
  t.deepEqual(
    reports.map(({ name, receives }) => [name, receives?.length]),
    [
      ['a', undefined],
      ['b', undefined],
      ['c', 1],
      ['d', undefined],
      ['e', undefined],
    ],
  );
});

test('all are ready, some cannot, some have not said: who, and why in short', t => {
  const all = ['a', 'b', 'c', 'd', 'e'].map(name => status(name, ready));
  t.is(who(...all), 'all 5 hosts ready');
  const some = all.map(one =>
    ['c', 'd'].includes(one.metadata.name) ? status(one.metadata.name, cannot) : one,
  );
  t.is(who(...some), '2 of 5 hosts cannot: c, d (this kernel has no ipip)');
  const other: TunnelReception = { ...cannot, reason: 'tunl0 is in use by another agent' };
  t.is(
    who(
      status('a', ready),
      status('b', other),
      status('c', cannot),
      status('d', { tunnel: 'vxlan', state: 'Ready' }),
    ),
    '2 of 5 hosts cannot: b (tunl0 is in use by another agent), c (this kernel has no ipip); 2 of 5 hosts not reported: d, e',
  );
});

test('of many the first are named and the others counted', t => {
  const many = Array.from({ length: 100 }, (_, i) => node(`n${String(i).padStart(3, '0')}`));
  const text = whoReceives('ipip', hostReports(many));
  t.regex(text, /^100 of 100 hosts not reported: n000, .* and 92 more$/);
});

test('a pool is sent by one tunnel, or plainly', t => {
  t.is(tunnelOf(poolOf({})), undefined);
  t.is(tunnelOf(poolOf({ ipipMode: 'CrossSubnet' })), 'ipip');
  t.is(tunnelOf(poolOf({ vxlanMode: 'Always' })), 'vxlan');
  t.is(tunnelOf(poolOf({}, { 'margay.io/udpMode': 'Always' })), 'udp');
  t.is(whoReceives(undefined, []), '');
});

test('get ippool: hosts after the modes in the wide table, UDP where a pool has it', t => {
  const hosts = hostReports([...nodes, status('a', ready)]);
  const table = (pools: readonly IPPoolResource[], wide: boolean, of: typeof hosts | undefined) =>
    formatResources('IPPool', pools, { width: 80, colour: false, wide, hosts: of }).split('\n');
  const columns = (line: string) => line.split(/ {2,}/);
  const [header, line] = table([poolOf({ ipipMode: 'Always' })], true, hosts);
  t.deepEqual(columns(header!), [
    'NAME',
    'CIDR',
    'NAT',
    'IPIPMODE',
    'VXLANMODE',
    'HOSTS',
    'DISABLED',
    'DISABLEBGPEXPORT',
    'ASSIGNMENTMODE',
    'SELECTOR',
  ]);
  t.is(columns(line!)[5], '4 of 5 hosts not reported: b, c, d, e');
  const udp = [poolOf({}), poolOf({}, { 'margay.io/udpMode': 'CrossSubnet' })];
  const [udpHeader, first, second] = table(udp, true, hosts);
  t.is(columns(udpHeader!)[5], 'UDPMODE');
  t.is(columns(first!)[5], 'Never');
  t.is(columns(second!)[5], 'CrossSubnet');
  t.false(table([poolOf({ ipipMode: 'Always' })], true, undefined)[0]!.includes('HOSTS'));
  t.is(table([poolOf({ ipipMode: 'Always' })], false, undefined)[0], 'NAME  CIDR           SELECTOR');
});

test('describe ippool: host by host, with the reason in full', t => {
  const hosts = hostReports([...nodes.slice(0, 3), status('a', ready), status('b', cannot)]);
  t.is(
    formatPoolHosts('ipip', hosts, { width: 60, colour: false }),
    [
      'HOST  RECEIVES IPIP',
      'a     ready',
      'b     cannot',
      '    this kernel has no ipip: "modprobe ipip" loads it where',
      '    it is a module',
      'e     not reported',
      '',
    ].join('\n'),
  );
});

test('an IPv6 pool has a tunnel of its own, or none', t => {
  const ipv6 = pool('six', 'fd00:10::/48');
  t.is(tunnelOf({ ...ipv6, spec: { ...ipv6.spec, vxlanMode: 'Always' } }), 'vxlan-v6');
  t.is(tunnelOf(ipv6), undefined);
});
