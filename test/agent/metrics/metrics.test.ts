import test from 'ava';
import type { PeerView } from '../../../agent/control/types.js';
import { metricsOf } from '../../../agent/metrics/metrics.js';
import { metricsText } from '../../../agent/metrics/text.js';
import { agentStatus, bfdSession, NOW, peerStatus } from '../control/fake-backend.js';

const peer = peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2', name: 'b', state: 'Established' });
const labels = 'peer="Mesh_10_0_0_2",address="10.0.0.2",name="b"';

async function lines(...args: Parameters<typeof metricsOf>): Promise<string[]> {
  return (await metricsOf(...args).metrics()).split('\n');
}

test('a peer with its state, routes by kind and traffic by direction', async t => {
  const counters = { ...peer.counters, messagesReceived: 7, bytesSent: 1900 };
  const routes = { received: 5, accepted: 4, advertised: 3, stale: 2 };
  const told = await lines(agentStatus(), [{ ...peer, counters, routes }]);
  for (const expected of [
    `margay_bgp_peer_up{${labels}} 1`,
    `margay_bgp_peer_state{${labels}} 6`,
    `margay_bgp_peer_messages_total{${labels},direction="received"} 7`,
    `margay_bgp_peer_bytes_total{${labels},direction="sent"} 1900`,
    `margay_bgp_peer_routes{${labels},kind="received"} 5`,
    `margay_bgp_peer_routes{${labels},kind="accepted"} 4`,
    `margay_bgp_peer_routes{${labels},kind="advertised"} 3`,
    `margay_bgp_peer_routes{${labels},kind="stale"} 2`,
  ]) {
    t.true(told.includes(expected), expected);
  }
});

test('BFD with a peer, where there is any', async t => {
  const of = async (one: PeerView) =>
    (await lines(agentStatus(), [one])).filter(line => line.startsWith('margay_bgp_peer_bfd_up{'));
  t.deepEqual(await of(peer), []);
  t.deepEqual(await of({ ...peer, bfdSession: bfdSession() }), [`margay_bgp_peer_bfd_up{${labels}} 1`]);
  const down = bfdSession({ state: 'Down', verdict: 'down' });
  t.deepEqual(await of({ ...peer, bfdSession: down }), [`margay_bgp_peer_bfd_up{${labels}} 0`]);
});

test('the last NOTIFICATION each way by its code; none where there was none', async t => {
  const quiet = await lines(agentStatus(), [peer]);
  t.false(quiet.some(line => line.startsWith('margay_bgp_peer_last_notification_time_seconds{')));
  const lastNotificationReceived = { code: 6, subcode: 2, words: '', atUnixMs: NOW };
  const told = await lines(agentStatus(), [{ ...peer, lastNotificationReceived }]);
  const labelled = `{${labels},direction="received",code="6",subcode="2"}`;
  t.true(told.includes(`margay_bgp_peer_last_notification_time_seconds${labelled} ${NOW / 1000}`));
});

test('a second question is answered as the first, and a peer that is gone is gone', async t => {
  t.deepEqual(await lines(agentStatus(), [peer]), await lines(agentStatus(), [peer]));
  t.false((await lines(agentStatus(), [])).some(line => line.includes('10.0.0.2')));
});

test('the agent: kernel routes by state, what is wrong by severity, stations', async t => {
  const status = agentStatus({
    dataplane: {
      ...agentStatus().dataplane,
      programmed: 12,
      refused: [{ object: '10.0.0.0/8', error: 'EEXIST' }],
    },
    conditions: [{ severity: 'error', message: 'x', objects: [] }],
    bmpStations: [
      {
        address: 'fd00::9' as never,
        port: 11019,
        adjRibIn: 'both',
        state: 'in-sync',
        sinceUnixMs: NOW,
        detail: '',
      },
    ],
  });
  const told = await lines(status, []);
  for (const expected of [
    'margay_info{version="0.1.0",node="host1"} 1',
    'margay_kernel_routes{state="programmed"} 12',
    'margay_kernel_routes{state="refused"} 1',
    'margay_conditions{severity="error"} 1',
    'margay_conditions{severity="warning"} 0',
    'margay_bmp_station_in_sync{station="[fd00::9]:11019"} 1',
  ]) {
    t.true(told.includes(expected), expected);
  }
});

test('every metric has a help text and a name with our prefix', async t => {
  const told = await lines(agentStatus(), [peer]);
  const names = told.flatMap(line => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  t.true(names.length > 20, `${names.length} metrics`);
  for (const name of names) {
    t.true(name.startsWith('margay_'), name);
    t.true(
      told.some(line => line.startsWith(`# HELP ${name} `) && line.length > name.length + 10),
      name,
    );
  }
});

test('the CPU time of the process is counted from its start, not from the first question', async t => {
  const before = process.cpuUsage();
  const text = await metricsText(agentStatus(), []);
  const told = Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
  t.true(told >= (before.user + before.system) / 1e6, `${told} s`);
});
