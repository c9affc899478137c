/** `bgpctl check tunnels` between agents on this machine's kernel: VXLAN and plain, real faults, real pings. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { logTail } from '../../../demo/host-lab.js';
import type { Lab } from '../../../demo/lab.js';
import { eventually } from '../../support/eventually.js';
import { checkTunnels, tellFaultsApart } from '../../support/tunnel-faults.js';
import { newTunnelLab, takes } from '../../support/tunnel-lab.js';

const launcher = fileURLToPath(new URL('../../../../bin/bgpctl', import.meta.url));

for (const mode of ['vxlan', 'udp'] as const) {
  test(`${mode}: a filter, a missing way back, a dead host and an MTU black hole are told apart`, async t => {
    t.timeout(180_000);
    const lab = await newTunnelLab(t, mode);
    t.true(await takes(lab, mode), logTail(lab.hosts[0]!));
    await tellFaultsApart(t, lab, mode);
  });
}

test('both modes of a CrossSubnet pool are probed; a hundred dead hosts take seconds, and Ctrl-C ends their pings', async t => {
  t.timeout(180_000);
  const lab = await newTunnelLab(t, 'vxlan', 'CrossSubnet');
  t.true(await takes(lab, 'vxlan', 'CrossSubnet'), logTail(lab.hosts[0]!));
  const { views } = await checkTunnels(lab);
  t.deepEqual(
    views.map(({ node, mode, to, fullBytes }) => [node, mode, to, fullBytes]),
    [
      ['b', 'plain', '10.9.0.2', 1500],
      ['c', 'vxlan', '10.244.3.0', 1450],
      ['d', 'vxlan', '10.244.4.0', 1450],
    ],
  );
  t.is(lab.bgpctl(lab.hosts[0]!, 'check', 'tunnels').status, 0);
  await addDeadHosts(lab, 100);
  t.true(await eventually(async () => (await lab.status(lab.hosts[0]!))!.store.resources > 100, 10_000));
  const began = performance.now();
  const all = await checkTunnels(lab);
  const seconds = (performance.now() - began) / 1000;
  t.log(`100 dead hosts: ${seconds.toFixed(1)} s`);
  t.is(all.findings.filter(finding => finding.endsWith('host-silent')).length, 100);
  t.true(seconds < 30);

  const { socket } = lab.hosts[0]!;
  const child = spawn(process.execPath, [launcher, 'check', 'tunnels', '--socket', socket], {
    stdio: 'ignore',
  });
  const ended = new Promise(resolve => child.on('close', resolve));
  t.true(await eventually(() => pingsOf(lab) > 10));
  child.kill('SIGINT');
  t.is(await ended, 1);
  t.true(await eventually(() => pingsOf(lab) === 0, 1000));
});

async function addDeadHosts(lab: Lab, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, i) => ({
    location: `dead ${i}`,
    document: {
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node',
      metadata: { name: `dead-${i}` },
      spec: { bgp: { ipv4Address: `10.9.0.${100 + i}/24` } },
    },
  }));
  await lab.client(lab.hosts[0]!).apply({ documents });
}

/** That the first host's agent has started. */
function pingsOf(lab: Lab): number {
  const agent = String(lab.agentPid(lab.hosts[0]!));
  return readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && isChild(pid, agent)).length;
}

function isChild(pid: string, parent: string): boolean {
  try {
    const [, name, , ppid] = /^\d+ \((.+)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === 'ping' && ppid === parent;
  } catch {
    return false;
  }
}
