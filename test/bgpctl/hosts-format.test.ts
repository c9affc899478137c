import test from 'ava';
import type { HostsView } from '../../agent/control/types.js';
import { deletionText } from '../../bgpctl/commands/node.js';
import { allEstablished, formatAllPeers } from '../../bgpctl/format/all-peers.js';
import { formatHosts, formatNodes, hostsHaveFindings } from '../../bgpctl/format/hosts.js';
import { hostReport, hostsView, hostView, NOW, sessionReport } from '../agent/control/fake-backend.js';

const options = { width: 100, colour: false, now: NOW, wide: false };
const widest = (text: string) => Math.max(...text.split('\n').map(line => line.length));
const row = (text: string, node: string) =>
  text
    .split('\n')
    .find(line => line.startsWith(`${node} `))
    ?.split(/ {2,}/);

const down = sessionReport('host4', { state: 'Active', address: '10.0.0.4', info: 'connection refused' });
const troubled: HostsView = hostsView({
  hosts: [
    hostView('host1', { self: true, reportAgeMs: 0 }),
    hostView('host2', {
      report: hostReport({
        sessions: [down, sessionReport('host1')],
        conditions: [{ severity: 'error', message: 'something is wrong' }],
      }),
    }),
    hostView('host3', { life: 'no-agent', report: null, reportAgeMs: null, seenUnixMs: null }),
    hostView('host4', { life: 'silent', reportAgeMs: 312_000, seenUnixMs: NOW - 300_000 }),
    hostView('host5', { report: null, reportAgeMs: null }),
  ],
});

test('a host that was deleted and has not heard of it is no host that fell silent', t => {
  const hosts = [hostView('host1', { life: 'silent', deleted: true, report: null, reportAgeMs: null })];
  const text = formatHosts(hostsView({ hosts }), options);
  t.regex(text, /deleted/);
  t.notRegex(text, /has not renewed/);
});

test('status of all hosts: problems first, with the age of each report, and who is without one', t => {
  const text = formatHosts(troubled, options);
  t.log(`\n${text}`);
  const order = text.split('\n').flatMap(line => /^host\d/.exec(line)?.[0] ?? []);
  t.deepEqual(order, ['host4', 'host2', 'host5', 'host1', 'host3']);
  t.deepEqual(row(text, 'host4')?.slice(1, 4), ['silent', '5m12s', '1/1']);
  t.deepEqual(row(text, 'host2')?.slice(1, 4), ['alive', '4s', '1/2']);
  t.deepEqual(row(text, 'host5'), ['host5', 'alive', 'none']);
  t.deepEqual(row(text, 'host3'), ['host3', 'no agent', 'none']);
  t.true(text.includes('    error: something is wrong\n'));
  t.true(text.startsWith('5 hosts: 3 alive, 1 silent, 1 without an agent; controller: host2\n'));
  t.true(widest(text) <= options.width);
  t.true(hostsHaveFindings(troubled));
  t.false(hostsHaveFindings(hostsView()));
});

test('peers of all hosts: those that are down first, and a line for each host that has said nothing', t => {
  const text = formatAllPeers(troubled, options);
  t.log(`\n${text}`);
  t.deepEqual(row(text, 'host2'), ['host2', '4s', 'host4', '10.0.0.4', '64512', 'Active', '1m01s', '3', '1']);
  t.true(text.includes('    connection refused\n'));
  t.true(text.includes('It is silent; 1 of 1 session was Established when it reported last.'));
  t.true(text.includes('It has not reported yet.'));
  t.true(text.includes('No agent holds its name.'));
  t.false(allEstablished(troubled));
  t.true(allEstablished(hostsView()));
});

test('in a large cluster sessions that are Established are counted, and shown where all are asked for', t => {
  const sessions = [down, ...Array.from({ length: 127 }, (_, i) => sessionReport(`host${i + 10}`))];
  const report = hostReport({ sessions, sessionsLeftOut: 72, established: 199 });
  const view = hostsView({ hosts: [hostView('rr', { report })] });
  const text = formatAllPeers(view, options);
  t.true(text.includes('199 more Established'));
  t.is(text.split('\n').filter(line => line.startsWith('rr ')).length, 2);
  const wide = formatAllPeers(view, { ...options, wide: true });
  t.is(wide.split('\n').filter(line => line.startsWith('rr ')).length, 129);
  t.true(wide.includes('72 more not listed in its report'));
});

test('while the store is away it is said since when, and other hosts are named', t => {
  const away = hostsView({
    storeAway: { sinceUnixMs: NOW - 312_000, detail: 'connection refused' },
    hosts: [
      hostView('host1', { self: true, reportAgeMs: 0 }),
      hostView('host2', { life: 'unknown', report: null, reportAgeMs: null, seenUnixMs: null }),
    ],
  });
  for (const text of [
    formatHosts(away, options),
    formatAllPeers(away, options),
    formatNodes(away, options),
  ]) {
    t.true(text.startsWith('The store has been away for 5m12s: connection refused.'));
    t.true(text.includes('\nhost2 '));
  }
  t.true(hostsHaveFindings(away));
  t.false(allEstablished(away));
});

test('nodes: every host with its last sign of life', t => {
  const text = formatNodes(troubled, options);
  t.log(`\n${text}`);
  t.deepEqual(row(text, 'host4')?.slice(0, 4), ['host4', '10.0.0.1', 'silent', '5m00s']);
  t.deepEqual(row(text, 'host3'), ['host3', '10.0.0.1', 'no agent']);
  t.true(formatNodes(troubled, { ...options, wide: true, width: 200 }).includes('1f0c9d52'));
});

test('a deletion is told kind by kind', t => {
  const deleted = [
    { kind: 'WorkloadEndpoint', count: 2 },
    { kind: 'addresses', count: 1 },
    { kind: 'BlockAffinity', count: 2 },
    { kind: 'NodeStatus', count: 1 },
    { kind: 'Lease', count: 1 },
  ];
  t.is(
    deletionText({ node: 'host3', deleted, remarks: ['Gone.'] }),
    'host3 deleted: 2 WorkloadEndpoints, 1 address, 2 BlockAffinities, 1 NodeStatus, 1 Lease\nGone.\n',
  );
});
