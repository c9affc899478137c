import test from 'ava';
import { gist, hostReport, reportDocument } from '../../../agent/report/node-report.js';
import { readReport } from '../../../agent/report/read-report.js';
import type { NodeReportResource } from '../../../core/resources/cluster-documents.js';
import { parseResource } from '../../../core/resources/parse.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { agentStatus, NOW, peerStatus } from '../control/fake-backend.js';

const peer = (i: number, fields: Parameters<typeof peerStatus>[0] | object = {}) =>
  peerStatus({
    key: `Mesh_10_1_${i >> 8}_${i & 255}`,
    address: `10.1.${i >> 8}.${i & 255}`,
    name: `host${i}`,
    state: 'Established',
    ...fields,
  });

function report(
  peers: Parameters<typeof hostReport>[0]['peers'],
  fields: Parameters<typeof agentStatus>[0] = {},
) {
  const established = peers.filter(({ state }) => state === 'Established').length;
  const status = agentStatus({ peers: { total: peers.length, established }, ...fields });
  return hostReport({ status, peers, instance: 'i', silent: undefined, more: {} });
}

test('what is down stands first, and a thousand sessions are counted', t => {
  const peers = Array.from({ length: 1000 }, (_, i) => peer(i, i % 50 === 49 ? { state: 'Active' } : {}));
  const said = report(peers);
  t.is(said.sessions.length + said.sessionsLeftOut, 1000);
  t.true(said.sessions.slice(0, 20).every(({ state }) => state === 'Active'));
  t.is(said.sessions.filter(({ state }) => state === 'Active').length, 20);
  t.is(said.established, 980);
});

test('it stays small whatever there is to say', t => {
  const long = 'x'.repeat(10_000);
  const peers = Array.from({ length: 1000 }, (_, i) => peer(i, { state: 'Idle', info: long }));
  const conditions = Array.from({ length: 500 }, () => ({
    severity: 'error' as const,
    message: long,
    objects: [],
  }));
  const said = report(peers, { conditions });
  const bytes = JSON.stringify(reportDocument('a', said, NOW)).length;
  t.log(`${bytes} bytes at the most, ${JSON.stringify(report([peer(1), peer(2)])).length} with two sessions`);
  t.true(bytes < 64 * 1024);
  t.is(said.conditionsLeftOut, 490);
});

test('as a document it is written and read back as it was said', t => {
  const said = report([peer(1), peer(2, { state: 'Active', info: 'refused' })]);
  const parsed = parseResource(JSON.parse(JSON.stringify(serialiseResource(reportDocument('a', said, NOW)))));
  t.is(parsed.kind, 'ok');
  if (parsed.kind !== 'ok') return;
  t.deepEqual(readReport((parsed.resource as NodeReportResource).spec), said);
});

test('one of another version is read as far as it is understood', t => {
  const said = readReport({
    ...{ reportedUnixMs: 1, version: '9.9', sessions: [{ name: 'b', state: 'Established', more: 1 }] },
    ...{ conditions: 'none', kernel: 7, news: true },
  });
  t.like(said, { version: '9.9', conditions: [], established: 0, kernel: { programmed: 0 }, news: true });
  t.like(said.sessions[0], { name: 'b', state: 'Established', received: 0 });
});

test('counters alone are no news', t => {
  const [before, after] = [1, 500].map(received =>
    report([peer(1, { routes: { received, accepted: received, advertised: received, stale: 0 } })], {
      dataplane: { ...agentStatus().dataplane, programmed: received },
    }),
  );
  t.not(JSON.stringify(before), JSON.stringify(after));
  t.is(gist(before!), gist(after!));
  t.not(gist(before!), gist(report([peer(1, { state: 'Idle' })])));
});
