/** The demo. Ends with 0 only if everything is as it should be. */
import { ClusterLab } from './cluster-lab.js';
import { clusterStory } from './cluster-story.js';
import { type LabHost, logTail } from './host-lab.js';
import { Lab } from './lab.js';
import { story } from './story.js';
import { failed, failureCount, say, show } from './telling.js';

const keep = process.argv.includes('--keep');
const runId = process.env.MARGAY_RUN_ID ?? `demo${process.pid.toString(36)}`;

async function main(): Promise<number> {
  return process.argv.includes('--redis')
    ? await tell(clusterLab(), clusterStory)
    : await tell(fileLab(), story);
}

function fileLab(): Lab {
  say('three hosts, two pods each, IPv4 and IPv6, and a switch between them (network namespaces)');
  return new Lab({ runId, hosts: ['host-a', 'host-b', 'host-c'], podsPerHost: 2, dualStack: true });
}

function clusterLab(): ClusterLab {
  say('five hosts and a switch between them (network namespaces)');
  return new ClusterLab({ runId, hosts: 5 });
}

async function tell<L extends Lab | ClusterLab>(lab: L, of: (lab: L) => Promise<void>): Promise<number> {
  await of(lab).catch(failed);
  const failures = failureCount();
  if (failures > 0) for (const host of lab.hosts) show(`log of ${host.name}:\n${logTail(host)}`);
  say(failures === 0 ? 'all is as it should be' : `${failures} checks failed`);
  if (keep) explain(lab);
  else await lab.close();
  return failures === 0 ? 0 : 1;
}

function explain(lab: Lab | ClusterLab): void {
  const hosts: readonly LabHost[] = lab.hosts;
  const [host, other] = hosts as readonly [LabHost, LabHost];
  const inside = `ip netns exec ${host.namespace}`;
  process.stdout.write(`
The hosts are left up. Some things to try:

  bin/bgpctl peers --socket ${host.socket}
  bin/bgpctl routes --why --socket ${host.socket}
  bin/bgpctl status --socket ${host.socket}
  ${inside} ip ${lab instanceof Lab ? '-6 ' : ''}route
  ip netns exec ${host.pods[0]!.namespace} ping ${other.pods[0]!.address}

Their logs and what they keep are in ${lab.directory}. Press Ctrl-C to take everything away.
`);
}

const code = await main();
if (keep) {
  process.exitCode = code;
  await new Promise(() => setInterval(() => {}, 1 << 30));
} else process.exit(code);
