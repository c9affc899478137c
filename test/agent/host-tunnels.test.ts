import test from 'ava';
import { Cluster } from '../../agent/cluster.js';
import { HostTunnels } from '../../agent/host-tunnels.js';
import type { UdpDataPath } from '../../agent/udp-data-path.js';
import { FakeClock } from '../../bgp/testing/index.js';
import { TunnelUse } from '../../ipip/tunnel-use.js';
import { MemoryStore } from '../../store/memory-store.js';

const STOPPED = 'margay-udp does not run';

/** Of a host whose UDP device is there. */
function hostTunnels(udpProblem: string | undefined): HostTunnels {
  const gracefulRestart = {
    restartTimeSeconds: 120,
    staleTimeSeconds: 120,
    selectionDeferralSeconds: 120,
    forwardingPreserved: [],
  };
  const tunnels = new HostTunnels({
    nodeName: 'a',
    version: '1',
    clock: new FakeClock(),
    store: new MemoryStore([]),
    withheld: () => false,
    cluster: new Cluster({ nodeName: 'a', gracefulRestart, restarting: false }),
    guards: undefined,
    udp: { problem: udpProblem, looked: async () => {} } as UdpDataPath,
    externalNodes: [],
    recalculate: () => {},
    statusProblem: () => {},
  });
  tunnels.kernelChanged({
    tunnels: () => [{ tunnel: 'udp', state: 'open', device: 'margay.udp', mtu: 1472, detail: '' }],
    tunnelUse: new TunnelUse(),
    underlayMtu: 1500,
  });
  return tunnels;
}

test('a UDP device whose data path does not run is unavailable, and its own host says so', t => {
  const stopped = hostTunnels(STOPPED);
  t.like(stopped.views()[0], { state: 'unavailable', detail: STOPPED });
  const [condition] = stopped.conditions();
  t.is(condition?.severity, 'error');
  t.true(condition?.message.includes(STOPPED));
  const running = hostTunnels(undefined);
  t.is(running.views()[0]?.state, 'open');
  t.deepEqual(running.conditions(), []);
});
