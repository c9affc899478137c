/**
 * GTSM (RFC 5082) in the kernel. The hub's peer is in its subnet; somebody two hops away has taken the peer's address, and the way back
 * leads to him:
 *
 *     hub 10.77.0.1 --- 10.77.0.254 router 10.78.0.1 --- 10.78.0.2 spoofer, who says that he is 10.77.0.2
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { eventually } from '../../support/eventually.js';
import { NamespacedSpeaker, testPeer } from '../../support/namespaced-speaker.js';
import { join, makeNamespace } from '../../support/network-namespace.js';
import { dumped } from '../../support/tcpdump.js';

const nets = {
  ipv4: {
    ...{ hub: '10.77.0.1', peer: '10.77.0.2', router: '10.77.0.254', range: '10.77.0.0/24' },
    ...{ inner: '10.78.0.1', spoofer: '10.78.0.2', length: '24', host: '32', forwarding: 'ipv4.ip_forward' },
  },
  ipv6: {
    ...{ hub: 'fd77::1', peer: 'fd77::2', router: 'fd77::fe', range: 'fd77::/64' },
    ...{
      inner: 'fd78::1',
      spoofer: 'fd78::2',
      length: '64',
      host: '128',
      forwarding: 'ipv6.conf.all.forwarding',
    },
  },
} as const;
type Family = keyof typeof nets;

const families = (family: Family) => [`${family}-unicast` as const];
const prefix = (family: Family) => (family === 'ipv4' ? '10.1.0.0/16' : 'fd00:1::/32');

function speakerAt(t: ExecutionContext, namespace: string, address: string, asn: number) {
  const listen = [{ address: address as IpAddress, port: 179 }];
  return new NamespacedSpeaker(t, namespace, { asn, routerId: `10.77.0.${asn - 64_511}`, listen });
}

function spoofed(t: ExecutionContext, family: Family) {
  const [left, middle, right] = [makeNamespace(t), makeNamespace(t), makeNamespace(t)];
  const { hub, peer, router, inner, spoofer, length, host, forwarding } = nets[family];
  const flags = family === 'ipv4' ? '' : ' nodad';
  join(left, 'eth0', middle, 'eth0');
  join(middle, 'eth1', right, 'eth0');
  middle.run('sysctl', '-qw', `net.${forwarding}=1`);
  left.ip(`address add ${hub}/${length} dev eth0${flags}`);
  middle.ip(`address add ${router}/${length} dev eth0${flags}`);
  middle.ip(`address add ${inner}/${length} dev eth1${flags}`);
  right.ip(`address add ${spoofer}/${length} dev eth0${flags}`);
  right.ip(`address add ${peer}/${host} dev lo${flags}`);
  right.ip(`route add ${hub}/${host} via ${inner}`);
  middle.ip(`route add ${peer}/${host} via ${spoofer}`);
  left.ip(`route add ${peer}/${host} via ${router}`);
  return { left, right };
}

const toPeer = (family: Family, more: Partial<PeerConfig>) =>
  testPeer('peer', nets[family].peer, 64_513, { families: families(family), holdTimeSeconds: 3, ...more });

/** He knows to send with the highest TTL there is. */
const spoofs = (family: Family, more: Partial<PeerConfig> = {}) =>
  testPeer('hub', nets[family].hub, 64_512, {
    families: families(family),
    localAddress: nets[family].peer as IpAddress,
    ttl: 255,
    ...more,
  });

