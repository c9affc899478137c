/** Who may send tunnelled packets to a host, with packets that flow: a stranger beside the hosts, and a host that has just come. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { logTail, within } from '../../demo/host-lab.js';
import type { Host, Lab } from '../../demo/lab.js';
import { devices } from '../../demo/mode.js';
import { variants } from '../../ipip/packet-filter.js';
import { dumped } from './tcpdump.js';
import { ip, routeTo } from './tunnel-lab.js';

const ADDRESS = '10.9.0.99';
const SPOOFED = '10.244.99.1';

/**
 * A host that is none of the cluster's sends packets to a pod of the first host, encapsulated as that host receives them: none arrives, and
 * all do once it is among the external nodes.
 */
export async function turnsStrangersAway(
  t: ExecutionContext,
  lab: Lab,
  tunnel: 'ipip' | 'vxlan',
): Promise<void> {
  const [target] = lab.hosts as [Host];
  const stranger = `${lab.router}-stranger`;
  execFileSync('ip', ['netns', 'add', stranger]);
  t.teardown(() => void spawnSync('ip', ['netns', 'delete', stranger]));
  ip(lab.router, `link add stranger type veth peer name eth0 netns ${stranger}`);
  ip(lab.router, 'link set stranger master br0 up');
  for (const line of lines[tunnel](target)) ip(stranger, line);
  t.is(await arrivals(stranger, target), 0);
  const felix = { kind: 'FelixConfiguration', metadata: { name: 'default' } };
  const document = { apiVersion: 'projectcalico.org/v3', ...felix, spec: { externalNodesList: [ADDRESS] } };
  await lab.client(target).apply({ documents: [{ location: 'test', document }] });
  let count = 0;
  t.true(
    await within(10_000, async () => {
      count = await arrivals(stranger, target);
      return count > 0;
    }),
    logTail(target),
  );
  t.log(`none before it was an external node, ${count} of 5 then`);
}

const lines: Readonly<Record<'ipip' | 'vxlan', (target: Host) => readonly string[]>> = {
  ipip: target => [
    ...underlay,
    `link add t0 type ipip local ${ADDRESS} remote ${target.address}`,
    ...overlay('t0'),
    `route add ${target.pods[0]!.address}/32 dev t0`,
  ],
  vxlan: target => {
    const mac = /link\/ether (\S+)/.exec(ip(target.namespace, `-o link show dev ${devices.vxlan}`))![1]!;
    return [
      ...underlay,
      `link add t0 type vxlan id 4096 dstport 4789 local ${ADDRESS} remote ${target.address}`,
      ...overlay('t0'),
      `neigh add ${target.address} lladdr ${mac} dev t0`,
      `route add ${target.pods[0]!.address}/32 via ${target.address} dev t0 onlink`,
    ];
  },
};

const underlay = ['link set lo up', 'link set eth0 up', `address add ${ADDRESS}/24 dev eth0`];
const overlay = (device: string) => [`address add ${SPOOFED}/32 dev ${device}`, `link set ${device} up`];

/** Of five packets, those that the target's pod has seen. */
async function arrivals(stranger: string, target: Host): Promise<number> {
  const [pod] = target.pods;
  const ping = ['ping', '-n', '-q', '-c5', '-i0.05', '-W1', '-I', SPOOFED, pod!.address];
  const lines = await dumped(pod!.namespace, 'eth0', ['src', SPOOFED], async () =>
    spawnSync('ip', ['netns', 'exec', stranger, ...ping]),
  );
  return lines.filter(line => line.includes('echo request')).length;
}

/** A host that nobody knows yet: from its first route on every packet of its is taken by the others. */
export async function takesNewHostAtOnce(t: ExecutionContext, lab: Lab, device: string): Promise<void> {
  const [newcomer] = lab.hosts.slice(-1) as [Host];
  const others = lab.hosts.slice(0, -1);
  await lab.endAgent(newcomer, 'SIGKILL');
  ip(newcomer.namespace, `link del ${device}`);
  const client = lab.client(others[0]!);
  await client.deleteResource({ kind: 'Node', name: newcomer.name });
  await client.deleteResource({ kind: 'NodeStatus', name: newcomer.name });
  const knows = (host: Host) => sets(host).includes(`add margay-hosts ${newcomer.address}`);
  t.true(await within(15_000, () => !others.some(knows)), sets(others[0]!));
  const before = others.map(dropped);
  lab.startAgent(newcomer);
  const first = async (to: Host) => {
    // As soon as there is a way.
    await within(40_000, () => routeTo(lab, newcomer, to).includes(` dev ${device} `));
    const words = ['ping', '-n', '-q', '-c20', '-i0.01', '-W2', to.pods[0]!.address];
    return spawnSync('ip', ['netns', 'exec', newcomer.pods[0]!.namespace, ...words], { encoding: 'utf8' })
      .stdout;
  };
  for (const to of others) t.regex(await first(to), / 20 received/, `to ${to.name}\n${logTail(newcomer)}`);
  t.deepEqual(others.map(dropped), before);
}

function sets(host: Host): string {
  return spawnSync('ip', ['netns', 'exec', host.namespace, 'ipset', 'save'], { encoding: 'utf8' }).stdout;
}

/** Packets that the guard has dropped. */
function dropped(host: Host): number {
  let packets = 0;
  for (const variant of variants) {
    const words = ['netns', 'exec', host.namespace, variant, '-w', '5', '-nvxL', 'margay-input'];
    const { stdout } = spawnSync('ip', words, { encoding: 'utf8' });
    for (const [, count] of stdout.matchAll(/^\s*(\d+)\s+\d+\s+DROP\b/gm)) packets += Number(count);
  }
  return packets;
}
