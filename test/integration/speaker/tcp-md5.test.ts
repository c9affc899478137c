/** TCP MD5 signatures (RFC 2385) in the kernel, between speakers of ours in network namespaces. */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { eventually } from '../../support/eventually.js';
import { NamespacedSpeaker, testPeer } from '../../support/namespaced-speaker.js';
import { join, makeNamespace } from '../../support/network-namespace.js';
import { dumped } from '../../support/tcpdump.js';

const addresses = {
  ipv4: { hub: '10.77.0.1', spoke: '10.77.0.2', other: '10.77.0.3', range: '10.77.0.0/24' },
  ipv6: { hub: 'fd77::1', spoke: 'fd77::2', other: 'fd77::3', range: 'fd77::/64' },
} as const;
type Family = keyof typeof addresses;

/** A hub that listens and a spoke with two addresses, on the two ends of a veth pair. */
function hubAndSpoke(t: ExecutionContext, family: Family) {
  const [left, right] = [makeNamespace(t), makeNamespace(t)];
  join(left, 'eth0', right, 'eth0');
  const { hub, spoke, other } = addresses[family];
  const length = family === 'ipv4' ? '24' : '64 nodad';
  left.ip(`address add ${hub}/${length} dev eth0`);
  for (const address of [spoke, other]) right.ip(`address add ${address}/${length} dev eth0`);
  const listen = (address: string) => ({ listen: [{ address: address as IpAddress, port: 179 }] });
  return {
    ...{ left, right },
    hub: new NamespacedSpeaker(t, left.name, { asn: 64_512, routerId: '10.77.0.1', ...listen(hub) }),
    spoke: new NamespacedSpeaker(t, right.name, { asn: 64_513, routerId: '10.77.0.2', ...listen(spoke) }),
  };
}

const route = (family: Family, i: number) => (family === 'ipv4' ? `10.${i}.0.0/16` : `fd00:${i}::/32`);

function toSpoke(family: Family, more: Partial<PeerConfig>) {
  return testPeer('spoke', addresses[family].spoke, 64_513, more);
}

function toHub(family: Family, more: Partial<PeerConfig>) {
  const localAddress = addresses[family].spoke as IpAddress;
  return testPeer('hub', addresses[family].hub, 64_512, { localAddress, ...more });
}

