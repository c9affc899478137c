/** `bgpctl check tunnels` through IPIP, where the kernel has it. */
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { logTail } from '../../demo/host-lab.js';
import { makeNamespace } from '../support/network-namespace.js';
import { skip } from '../support/skip.js';
import { tellFaultsApart } from '../support/tunnel-faults.js';
import { newTunnelLab, takes } from '../support/tunnel-lab.js';

test('IPIP: protocol 4 filtered, a missing way back, a dead host and an MTU black hole are told apart', async t => {
  t.timeout(600_000);
  const { name } = makeNamespace(t);
  const probe = spawnSync('ip', ['-n', name, 'link', 'add', 'probe', 'type', 'ipip', 'local', '192.0.2.1'], {
    encoding: 'utf8',
  });
  if (probe.status !== 0) return skip(t, `this kernel makes no IPIP device: ${probe.stderr.trim()}`);
  const lab = await newTunnelLab(t, 'ipip');
  t.true(await takes(lab, 'ipip', 'Always', 120_000), logTail(lab.hosts[0]!));
  await tellFaultsApart(t, lab, 'ipip');
});
