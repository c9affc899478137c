import test from 'ava';
import { formatBfd } from '../../bgpctl/format/bfd.js';
import { formatPeer, formatPeers } from '../../bgpctl/format/peers.js';
import { formatResources } from '../../bgpctl/format/resources.js';
import { RouteTable } from '../../bgpctl/format/routes.js';
import { formatStatus, hasFindings } from '../../bgpctl/format/status.js';
import { columnWidths, renderTable } from '../../bgpctl/format/table.js';
import { formatSpan, wrapText } from '../../bgpctl/format/text.js';
import { agentStatus, bfdSession, NOW, peerStatus, routeView } from '../agent/control/fake-backend.js';
import { bgpPeer, block, felixConfiguration, node, pool } from '../agent/documents.js';

const options = { width: 80, colour: false, now: NOW, wide: false };
const widest = (text: string) => Math.max(...text.split('\n').map(line => line.length));

const up = peerStatus({
  key: 'Mesh_10_0_0_2',
  address: '10.0.0.2',
  name: 'host-b',
  state: 'Established',
  routes: { received: 1, accepted: 1, advertised: 2, stale: 0 },
});
const refused = peerStatus({
  key: 'Mesh_192_168_100_103',
  address: '192.168.100.103',
  name: 'worker-with-a-long-name',
  state: 'Active',
  info: 'connection refused',
});
const wrongAs = peerStatus({
  key: 'Global_192_0_2_1',
  address: '192.0.2.1',
  name: 'tor',
  type: 'global',
  asn: 4200000000 as never,
  info: 'peer sent NOTIFICATION 2/2 bad peer AS: expected 64512',
});

test('peers: one line each where everything fits', t => {
  const calm = { ...refused, name: 'host-c', address: '10.0.0.3' as never, info: 'refused' };
  t.is(
    formatPeers([up, calm], options),
    [
      'PEER      NAME    TYPE     AS  STATE        SINCE  RCVD  ACC  ADV  INFO',
      '10.0.0.2  host-b  mesh  64512  Established  1m01s     1    1    2',
      '10.0.0.3  host-c  mesh  64512  Active       1m01s     0    0    0  refused',
      '',
    ].join('\n'),
  );
});

test('peers: what does not fit 80 columns is cut, and INFO goes below its row in full', t => {
  const table = formatPeers([up, refused, wrongAs], options);
  t.is(
    table,
    [
      'PEER             NAME     TYPE            AS  STATE        SINCE  RCVD  ACC  ADV',
      '10.0.0.2         host-b   mesh         64512  Established  1m01s     1    1    2',
      '192.168.100.103  worker…  mesh         64512  Active       1m01s     0    0    0',
      '    connection refused',
      '192.0.2.1        tor      global  4200000000  Idle         1m01s     0    0    0',
      '    peer sent NOTIFICATION 2/2 bad peer AS: expected 64512',
      '',
    ].join('\n'),
  );
  t.is(widest(table), 80);
});

test('peers: wide cuts nothing', t => {
  const table = formatPeers([up, refused], { ...options, wide: true });
  t.true(table.includes('worker-with-a-long-name'));
  t.true(table.includes('ADVERTISED'));
  t.is(table.split('\n').length, 4);
});

const noDiscards = { strangers: 0, wrongTtl: 0, malformed: 0, unseen: 0 };
const lost = bfdSession({
  address: '192.0.2.1' as never,
  state: 'Down',
  verdict: 'down',
  flaps: 2,
  diagnostic: { code: 1, words: 'control detection time expired' },
  transmitIntervalMs: 1000,
  detectionTimeMs: undefined,
  remote: undefined,
  info: 'cannot send: ENETUNREACH',
});

