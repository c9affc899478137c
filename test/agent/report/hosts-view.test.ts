import test from 'ava';
import { leaseDocument, nodeLeaseName } from '../../../agent/lease/lease-document.js';
import { hostsView, type SeenHosts } from '../../../agent/report/hosts-view.js';
import { reportDocument } from '../../../agent/report/node-report.js';
import { hostReport } from '../control/fake-backend.js';
import { node } from '../documents.js';

const NOW = 10_000_000;

const lease = (name: string, holder: string, ageMs: number) =>
  leaseDocument(name, {
    ...{ holder, instance: holder, process: holder, term: 1, renewals: 5, durationSeconds: 30 },
    ...{ sinceUnixMs: 0, renewedUnixMs: NOW - ageMs },
  });
const nodeLease = (name: string, ageMs: number) => lease(nodeLeaseName(name), name, ageMs);

function seen(fields: Partial<SeenHosts> = {}): SeenHosts {
  return {
    nowUnixMs: NOW,
    nodes: [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24'), node('by-hand', '10.0.0.3/24')],
    leases: [nodeLease('a', 1000), nodeLease('b', 5000)],
    reports: [reportDocument('b', hostReport(), NOW - 7000)],
    own: reportDocument('a', hostReport(), NOW),
    part: undefined,
    away: undefined,
    ...fields,
  };
}

const lives = (fields: Partial<SeenHosts> = {}) =>
  Object.fromEntries(hostsView(seen(fields)).hosts.map(({ node: name, life }) => [name, life]));

test('every node, and every host with a lease, has its life and the age of its report', t => {
  const view = hostsView(seen({ leases: [...seen().leases, nodeLease('leased-only', 3_600_000)] }));
  t.deepEqual(
    view.hosts.map(host => [host.node, host.life, host.reportAgeMs]),
    [
      ['a', 'alive', 0],
      ['b', 'alive', 7000],
      ['by-hand', 'no-agent', null],
      ['leased-only', 'silent', null],
    ],
  );
  t.deepEqual(view.hosts[1]?.addresses, ['10.0.0.2']);
});

test('a host whose lease is retired was deleted; the one that looks is not', t => {
  const retired = (name: string) => {
    const { metadata, spec } = nodeLease(name, 1000);
    return leaseDocument(metadata.name, { ...spec, retired: true });
  };
  const { hosts } = hostsView(seen({ leases: [retired('a'), retired('b')] }));
  t.deepEqual(
    hosts.map(host => [host.node, host.deleted]),
    [
      ['a', false],
      ['b', true],
      ['by-hand', false],
    ],
  );
});

test('who is silent is the controller’s word while that is fresh, whatever clocks say', t => {
  const word = (nodes: readonly string[], ageMs: number, leftOut = 0, renewals = 5) => ({
    leases: [nodeLease('a', 1000), nodeLease('b', 3_600_000), lease('controller', 'c', 0)],
    reports: [
      reportDocument(
        'c',
        hostReport({
          silent: { hosts: 3, nodes: nodes.map(name => ({ node: name, renewals })), leftOut },
        }),
        NOW - ageMs,
      ),
    ],
  });
  t.is(lives(word([], 5000)).b, 'alive');
  t.is(lives(word(['b'], 5000)).b, 'silent');
  // It has renewed its lease since.
  t.is(lives(word(['b'], 5000, 0, 4)).b, 'alive');
  // The controller's word on itself is none.
  t.is(
    lives({ ...word([], 5000), leases: [lease('node.c', 'c', 600_000), lease('controller', 'c', 0)] }).c,
    'silent',
  );
  // Old, or not whole: then the time in the lease counts.
  t.is(lives(word([], 600_000)).b, 'silent');
  t.is(lives(word([], 5000, 1)).b, 'silent');
});

test('while the store is away nothing is known of others', t => {
  const view = hostsView(seen({ leases: [], reports: [], away: { sinceUnixMs: 1, detail: 'gone' } }));
  t.deepEqual(
    view.hosts.map(host => [host.node, host.life]),
    [
      ['a', 'alive'],
      ['b', 'unknown'],
      ['by-hand', 'unknown'],
    ],
  );
  t.deepEqual(view.storeAway, { sinceUnixMs: 1, detail: 'gone' });
});

test('a clock that is ahead makes no report of the future', t => {
  const reports = [reportDocument('b', hostReport(), NOW + 60_000)];
  t.is(hostsView(seen({ reports })).hosts[1]?.reportAgeMs, 0);
});