for (const family of ['ipv4', 'ipv6'] as const) {
  test(`${family}: who is in the subnet gets a session, and all that is sent has a TTL of 255`, async t => {
    const [left, right] = [makeNamespace(t), makeNamespace(t)];
    const { hub: hubAddress, peer, length } = nets[family];
    join(left, 'eth0', right, 'eth0');
    left.ip(`address add ${hubAddress}/${length} dev eth0${family === 'ipv4' ? '' : ' nodad'}`);
    right.ip(`address add ${peer}/${length} dev eth0${family === 'ipv4' ? '' : ' nodad'}`);
    const hub = speakerAt(t, left.name, hubAddress, 64_512);
    const near = speakerAt(t, right.name, peer, 64_513);
    for (const one of [hub, near]) t.true(await one.listens());
    const lines = await dumped(right.name, 'eth0', ['-v', 'tcp', 'port', '179'], async () => {
      hub.setPeer(toPeer(family, { passive: true, ttlSecurityHops: 1 }));
      // Whoever dials before is turned away, by the kernel's usual TTL.
      t.true(await eventually(async () => (await hub.peer('peer'))?.state === 'Active'));
      near.setPeer(spoofs(family, { ttl: 64, ttlSecurityHops: 1 }));
      t.true(await near.established('hub'));
    });
    // A reset of a connection that is no more is the kernel's, with its usual TTL; IPv4's flags stand on the line after the TTL.
    const sent = lines.filter(
      (line, i) => !/Flags \[R/.test(`${line} ${family === 'ipv4' ? lines[i + 1] : ''}`),
    );
    const ttls = sent.flatMap(line => /(?:ttl|hlim) (\d+)/.exec(line)?.[1] ?? []);
    t.true(ttls.length > 6);
    t.deepEqual([...new Set(ttls)], ['255']);
  });

  test(`${family}: a spoofing peer two hops away is not heard, neither dialling nor dialled, until it may be that far`, async t => {
    const { left, right } = spoofed(t, family);
    const hub = speakerAt(t, left.name, nets[family].hub, 64_512);
    const spoofer = speakerAt(t, right.name, nets[family].peer, 64_513);
    hub.setPeer(toPeer(family, { ttlSecurityHops: 1 }));
    spoofer.setPeer(spoofs(family));
    await sleep(4000);
    t.like(await hub.peer('peer'), { counters: { messagesReceived: 0, established: 0 } });
    t.like(await spoofer.peer('hub'), { counters: { established: 0 } });
    // That he would have been heard is shown by what one hop more lets in.
    hub.setPeer(toPeer(family, { ttlSecurityHops: 2 }));
    t.true(await hub.established('peer'));
    spoofer.announce(prefix(family));
    t.true(await eventually(async () => (await hub.learnt(`${family}-unicast`)).length === 1));
    // Live: nothing more is heard of him, and the hold time ends it.
    hub.setPeer(toPeer(family, { ttlSecurityHops: 1 }));
    t.true(await eventually(async () => (await hub.peer('peer'))!.state !== 'Established', 8000, 50));
    await sleep(3000);
    t.like(await hub.peer('peer'), { counters: { established: 1 } });
  });

  test(`${family}: not even what comes before we accept is heard, from a peer or from a range`, async t => {
    const { left, right } = spoofed(t, family);
    const { hub: hubAddress, peer, range } = nets[family];
    const hub = speakerAt(t, left.name, hubAddress, 64_512);
    hub.setPeer(toPeer(family, { passive: true, ttlSecurityHops: 1 }));
    t.false(await connectsWhile(hub, right.name, hubAddress, peer));
    const {
      key: _k,
      address: _a,
      asn: _n,
      passive: _p,
      ...template
    } = toPeer(family, { ttlSecurityHops: 1 });
    const racks = {
      key: 'racks',
      prefix: range as Prefix,
      asns: 'any',
      limit: 9,
      idleRemovalSeconds: 9,
    } as const;
    hub.send({ kind: 'remove-peer', key: 'peer' });
    hub.send({ kind: 'set-peer-range', range: { ...racks, template } });
    t.false(await connectsWhile(hub, right.name, hubAddress, peer));
    // A peer of the range that is configured without it is heard from anywhere.
    hub.setPeer(toPeer(family, { passive: true }));
    t.true(await connectsWhile(hub, right.name, hubAddress, peer));
  });
}

/** Whether TCP comes up while the speaker's process is stopped, so that it is the kernel alone who says yes or no. */
async function connectsWhile(hub: NamespacedSpeaker, from: string, address: string, localAddress: string) {
  // All commands have been carried out by then.
  await hub.peers();
  await sleep(200);
  process.kill(hub.pid, 'SIGSTOP');
  try {
    const options = JSON.stringify({ host: address, port: 179, localAddress });
    const script = `require('node:net').connect(${options}).once('connect', () => process.exit(0)).once('error', () => process.exit(1));
      setTimeout(() => process.exit(1), 2500);`;
    const dialler = spawn('ip', ['netns', 'exec', from, process.execPath, '-e', script], {
      stdio: 'inherit',
    });
    const [code] = await once(dialler, 'exit');
    return code === 0;
  } finally {
    process.kill(hub.pid, 'SIGCONT');
  }
}
