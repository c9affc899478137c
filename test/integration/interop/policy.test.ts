/** Roles (RFC 9234), maximum prefixes (RFC 4486), GRACEFUL_SHUTDOWN (RFC 8326) and what policies change, as the daemons see them. */
import test from 'ava';
import type { BgpRole } from '../../../bgp/speaker/contract.js';
import type { Asn } from '../../../core/asn.js';
import { skip } from '../../support/skip.js';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { COMMUNITY } from './our-speaker.js';
import { everyPeer } from './peers/every-peer.js';
import type { InteropPeer } from './peers/interop-peer.js';

const [inside, outside] = relations;

/** In its own words; GoBGP has no roles. */
function roleWords(peer: InteropPeer, role: BgpRole): readonly string[] | undefined {
  if (peer.name === 'bird2') return [`local role ${role.replace('-', '_')};`];
  if (peer.name === 'frr') return [`local-role ${role === 'rs' ? 'rs-server' : role}`];
  return undefined;
}

const counterparts: readonly (readonly [BgpRole, BgpRole])[] = [
  ['customer', 'provider'],
  ['provider', 'customer'],
  ['peer', 'peer'],
];

for (const peer of everyPeer) {
  for (const [ours, theirs] of counterparts) {
    test(`${peer.name}: roles, ours ${ours}, its ${theirs}: a session, and OTC on what goes down or across (RFC 9234)`, async t => {
      t.timeout(120_000);
      const words = roleWords(peer, theirs);
      if (words === undefined) return skip(t, `${peer.name} has no roles`);
      const meeting = new Meeting(t, peer, {
        ...outside!,
        peer: { role: ours, roleStrict: true },
        theirs: { ownWords: words },
      });
      const daemon = await meeting.startDaemon(['192.168.0.0/24']);
      const speaker = meeting.startOurs(['10.244.0.0/24']);
      await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
      await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
      // As it was sent, before anything of ours was done to it.
      const received = await speaker.routes({ kind: 'received', peer: 'peer' });
      const marked = ours === 'provider' ? undefined : outside!.asns.daemon;
      t.is(received.get('192.168.0.0/24')?.onlyToCustomer, marked);
    });
  }

  test(`${peer.name}: roles that do not go together end in 2/11 (RFC 9234 section 4.2)`, async t => {
    t.timeout(120_000);
    const words = roleWords(peer, 'provider');
    if (words === undefined) return skip(t, `${peer.name} has no roles`);
    const meeting = new Meeting(t, peer, {
      ...outside!,
      peer: { role: 'provider' },
      theirs: { ownWords: words },
    });
    await meeting.startDaemon([]);
    const speaker = meeting.startOurs([]);
    await becomes(t, 'a NOTIFICATION 2/11', async () => {
      const { lastNotificationSent, lastNotificationReceived } = await speaker.status();
      return [lastNotificationSent, lastNotificationReceived].some(
        each => each?.code === 2 && each.subcode === 11,
      );
    });
    t.is((await speaker.status()).counters.established, 0);
  });

  test(`${peer.name}: a role that is demanded and not said is refused with 2/11`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, { ...outside!, peer: { role: 'provider', roleStrict: true } });
    await meeting.startDaemon([]);
    const speaker = meeting.startOurs([]);
    await becomes(
      t,
      'we send 2/11',
      async () => (await speaker.status()).lastNotificationSent?.subcode === 11,
    );
  });

  test(`${peer.name}: maximum prefixes: it is told 6/1 and stays down`, async t => {
    t.timeout(120_000);
    const limit = { limit: 2, warnPercent: 80, action: 'stop', restartSeconds: 60 } as const;
    const meeting = new Meeting(t, peer, { ...inside!, peer: { maxPrefixes: { 'ipv4-unicast': limit } } });
    const daemon = await meeting.startDaemon(['192.168.0.0/24', '192.168.1.0/24']);
    const speaker = meeting.startOurs([]);
    await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24', '192.168.1.0/24']);
    await daemon.announce('192.168.2.0/24');
    await becomes(t, 'we are down', async () => (await speaker.status()).state === 'Idle');
    t.like((await speaker.status()).lastNotificationSent, { code: 6, subcode: 1 });
    await becomes(t, 'it is down', async () => (await daemon.holdTimeSeconds()) === undefined);
    t.is((await speaker.routes()).size, 0);
  });

  test(`${peer.name}: graceful shutdown: our routes come with GRACEFUL_SHUTDOWN (RFC 8326)`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, { ...outside!, peer: { gracefulShutdown: true } });
    const daemon = await meeting.startDaemon([]);
    meeting.startOurs(['10.244.0.0/24']);
    await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
    t.deepEqual((await daemon.attributes('10.244.0.0/24'))?.communities, [COMMUNITY, '65535:0']);
  });

  test(`${peer.name}: policies: what is added and prepended on export and on import`, async t => {
    t.timeout(120_000);
    const rule = { within: undefined, source: 'any', action: 'accept', reason: '' } as const;
    const meeting = new Meeting(t, peer, {
      ...outside!,
      peer: {
        exportPolicy: {
          rules: [
            {
              ...rule,
              communities: [COMMUNITY],
              operations: [
                { kind: 'add-communities', communities: ['64512:8'] },
                { kind: 'prepend-as-path', asns: [65_001, 65_002] as Asn[] },
              ],
            },
          ],
          otherwise: 'reject',
        },
        importPolicy: {
          rules: [{ ...rule, operations: [{ kind: 'set-local-pref', value: 250 }] }],
          otherwise: 'reject',
        },
      },
    });
    const daemon = await meeting.startDaemon(['192.168.0.0/24']);
    const speaker = meeting.startOurs(['10.244.0.0/24']);
    await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
    t.like(await daemon.attributes('10.244.0.0/24'), {
      asPath: `${outside!.asns.ours} 65001 65002`,
      communities: [COMMUNITY, '64512:8'],
    });
    await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
    t.is((await speaker.routes()).get('192.168.0.0/24')?.localPref, 250);
  });
}
