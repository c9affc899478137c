/**
 * The demo's story of three hosts with a store of files: they exchange their pod CIDRs over BGP; then a policy guards a pod, one agent is
 * killed, comes back, the pools are tunnelled, and a CIDR is withdrawn.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Pod, within } from './host-lab.js';
import type { Host, Lab } from './lab.js';
import { patience } from './patience.js';
import { check, say, show } from './telling.js';

export async function story(lab: Lab): Promise<void> {
  for (const host of lab.hosts) lab.startAgent(host);
  say('an agent on each: waiting for sessions and routes');
  check('every host has a session and a route to every other', await within(20_000, () => lab.converged()));
  const [a, b, c] = lab.hosts as [Host, Host, Host];
  say(`bgpctl peers, on ${a.name}:`);
  show(lab.bgpctl(a, 'peers').output);
  for (const host of lab.hosts) {
    say(`routes of ${host.name}:`);
    show(lab.routes(host));
    show(ownIpv6Routes(lab, host));
  }
  await pingMatrix(lab);
  await guarded(lab);
  await killAndReturn(lab, b);
  await tunnelled(lab);
  await ipv6Tunnelled(lab);
  await withdraw(lab, c);
}

async function pingMatrix(lab: Lab): Promise<void> {
  say('pings between all pods, by IPv4 and by IPv6:');
  const { pods } = lab;
  const width = Math.max(...pods.map(pod => pod.name.length));
  let reached = 0;
  show(`${''.padEnd(width)}  ${pods.map(pod => pod.address.padEnd(11)).join(' ')}`);
  for (const from of pods) {
    const ask = (family: 'ipv4' | 'ipv6') => Promise.all(pods.map(to => lab.reaches(from, to, family)));
    const [ipv4, ipv6] = [await ask('ipv4'), await ask('ipv6')];
    reached += [...ipv4, ...ipv6].filter(Boolean).length;
    const word = (ok: boolean | undefined) => (ok === true ? 'ok' : 'FAIL');
    const cells = ipv4.map((ok, i) => `${word(ok)} ${word(ipv6[i])}`.padEnd(11));
    show(`${from.name.padEnd(width)}  ${cells.join(' ')}`);
  }
  const all = 2 * pods.length ** 2;
  check(`${reached} of ${all} pings came back`, reached === all);
}

/** By a policy of Calico's, on another host than those who are kept out. */
async function guarded(lab: Lab): Promise<void> {
  const [a, b, c] = lab.hosts as [Host, Host, Host];
  const [friend, other, to] = [a.pods[0]!, b.pods[0]!, c.pods[1]!];
  say(`a NetworkPolicy lets ${friend.name} alone reach ${to.name}`);
  await lab.allowOnly(to, friend);
  const families = ['ipv4', 'ipv6'] as const;
  const reached = (from: Pod) => Promise.all(families.map(family => lab.reaches(from, to, family)));
  const isShut = async () => (await reached(other)).every(ok => !ok);
  check(`${other.name} does not reach it any more`, await within(10_000, isShut));
  check(`${friend.name} does`, (await reached(friend)).every(Boolean));
  say(`bgpctl explain, on ${c.name}:`);
  show(lab.bgpctl(c, 'explain', `default/${other.name}`, `default/${to.name}`).output);
  lab.bgpctl(c, 'delete', 'NetworkPolicy', `default/only-${friend.name}`);
  const isOpen = async () => (await reached(other)).every(Boolean);
  check('without the policy it is reached again', await within(10_000, isOpen));
}

