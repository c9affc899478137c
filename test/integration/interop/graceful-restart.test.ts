/**
 * Graceful restart (RFC 4724) with each daemon as helper of ours, restarted once and several times, and as the one that restarts. Nobody
 * sends a NOTIFICATION: processes are killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold, watch } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const ours = Array.from({ length: 20 }, (_, i) => `10.244.${i}.0/24`);
const theirs = Array.from({ length: 5 }, (_, i) => `192.168.${i}.0/24`);
const RESTARTS = 3;
/** Long enough to look at what is kept. */
const ABSENCE_MS = 1000;

const meetings = [
  { ...relations[0]!, dials: 'ours', helper: 'helper' },
  { ...relations[1]!, dials: 'both', helper: 'on' },
] as const;

for (const peer of everyPeer) {
  for (const { name, asns, port, dials, helper } of meetings) {
    test(`${peer.name} ${name} helps: our speaker is killed and comes back, its routes stay, what it no longer announces goes`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, { asns, port, dials, gracefulRestart: helper });
      const daemon = await meeting.startDaemon(theirs);
      const before = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => before.routes(), theirs);
      const [gone, ...kept] = ours;
      const watching = watch(t, () => daemon.routes(), kept, peer.pauseMs);
      await before.kill();
      await becomes(
        t,
        'a daemon that has noticed',
        async () => (await daemon.holdTimeSeconds()) === undefined,
      );
      const held = await daemon.routes();
      t.deepEqual([...held.keys()].toSorted(), ours.toSorted());
      if (peer.tellsStale) {
        // FRR marks them behind its own back, from a queue.
        await becomes(t, 'stale routes', async () =>
          [...(await daemon.routes()).values()].every(({ stale }) => stale),
        );
      }
      await sleep(ABSENCE_MS);
      // Its configuration comes late: all that the daemon has from the new session is that forwarding went on.
      const after = meeting.startOurs([], 'restarting-unconfigured');
      await becomes(t, 'a session', () => after.established());
      await sleep(ABSENCE_MS);
      t.deepEqual([...(await daemon.routes()).keys()].toSorted(), ours.toSorted());
      after.announce(...kept, '10.245.0.0/24');
      after.completeConfiguration();
      await comesToHold(t, () => daemon.routes(), [...kept, '10.245.0.0/24']);
      t.true([...(await daemon.routes()).values()].every(({ stale }) => !stale));
      await comesToHold(t, () => after.routes(), theirs);
      t.false((await daemon.routes()).has(gone!));
      await watching.stop();
      const { state, session, counters } = await after.status();
      t.is(state, 'Established');
      t.deepEqual(session?.endOfRibSent, ['ipv4-unicast']);
      t.deepEqual(session?.endOfRibReceived, ['ipv4-unicast']);
      t.is(counters.established, 1);
    });

    test(`${peer.name} ${name} helps through ${RESTARTS} restarts in a row`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, { asns, port, dials, gracefulRestart: helper });
      const daemon = await meeting.startDaemon(theirs);
      let speaker = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      const watching = watch(t, () => daemon.routes(), ours, peer.pauseMs);
      for (let i = 0; i < RESTARTS; i++) {
        await becomes(t, 'a session in sync', async () => {
          const { session } = await speaker.status();
          return session?.endOfRibSent.length === 1;
        });
        await speaker.kill();
        speaker = meeting.startOurs(ours, 'restarting');
        await becomes(t, 'a session', () => speaker.established());
      }
      await comesToHold(t, () => speaker.routes(), theirs);
      await becomes(t, 'no stale route', async () =>
        [...(await daemon.routes()).values()].every(({ stale }) => !stale),
      );
      await watching.stop();
    });

    test(`${peer.name} ${name} restarts: killed and started again, its routes stay as stale until it confirms them`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, { asns, port, dials, gracefulRestart: 'on' });
      const before = await meeting.startDaemon(theirs);
      const speaker = meeting.startOurs(ours);
      await comesToHold(t, () => before.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      const [gone, ...kept] = theirs;
      const watching = watch(t, () => speaker.routes(), kept, 10);
      await before.kill();
      await becomes(t, 'our end without a session', async () => !(await speaker.established()));
      const stale = await speaker.status();
      t.true(stale.staleDeadlineUnixMs! > Date.now());
      t.true([...(await speaker.routes()).values()].every(route => route.stale && route.usable));
      const after = await meeting.startDaemon([...kept, '192.169.0.0/24'], 'after-crash');
      await comesToHold(t, () => speaker.routes(), [...kept, '192.169.0.0/24']);
      t.false((await speaker.routes()).has(gone!));
      await comesToHold(t, () => after.routes(), ours);
      await watching.stop();
      const { routes, session, staleDeadlineUnixMs } = await speaker.status();
      t.is(routes.stale, 0);
      t.is(staleDeadlineUnixMs, undefined);
      t.true(session?.gracefulRestart?.restarting);
      t.deepEqual(session?.gracefulRestart?.forwarding, ['ipv4-unicast']);
      t.deepEqual(session?.endOfRibReceived, ['ipv4-unicast']);
    });
  }
}
