/** The whole agent as it runs on a host, speaker, reconciler and netlink: for the way from an UPDATE to the kernel. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../../agent/control/client.js';
import { end, launch } from '../daemons/processes.js';
import type { RunningContender, Setup } from './contender.js';

const AGENT_FILE = fileURLToPath(new URL('../../../bin/margay-agent', import.meta.url));
const NODE_NAME = 'bench';
const START_TIMEOUT_MS = 20_000;

export async function startAgent(setup: Setup): Promise<RunningContender> {
  const store = join(setup.directory, 'store');
  const socket = join(setup.directory, 'run', 'control.sock');
  mkdirSync(store, { recursive: true });
  writeFileSync(
    join(store, 'bench.yaml'),
    documents(setup)
      .map(one => JSON.stringify(one))
      .join('\n---\n'),
  );
  const args = [
    AGENT_FILE,
    ...['--node-name', NODE_NAME, '--ipv4-address', `${setup.address}/16`, '--ipv6-address', 'off'],
    ...['--log-level', 'warn'],
    ...['--store-directory', store, '--control-socket', socket, '--state-directory', setup.directory],
    // The others filter nothing.
    ...['--policy', 'off'],
    // Nobody tells End-of-RIB before the measurement begins.
    ...['--stale-time', '1'],
  ];
  const child = launch(setup, { command: process.execPath, args, env: {} }, 'quiet');
  const client = new ControlClient(socket);
  await untilRunning(client);
  return {
    pid: child.pid!,
    countRoutes: async () => (await client.status()).dataplane.programmed,
    profiler: undefined,
    stop: async () => {
      await end(child);
      // An agent that ends leaves its routes in place.
      const flush = ['-n', setup.networkNamespace, 'route', 'flush', 'proto', '157'];
      execFileSync('ip', flush, { stdio: 'ignore' });
    },
  };
}

function documents(setup: Setup): readonly object[] {
  const apiVersion = 'projectcalico.org/v3';
  const configuration = { nodeToNodeMeshEnabled: false, asNumber: setup.asn };
  return [
    { apiVersion, kind: 'BGPConfiguration', metadata: { name: 'default' }, spec: configuration },
    ...setup.peers.map(({ address, asn }, i) => ({
      apiVersion,
      kind: 'BGPPeer',
      metadata: { name: `peer-${i}` },
      spec: { peerIP: address, asNumber: asn },
    })),
  ];
}

async function untilRunning(client: ControlClient): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const status = await client.status().catch(() => undefined);
    if (status?.speaker.state === 'running' && status.rib.inSync) return;
    if (performance.now() > deadline) throw new Error('margay-agent does not come up');
    await sleep(50);
  }
}