async function killAndReturn(lab: Lab, victim: Host): Promise<void> {
  const [observer] = lab.hosts as [Host];
  say(`pings every ${10 * patience} ms between all hosts; kill -9 of the agent on ${victim.name}`);
  const before = lab.routes(victim) + ownIpv6Routes(lab, victim);
  const pings = lab.pingAll(0.01);
  await sleep(500);
  await lab.endAgent(victim, 'SIGKILL');
  await within(5000, async () => (await sessionTo(lab, observer, victim))?.state !== 'Established');
  const peer = await sessionTo(lab, observer, victim);
  const deadline = peer?.staleDeadlineUnixMs;
  const left = deadline === undefined ? 0 : Math.round((deadline - Date.now()) / 1000);
  check(
    `${observer.name} keeps its routes as stale (${peer?.routes.stale ?? 0}); they would go in ${left} s`,
    left > 0,
  );
  await sleep(2000);
  say('the agent is started again');
  lab.startAgent(victim);
  check('it is back, and in sync', await within(20_000, () => lab.converged()));
  check(
    'its kernel routes are what they were',
    sorted(lab.routes(victim) + ownIpv6Routes(lab, victim)) === sorted(before),
  );
  await within(5000, async () => (await sessionTo(lab, observer, victim))?.routes.stale === 0);
  await sleep(500);
  const { sent, received } = await pings.stop();
  check(`${received} of ${sent} pings came back`, sent > 0 && received === sent);
}

/** By IPIP where this kernel has it, and back; where it has not, the agent says why. */
async function tunnelled(lab: Lab): Promise<void> {
  const [observer] = lab.hosts as [Host];
  const tunnel = async () => (await lab.status(observer))?.tunnels.find(one => one.tunnel === 'ipip');
  say('the pool is set to IPIP under way: bgpctl apply, ipipMode: Always');
  await lab.setPool({ ipipMode: 'Always' });
  await within(10_000, async () => (await tunnel()) !== undefined);
  const found = await tunnel();
  if (found?.state === 'unavailable') {
    say(`IPIP cannot be shown here: ${found.detail}`);
  } else {
    const pings = lab.pingAll(0.01);
    const moved = await within(20_000, () => lab.everyRouteBy('margay.ipip'));
    check('every host sends to every other by IPIP', moved);
    show(lab.routes(observer));
    await sleep(500);
    const { sent, received } = await pings.stop();
    check(`${received} of ${sent} pings came back over the change`, sent > 0 && received === sent);
  }
  await lab.setPool({ ipipMode: 'Never' });
  check('every host sends plainly again', await within(20_000, () => lab.everyRouteBy('eth0')));
}

/** The pool of IPv6 alone, by VXLAN and back. */
async function ipv6Tunnelled(lab: Lab): Promise<void> {
  say('the pool of IPv6 is set to VXLAN under way: vxlanMode: Always');
  const pings = lab.pingAll(0.01);
  await lab.setIpv6Pool({ vxlanMode: 'Always' });
  const moved = await within(20_000, () => lab.everyRouteBy('margay.vxlan-v6', 'ipv6'));
  check('every host sends to every other by VXLAN over IPv6', moved);
  await sleep(500);
  await lab.setIpv6Pool({});
  check('every host sends plainly again', await within(20_000, () => lab.everyRouteBy('eth0', 'ipv6')));
  const { sent, received } = await pings.stop();
  check(`${received} of ${sent} pings came back over both changes`, sent > 0 && received === sent);
}

function ownIpv6Routes(lab: Lab, host: Host): string {
  return lab
    .routes(host, 'ipv6')
    .split('\n')
    .filter(line => line.includes(' proto 157 '))
    .join('\n');
}

async function withdraw(lab: Lab, host: Host): Promise<void> {
  const others = lab.hosts.filter(one => one !== host);
  say(`${host.name} gives its pod CIDR up: bgpctl delete BlockAffinity ${host.name}`);
  const { status, output } = lab.bgpctl(host, 'delete', 'BlockAffinity', host.name);
  if (status !== 0) show(output);
  const started = performance.now();
  const gone = await within(10_000, () => others.every(other => !lab.routes(other).includes(host.block)));
  const took = Math.round(performance.now() - started);
  check(`the others have no route to ${host.block} any more (after ${took} ms)`, gone);
}

async function sessionTo(lab: Lab, observer: Host, host: Host) {
  return (await lab.peers(observer)).find(peer => peer.address === host.address);
}

function sorted(text: string): string {
  return text.split('\n').sort().join('\n');
}