test('bfd: state, negotiated times, flaps and why it was last down; what stands in its way below', t => {
  t.is(
    formatBfd({ sessions: [bfdSession(), lost], discarded: noDiscards }, options),
    [
      'PEER       STATE  SINCE  INTERVAL  DETECT  FLAPS  LAST DOWN',
      '10.0.0.2   Up     1m01s    300 ms  900 ms      0',
      '192.0.2.1  Down   1m01s   1000 ms              2  control detection time expired',
      '    cannot send: ENETUNREACH',
      '',
    ].join('\n'),
  );
});

test('bfd: wide has discriminators and counters; packets of no session are counted below', t => {
  const discarded = { ...noDiscards, strangers: 3, wrongTtl: 1 };
  const text = formatBfd({ sessions: [bfdSession(), lost], discarded }, { ...options, wide: true });
  t.true(text.includes('17 18'));
  t.true(text.includes('17 -'));
  t.true(text.includes('3 from strangers, 1 with a wrong TTL'));
  t.is(formatBfd({ sessions: [], discarded: noDiscards }, options), 'There are no BFD sessions.\n');
});

test('one peer: its BFD session, where it has one', t => {
  const text = formatPeer({ ...up, bfdSession: lost }, { ...options, width: 200 });
  t.true(text.includes('2 flaps, last down: control detection time expired'));
  t.true(text.includes('cannot send: ENETUNREACH'));
  t.true(widest(formatPeer({ ...up, bfdSession: lost }, options)) <= 80);
  t.false(formatPeer(up, options).includes('BFD'));
  t.true(formatPeers([{ ...up, bfdSession: lost }], { ...options, wide: true }).includes('Down'));
});

test('one peer: a fact a line, within the width', t => {
  const text = formatPeer(wrongAs, options);
  t.true(text.startsWith('192.0.2.1:179 (tor)\n'));
  t.true(text.includes('4200000000, ours 64512 (eBGP)'));
  t.true(widest(text) <= 80);
  t.true(formatPeer({ ...up, address: 'fd00::2' as never }, options).startsWith('[fd00::2]:179 (host-b)\n'));
});

test('one peer: a NOTIFICATION has its numbers once', t => {
  const sent = {
    code: 6,
    subcode: 2,
    words: '6/2 administrative shutdown: moving racks',
    atUnixMs: NOW - 5000,
  };
  const text = formatPeer({ ...up, lastNotificationSent: sent }, { ...options, width: 200 });
  t.regex(text, /NOTIFICATION sent +6\/2 administrative shutdown: moving racks, 5s ago\n/);
});

test('a name from the network cannot drive the terminal', t => {
  const evil = { ...up, name: 'a\u001b[2Jb', info: 'x\ny\u0007' };
  for (const text of [formatPeers([evil], options), formatPeer(evil, options)]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
    t.notRegex(text, /[\u0000-\u0009\u000b-\u001f]/);
  }
});

