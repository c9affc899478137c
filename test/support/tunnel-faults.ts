/**
 * Faults between the hosts of a tunnel lab, one at a time, and what `bgpctl check tunnels` on the first host must say of each. For every
 * tunnel that the kernel at hand has.
 */
import { execFileSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import type { TunnelCheckView } from '../../agent/control/types.js';
import { within } from '../../demo/host-lab.js';
import type { Lab } from '../../demo/lab.js';
import type { TunnelKind } from '../../ipip/desired.js';
import { tunnelOverhead } from '../../ipip/tunnel-intent.js';
import { ip } from './tunnel-lab.js';

/** How iptables calls what carries the tunnel. */
const wires: Readonly<Record<TunnelKind, string>> = {
  ipip: '-p 4',
  vxlan: '-p udp --dport 4789',
  'vxlan-v6': '-p udp --dport 4789',
  udp: '-p udp --dport 8285',
};
/** As large as a bridge lets through at an MTU of 1400: a VLAN tag (4) is its own affair. */
const PATH_MTU = { least: 1400, most: 1404 };

/** What the agent of the first host answers `bgpctl check tunnels`. */
export async function checkTunnels(lab: Lab, node?: string) {
  const views: TunnelCheckView[] = [];
  for await (const view of lab.client(lab.hosts[0]!).checkTunnels(node)) views.push(view);
  return { views, findings: views.map(view => `${view.node} ${view.finding ?? 'fine'}`) };
}

const allFine = ['b fine', 'c fine', 'd fine'];

/** @param lab of {@link newTunnelLab}, in that mode everywhere */
export async function tellFaultsApart(t: ExecutionContext, lab: Lab, mode: TunnelKind): Promise<void> {
  const fullBytes = 1500 - tunnelOverhead[mode];
  const whole = await checkTunnels(lab);
  t.deepEqual(whole.findings, allFine);
  for (const view of whole.views) t.like(view, { mode, full: 'answered', fullBytes, from: '10.244.1.0' });

  await filteredOnTheWayThere(t, lab, mode);
  await filteredOnTheWayBack(t, lab, mode);
  await noRouteBack(t, lab);
  await hostGone(t, lab);
  await blackHole(t, lab, mode);
  await foreignRoute(t, lab);

  t.deepEqual((await checkTunnels(lab)).findings, allFine);
}

function isFine({ findings }: { readonly findings: readonly string[] }): boolean {
  return findings.every(finding => finding.endsWith(' fine'));
}

function filter(lab: Lab, words: string): () => void {
  const run = (flag: string) => {
    const command = `netns exec ${lab.router} iptables-legacy -w ${flag} FORWARD ${words} -j DROP`;
    execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  run('-A');
  return () => run('-D');
}

async function filteredOnTheWayThere(t: ExecutionContext, lab: Lab, mode: TunnelKind): Promise<void> {
  // What the router's own switch carries may be filtered, too (bridge-nf-call-iptables): only what crosses it is meant.
  const undo = filter(lab, `${wires[mode]} -d 10.9.1.0/24`);
  const { views, findings } = await checkTunnels(lab);
  undo();
  t.deepEqual(findings, ['b fine', 'c not-arriving', 'd not-arriving']);
  t.like(views[1], {
    underlay: 'answered',
    outward: 'silent',
    small: 'silent',
    full: 'silent',
    largestBytes: null,
  });
  t.true(
    views[1]!.words.includes(
      mode === 'ipip' ? 'protocol 4' : mode === 'udp' ? 'UDP port 8285' : 'UDP port 4789',
    ),
  );
}

async function filteredOnTheWayBack(t: ExecutionContext, lab: Lab, mode: TunnelKind): Promise<void> {
  const undo = filter(lab, `${wires[mode]} -s ${lab.host('c').address}`);
  const { findings } = await checkTunnels(lab);
  undo();
  t.deepEqual(findings, ['b fine', 'c no-way-back', 'd fine']);
}

async function noRouteBack(t: ExecutionContext, lab: Lab): Promise<void> {
  const { namespace } = lab.host('b');
  ip(namespace, 'route add blackhole 10.244.1.0/32');
  const { views, findings } = await checkTunnels(lab);
  ip(namespace, 'route del blackhole 10.244.1.0/32');
  t.deepEqual(findings, ['b no-way-back', 'c fine', 'd fine']);
  t.like(views[0], { underlay: 'answered', outward: 'answered', small: 'silent' });
  t.true(views[0]!.words.includes('10.244.1.0'));
}

async function hostGone(t: ExecutionContext, lab: Lab): Promise<void> {
  ip(lab.router, 'link set port1 down');
  const { findings } = await checkTunnels(lab, 'b');
  ip(lab.router, 'link set port1 up');
  t.deepEqual(findings, ['b host-silent']);
  t.true(await within(10_000, async () => isFine(await checkTunnels(lab, 'b'))));
}

/** A switch drops what is too large for a port, and says nothing. */
async function blackHole(t: ExecutionContext, lab: Lab, mode: TunnelKind): Promise<void> {
  ip(lab.router, 'link set port1 mtu 1400');
  const { views, findings } = await checkTunnels(lab, 'b');
  ip(lab.router, 'link set port1 mtu 1500');
  t.deepEqual(findings, ['b mtu-black-hole']);
  const [view] = views;
  const largest = view?.largestBytes ?? 0;
  t.true(
    largest >= PATH_MTU.least - tunnelOverhead[mode] && largest <= PATH_MTU.most - tunnelOverhead[mode],
    String(largest),
  );
  t.true((mode === 'udp' || view!.words.includes(`${mode}MTU`)) && view!.words.includes(String(largest)));
}

/** Packets don't take our route at all. */
async function foreignRoute(t: ExecutionContext, lab: Lab): Promise<void> {
  const { namespace } = lab.host('a');
  ip(namespace, 'route add unreachable 10.244.2.0/32');
  // The agent hears of it, and looks at the kernel a moment later.
  const told = await within(5000, async () => (await checkTunnels(lab, 'b')).findings[0] === 'b no-route');
  ip(namespace, 'route del unreachable 10.244.2.0/32');
  t.true(told);
  t.true(await within(5000, async () => isFine(await checkTunnels(lab, 'b'))));
}
