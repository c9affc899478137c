/**
 * Both ends dial at once (RFC 4271 section 6.8). Our two connections come to the speaker in the same turn, so that a collision does not
 * depend on luck; whose survives follows from the BGP Identifiers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const identifiers = [
  { words: 'the higher identifier is ours', routerId: '10.88.0.9', dialledBy: 'ours' },
  { words: 'the higher identifier is its own', routerId: '10.1.1.1', dialledBy: 'daemon' },
] as const;
const HOLD_TIME_SECONDS = 3;
/** A session that one end has given up would be over by the hold timer. */
const STAYS_UP_MS = 1.5 * HOLD_TIME_SECONDS * 1000;

for (const peer of everyPeer) {
  for (const { name, asns, port } of relations) {
    for (const { words, routerId, dialledBy } of identifiers) {
      test(`${peer.name} ${name}, both dial at once and ${words}: one session survives and stays`, async t => {
        t.timeout(120_000);
        const meeting = new Meeting(t, peer, {
          ...{ asns, port, dials: 'both', routerId },
          holdTimeSeconds: { ours: HOLD_TIME_SECONDS, daemon: HOLD_TIME_SECONDS },
          collides: true,
        });
        const daemon = await meeting.startDaemon(['192.168.0.0/24']);
        const speaker = meeting.startOurs(['10.244.0.0/24']);
        await becomes(t, 'a session', () => speaker.established());
        await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
        await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
        t.is(await meeting.connections(), 1);
        if (peer.weighsSecondConnection) {
          const { session, lastNotificationSent, lastNotificationReceived } = await speaker.status();
          t.is(dialledBy === 'ours' ? session?.remotePort : session?.localPort, port);
          // Cease 7, Connection Collision Resolution (RFC 4486), from whoever saw it first.
          t.like(lastNotificationSent ?? lastNotificationReceived, { code: 6, subcode: 7 });
        }
        await sleep(STAYS_UP_MS);
        t.is(await meeting.connections(), 1);
        t.like(await speaker.status(), { state: 'Established', counters: { established: 1 } });
        t.is(await daemon.holdTimeSeconds(), HOLD_TIME_SECONDS);
        await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
      });
    }
  }
}
