/** Hold time 0, where nobody says a word between routes (RFC 4271 section 4.2), and the shortest other one, when the path is cut. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { skip } from '../../support/skip.js';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

/** FRR's default here is 9 s, by its own clock. */
const SILENCE_SECONDS = 10;
/** Our clock runs so fast that by it the silence is twice the 240 s that a session without a hold time may have on its timer. */
const CLOCK_RATE = 48;

const ways = [
  { words: 'both ends offer a hold time of 0', daemonOffers: 0 },
  { words: 'our end alone offers a hold time of 0', daemonOffers: 90 },
];

for (const peer of everyPeer) {
  for (const { name, asns, port } of relations) {
    for (const { words, daemonOffers } of ways) {
      test(`${peer.name} ${name}, ${words}: neither end sends or misses a KEEPALIVE`, async t => {
        t.timeout(120_000);
        if (peer.needsHoldTime !== undefined) {
          skip(t, peer.needsHoldTime);
          return;
        }
        const meeting = new Meeting(t, peer, {
          ...{ asns, port },
          holdTimeSeconds: { ours: 0, daemon: daemonOffers },
          clockRate: CLOCK_RATE,
        });
        const daemon = await meeting.startDaemon(['192.168.0.0/24']);
        const speaker = meeting.startOurs(['10.244.0.0/24']);
        await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
        await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
        t.is(await daemon.holdTimeSeconds(), 0);
        // What follows the routes of a new session, such as End-of-RIB, has come by then.
        await sleep(1000);
        const { counters, session } = await speaker.status();
        t.like(session, { holdTimeSeconds: 0, keepaliveSeconds: 0 });
        await sleep(SILENCE_SECONDS * 1000);
        const after = await speaker.status();
        t.is(after.state, 'Established');
        t.deepEqual(after.counters, counters);
        speaker.announce('10.244.1.0/24');
        await daemon.announce('192.168.1.0/24');
        await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24', '10.244.1.0/24']);
        await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24', '192.168.1.0/24']);
        t.is((await speaker.status()).counters.established, 1);
      });
    }

    test(`${peer.name} ${name}: with the path cut both ends lose the session by a hold time of 3 s, and find it again`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, { asns, port, holdTimeSeconds: { ours: 3, daemon: 3 } });
      const daemon = await meeting.startDaemon(['192.168.0.0/24']);
      const speaker = meeting.startOurs(['10.244.0.0/24']);
      await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
      await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
      t.is(await daemon.holdTimeSeconds(), 3);
      await meeting.cutPath();
      await becomes(t, 'our end without a session', async () => !(await speaker.established()));
      t.deepEqual([...(await speaker.routes()).keys()], []);
      t.like((await speaker.status()).lastNotificationSent, { code: 4 });
      await comesToHold(t, () => daemon.routes(), []);
      await meeting.mendPath();
      await comesToHold(t, () => daemon.routes(), ['10.244.0.0/24']);
      await comesToHold(t, () => speaker.routes(), ['192.168.0.0/24']);
    });
  }
}