for (const family of ['ipv4', 'ipv6'] as const) {
  test(`${family}: with the same password a session comes up, and every segment is signed`, async t => {
    const { right, hub, spoke } = hubAndSpoke(t, family);
    for (const one of [hub, spoke]) t.true(await one.listens());
    const lines = await dumped(right.name, 'eth0', ['tcp', 'port', '179'], async () => {
      hub.setPeer(toSpoke(family, { passive: true, password: 'one' }));
      await hub.peers();
      spoke.setPeer(toHub(family, { password: 'one' }));
      t.true(await spoke.established('hub'));
      hub.announce(route(family, 1));
      t.true(await eventually(async () => (await spoke.learnt(`${family}-unicast`)).length === 1));
    });
    const segments = lines.filter(line => line.includes('Flags'));
    t.true(segments.length > 6);
    t.deepEqual(
      segments.filter(line => !line.includes('md5')),
      [],
    );
  });

  test(`${family}: with different passwords there is no session, and both ends say so`, async t => {
    const { hub, spoke } = hubAndSpoke(t, family);
    hub.setPeer(toSpoke(family, { password: 'one' }));
    spoke.setPeer(toHub(family, { password: 'other' }));
    for (const [speaker, key] of [
      [hub, 'spoke'],
      [spoke, 'hub'],
    ] as const) {
      const said = async () => /TCP MD5 mismatch.*another password/.test((await speaker.peer(key))!.info);
      t.true(await eventually(said, 15_000, 100), (await speaker.peer(key))!.info);
    }
    t.is((await hub.peer('spoke'))!.counters.established, 0);
    // The end that was wrong is put right; the other one is not touched.
    spoke.setPeer(toHub(family, { password: 'one' }));
    t.true(await hub.established('spoke'));
  });

  test(`${family}: a password on one end alone is named on both`, async t => {
    const { hub, spoke } = hubAndSpoke(t, family);
    hub.setPeer(toSpoke(family, { password: 'one' }));
    spoke.setPeer(toHub(family, {}));
    const says = (speaker: NamespacedSpeaker, key: string, words: RegExp) =>
      eventually(async () => words.test((await speaker.peer(key))!.info), 15_000, 100);
    t.true(await says(hub, 'spoke', /mismatch.*without a signature/), (await hub.peer('spoke'))!.info);
    t.true(await says(spoke, 'hub', /mismatch.*no password is set here/), (await spoke.peer('hub'))!.info);
  });

  test(`${family}: a password changes, comes and goes on both ends, one after the other, without a reset`, async t => {
    const { hub, spoke } = hubAndSpoke(t, family);
    hub.setPeer(toSpoke(family, { passive: true, password: 'first' }));
    spoke.setPeer(toHub(family, { password: 'first' }));
    t.true(await spoke.established('hub'));
    const learnt: string[] = [];
    for (const [i, password] of ['second', undefined, 'third'].entries()) {
      const prefix = route(family, i + 1);
      hub.setPeer(toSpoke(family, { passive: true, password }));
      hub.announce(prefix);
      await sleep(1500);
      // What is signed otherwise than the other end expects does not arrive.
      t.deepEqual(await spoke.learnt(`${family}-unicast`), learnt);
      learnt.push(prefix);
      spoke.setPeer(toHub(family, { password }));
      t.true(
        await eventually(
          async () => (await spoke.learnt(`${family}-unicast`)).length === learnt.length,
          20_000,
          50,
        ),
      );
      t.like(await hub.peer('spoke'), { state: 'Established', counters: { established: 1 } });
      t.like(await spoke.peer('hub'), { state: 'Established', counters: { established: 1 } });
    }
    // New connections take the new one as well.
    await spoke.close();
    const again = new NamespacedSpeaker(t, spoke.namespace, { asn: 64_513, routerId: '10.77.0.2' });
    again.setPeer(toHub(family, { password: 'third' }));
    t.true(await again.established('hub'));
  });

  test(`${family}: one listener has a password for each peer, and another for the range around them`, async t => {
    const { other, range, hub: at } = addresses[family];
    const { hub, spoke } = hubAndSpoke(t, family);
    const { key: _k, address: _a, asn: _n, passive: _p, ...template } = toSpoke(family, { password: 'all' });
    const everyone = {
      key: 'all',
      prefix: range as Prefix,
      asns: 'any',
      limit: 10,
      idleRemovalSeconds: 1,
    } as const;
    hub.send({ kind: 'set-peer-range', range: { ...everyone, template } });
    hub.setPeer(toSpoke(family, { passive: true, password: 'own' }));
    spoke.setPeer(toHub(family, { password: 'own' }));
    t.true(await hub.established('spoke'));
    // The same host by its other address is a dynamic peer; the peer's own password opens nothing there.
    const fromOther = { key: 'hub again', address: at as IpAddress, localAddress: other as IpAddress };
    spoke.setPeer({ ...toHub(family, { password: 'own' }), ...fromOther });
    await sleep(2500);
    t.is((await hub.peers()).length, 1);
    spoke.setPeer({ ...toHub(family, { password: 'all' }), ...fromOther });
    const dynamic = `Dynamic_${other.replace(/[.:]/g, '_')}`;
    t.true(await hub.established(dynamic));
    t.like(await hub.peer(dynamic), { dynamicFrom: 'all', asn: 64_513 });
    // The range's password changes for those it has.
    hub.send({ kind: 'set-peer-range', range: { ...everyone, template: { ...template, password: 'new' } } });
    spoke.setPeer({ ...toHub(family, { password: 'new' }), ...fromOther });
    spoke.announce(route(family, 9));
    t.true(await eventually(async () => (await hub.learnt(`${family}-unicast`)).length === 1, 20_000, 50));
    t.like(await hub.peer(dynamic), { state: 'Established', counters: { established: 1 } });
  });
}
