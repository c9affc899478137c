/** What can happen to a host's tunnel behind its agent's back, and how long it takes until everything is what it was. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { logTail, within } from '../../demo/host-lab.js';
import type { Host, Lab } from '../../demo/lab.js';
import { ip, ipBatch } from './tunnel-lab.js';

interface Drift {
  readonly name: string;
  /** Of the host's `device`, which leads to `block` by `gateway`. */
  readonly lines: (of: DriftTarget) => readonly string[];
}

interface DriftTarget {
  readonly device: string;
  readonly address: string;
  readonly block: string;
  readonly gateway: string;
  readonly router: string;
}

const drifts: readonly Drift[] = [
  { name: 'device deleted', lines: ({ device }) => [`link del ${device}`] },
  { name: 'device down', lines: ({ device }) => [`link set ${device} down`] },
  {
    name: 'device renamed',
    lines: ({ device }) => [`link set ${device} down`, `link set ${device} name foo`, 'link set foo up'],
  },
  { name: 'address removed', lines: ({ device, address }) => [`address del ${address}/32 dev ${device}`] },
  { name: 'address added', lines: ({ device }) => [`address add 10.77.0.1/32 dev ${device}`] },
  { name: 'MTU changed', lines: ({ device }) => [`link set ${device} mtu 1300`] },
  { name: 'alias removed', lines: ({ device }) => [`link set ${device} alias none`] },
  { name: 'route deleted', lines: ({ block }) => [`route del ${block} proto 157`] },
  {
    name: 'route replaced',
    lines: ({ block, router }) => [`route replace ${block} via ${router} proto 157 metric 1024`],
  },
  {
    name: 'underlay down and up',
    lines: ({ router }) => ['link set eth0 down', 'link set eth0 up', `route add default via ${router}`],
  },
  {
    name: 'underlay renamed',
    lines: ({ router }) => [
      'link set eth0 down',
      'link set eth0 name eth1',
      'link set eth1 up',
      `route add default via ${router}`,
    ],
  },
];

/**
 * Every drift, one after the other, on one host of a lab whose hosts send by `device`. What is printed is the time from the last of the
 * commands until all that the agent keeps is what it was.
 */
export async function sufferDrifts(t: ExecutionContext, lab: Lab, device: string): Promise<void> {
  const [host, , across] = lab.hosts as [Host, Host, Host];
  const target: DriftTarget = {
    device,
    address: host.block.replace('/24', ''),
    block: across.block,
    gateway: across.address,
    router: `10.9.${host.subnet}.254`,
  };
  // Others' things of the same shape.
  ip(host.namespace, `route add 10.77.0.0/16 via ${across.address} dev ${device} onlink proto static`);
  ip(host.namespace, 'link add theirs type vxlan id 7 dstport 8472 nolearning local 10.9.0.1');
  ip(host.namespace, 'address add 10.78.0.1/32 dev theirs');
  const theirs = () =>
    ip(host.namespace, '-o address show dev theirs') + ip(host.namespace, '-d -o link show dev theirs');
  const theirsBefore = theirs();
  for (const { name, lines } of drifts) {
    const before = kept(host, device);
    // In one process: the agent would put right what is half done.
    ipBatch(host.namespace, lines(target));
    const began = performance.now();
    const healed = await within(5000, () => kept(host, device) === before);
    const took = performance.now() - began;
    t.log(`${name}: ${healed ? `healed in ${Math.round(took)} ms` : 'not healed'}`);
    t.true(healed, `${name}\n${before}\n${kept(host, device)}\n${logTail(host, 5)}`);
    await sleep(300);
  }
  await followMtu(t, host, device);
  t.is(theirs(), theirsBefore);
  t.deepEqual(
    await Promise.all(lab.pods.slice(1).map(pod => lab.reaches(lab.pods[0]!, pod))),
    lab.pods.slice(1).map(() => true),
  );
}

/** The underlay's, less what it was less before; on the device and in its routes. The underlay is called eth1 by now. */
async function followMtu(t: ExecutionContext, host: Host, device: string): Promise<void> {
  const mtuNow = () => Number(/ mtu (\d+) /.exec(ip(host.namespace, `-o link show dev ${device}`))?.[1]);
  const usual = mtuNow();
  for (const [underlay, wanted] of [
    [1400, usual - 100],
    [1500, usual],
  ]) {
    ip(host.namespace, `link set eth1 mtu ${underlay}`);
    const began = performance.now();
    const followed = await within(
      5000,
      () => mtuNow() === wanted && ip(host.namespace, 'route show proto 157').includes(`mtu ${wanted}`),
    );
    t.true(followed, `underlay MTU ${underlay}: ${mtuNow()}`);
    t.log(`underlay MTU ${underlay}: followed in ${Math.round(performance.now() - began)} ms`);
  }
}

/** What the agent keeps of a device and of the routes, without what is another each time. */
function kept(host: Host, device: string): string {
  const read = (words: string) => {
    try {
      return ip(host.namespace, words);
    } catch {
      return 'missing\n';
    }
  };
  const link = read(`-d -o link show dev ${device}`)
    .replace(/^\d+: /, '')
    .replaceAll(/ (qlen|gso_\w+|gro_\w+|tso_\w+) \d+/g, '');
  const addresses = read(`-4 -o address show dev ${device}`).replaceAll(/^\d+: /gm, '');
  const routes = read('route show proto 157').replaceAll(/eth[01]/g, 'underlay');
  return link + addresses + routes;
}