test('colour paints words and leaves widths alone', t => {
  const plain = formatPeers([up, wrongAs], options);
  const painted = formatPeers([up, wrongAs], { ...options, colour: true });
  t.not(painted, plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes
  t.is(painted.replaceAll(/\u001b\[\d+m/g, ''), plain);
});

test('routes: parts of a streamed table stay in line and have one header', t => {
  const table = new RouteTable({ width: 80, colour: false, wide: false, why: false });
  const text =
    table.part([routeView('10.244.100.0/24')]) +
    table.part([routeView('10.2.0.0/16', { best: false, kernel: undefined as never, asPath: '65001' })]);
  t.is(
    text,
    [
      'PREFIX           NEXT HOP  FROM           STATE     PREF  KERNEL      AS PATH',
      '10.244.100.0/24  10.0.0.2  Mesh_10_0_0_2  best       100  programmed',
      '10.2.0.0/16      10.0.0.2  Mesh_10_0_0_2  usable     100              65001',
      '',
    ].join('\n'),
  );
});

test('routes --why: the decision step, and the kernel refusal, below each path', t => {
  const table = new RouteTable({ width: 80, colour: false, wide: false, why: true });
  const text = table.part([
    routeView('10.0.0.0/8', { kernel: { state: 'refused', reason: 'it equals a connected prefix' } }),
    routeView('10.0.0.0/8', { best: false, reason: 'higher-local-pref' }),
    routeView('10.0.0.0/8', { best: false, usable: false, reason: 'next-hop-is-ours' }),
  ]);
  t.deepEqual(
    text.split('\n').filter(line => line.startsWith('    ')),
    [
      '    best: only path',
      '    kernel: refused, it equals a connected prefix',
      '    not best: higher local pref',
      '    unusable: next hop is ours',
    ],
  );
});

test('status: IPv6 endpoints have brackets', t => {
  const calm = agentStatus();
  const listening = [{ address: '::' as never, port: 179 }];
  const text = formatStatus({ ...calm, speaker: { ...calm.speaker, listening } }, options);
  t.true(text.includes('listening on [::]:179'));
});

test('status: monitoring stations, and which routes they are told of', t => {
  const bmpStations = (['pre-policy', 'post-policy', 'both'] as const).map((adjRibIn, i) => ({
    address: '192.0.2.9' as never,
    port: 1 + i,
    adjRibIn,
    state: 'in-sync' as const,
    sinceUnixMs: NOW,
    detail: '',
  }));
  const lines = formatStatus(agentStatus({ bmpStations }), options)
    .split('\n')
    .filter(line => line.includes('192.0.2.9'));
  t.deepEqual(
    lines.map(line => /9:\d(.*) in sync/.exec(line)?.[1]),
    ['', ' after policy', ' before and after policy'],
  );
});

test('status: of a store that is away since when, and what goes on', t => {
  const store = {
    ...agentStatus().store,
    state: 'unavailable' as const,
    detail: 'connection refused',
    sinceUnixMs: NOW - 312_000,
  };
  const text = formatStatus(agentStatus({ store }), { ...options, width: 300 });
  t.true(text.includes('away for 5m12s (connection refused)'));
  t.true(text.includes('sessions and routes go on by the 7 resources that are known'));
});

test('status: a host that announces nothing says so, and why among the conditions', t => {
  const membership = { standing: 'withheld', reason: 'the name is taken', instance: 'x' } as const;
  const status = agentStatus({ membership, controller: null });
  t.true(formatStatus(status, options).includes('Cluster   announces nothing; no controller is known'));
  t.true(hasFindings(status));
});

test('status: calm on one page, findings below it, all within the width', t => {
  const calm = agentStatus();
  t.false(hasFindings(calm));
  t.is(
    formatStatus(calm, options),
    [
      'Node      host1 (10.0.0.1/24, default route on eth0); margay-agent 0.1.0, pid',
      '          4242, up 1h00m',
      'IPv6      fd00::1/64, default route on eth0',
      'Speaker   running, AS 64512, router id 10.0.0.1, listening on 0.0.0.0:179',
      'Peers     2 of 2 established',
      'Store     in sync, 7 resources, /var/lib/margay/store',
      'Cluster   controller: host2, since 2h00m',
      'RIB       in sync',
      'Kernel    2 routes programmed',
      '',
    ].join('\n'),
  );
  const troubled = agentStatus({
    rib: { inSync: false, timedOut: false },
    dataplane: {
      ...calm.dataplane,
      stale: 3,
      staleDeadlineUnixMs: NOW + 93_000,
      refused: [{ object: 'route 10.244.9.0/24', error: 'Nexthop has invalid gateway.' }],
    },
    invalidDocuments: [
      {
        location: 'tor.yaml',
        id: 'BGPPeer/tor',
        inForce: 'last-good',
        problems: [
          { error: 'not allowed', field: 'spec.asNumber', value: 'abc', allowed: '1 to 4294967295' },
          { error: 'spec.node: 3 is not a text', field: 'spec.node', value: '3', allowed: 'a text' },
          { error: 'the document: 42 is not a map', field: '', value: '42', allowed: 'a map' },
        ],
      },
    ],
  });
  t.true(hasFindings(troubled));
  const text = formatStatus(troubled, options);
  t.true(text.includes('Stale     3 routes from before the restart; removed in 1m33s unless confirmed\n'));
  const store = { ...troubled.store, state: 'unavailable' } as const;
  t.regex(formatStatus({ ...troubled, store }, options), /^Stale .*; kept until the store has been read$/m);
  t.true(text.includes('  route 10.244.9.0/24: Nexthop has invalid gateway.\n'));
  t.true(text.includes('    spec.asNumber: not allowed "abc" (allowed: 1 to 4294967295)\n'));
  t.true(text.includes('    spec.node: 3 is not a text\n    the document: 42 is not a map\n'));
  t.true(text.includes('    its last good version stays in force\n'));
  t.true(widest(text) <= 80);
});

test('get: calicoctl columns', t => {
  const plain = { width: 80, colour: false, wide: false };
  t.is(
    formatResources('BGPPeer', [bgpPeer('tor', { peerIP: '192.0.2.1', asNumber: 65001 as never })], plain),
    'NAME  PEERIP     NODE      ASN\ntor   192.0.2.1  (global)  65001\n',
  );
  t.is(formatResources('Node', [node('a', '10.0.0.1/24')], plain), 'NAME\na\n');
  t.is(
    formatResources('Node', [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24', { asNumber: 65001 })], {
      ...plain,
      wide: true,
    }),
    'NAME  ASN      IPV4         IPV6\na     (64512)  10.0.0.1/24\nb     65001    10.0.0.2/24\n',
  );
  t.is(
    formatResources('IPPool', [pool('main', '10.244.0.0/16')], plain),
    'NAME  CIDR           SELECTOR\nmain  10.244.0.0/16  all()\n',
  );
  const felix = [felixConfiguration('default', { ipipMTU: 1440, vxlanVNI: 4097, ipipEnabled: true })];
  t.is(formatResources('FelixConfiguration', felix, plain), 'NAME\ndefault\n');
  t.is(
    formatResources('FelixConfiguration', felix, { ...plain, wide: true }),
    'NAME     IPIPMTU  VXLANMTU  VXLANPORT  VXLANVNI\ndefault  1440                          4097\n',
  );
  t.is(
    formatResources('BlockAffinity', [block('a', '10.244.1.0/26')], plain),
    'NAME             NODE  CIDR           STATE\na-10-244-1-0-26  a     10.244.1.0/26  confirmed\n',
  );
});

test('spans, wrapping, and tables of odd content', t => {
  const spans = [-5, 0, 999, 61_000, 3_600_000, 90_000_000].map(formatSpan);
  t.deepEqual(spans, ['0s', '0s', '0s', '1m01s', '1h00m', '1d1h']);
  t.deepEqual(wrapText('a bb ccc dddd', 5), ['a bb', 'ccc', 'dddd']);
  t.deepEqual(wrapText('', 5), []);
  const columns = [{ header: 'A' }, { header: 'B' }];
  t.is(
    renderTable(columns, [{ cells: ['$&', '$1'], colours: { 0: 'red' } }], { width: 80, colour: false }),
    'A   B\n$&  $1\n',
  );
  t.deepEqual(columnWidths(columns, []), [1, 1]);
});

test('routes --why: the rule of the import policy that decided', t => {
  const table = new RouteTable({ width: 80, colour: false, wide: false, why: true });
  const { kernel: _, ...route } = routeView('10.2.0.0/16', { best: false, usable: false });
  const text = table.part([{ ...route, reason: 'import-policy', policyRule: 'no import policy (RFC 8212)' }]);
  t.deepEqual(text.split('\n').slice(2, 4), [
    '    unusable: import policy',
    '    import: no import policy (RFC 8212)',
  ]);
});
