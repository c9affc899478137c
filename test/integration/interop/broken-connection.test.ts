/** Graceful restart (RFC 4724) where the connection breaks, or one host loses power and the other end knows of nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { skip } from '../../support/skip.js';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold, watch } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const ours = Array.from({ length: 20 }, (_, i) => `10.244.${i}.0/24`);
const theirs = Array.from({ length: 5 }, (_, i) => `192.168.${i}.0/24`);
const CANNOT_BREAK = 'the kernel cannot destroy sockets of others (INET_DIAG_DESTROY)';
/** A hold time that no KEEPALIVE is due in: only the new connection tells that the old one is dead. */
const FAR_AWAY = 600;
/** Long enough to look at what is kept. */
const ABSENCE_MS = 1000;

for (const peer of everyPeer) {
  for (const { name, asns, port } of relations) {
    const terms = { asns, port, gracefulRestart: 'on', dials: 'both' } as const;

    test(`${peer.name} ${name}: the connection is reset, both ends live on, and the daemon keeps our routes`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, terms);
      const daemon = await meeting.startDaemon(theirs);
      const speaker = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      const watching = watch(t, () => daemon.routes(), ours, peer.pauseMs);
      if (!(await meeting.resetConnections())) {
        skip(t, CANNOT_BREAK);
        return;
      }
      await becomes(t, 'a second session in sync', async () => {
        const { counters, session } = await speaker.status();
        return counters.established > 1 && session?.endOfRibReceived.length === 1;
      });
      await sleep(ABSENCE_MS);
      await watching.stop();
      t.deepEqual([...(await daemon.routes()).keys()].toSorted(), ours.toSorted());
      t.deepEqual([...(await speaker.routes()).keys()].toSorted(), theirs);
    });

    test(`${peer.name} ${name}: our host loses power and comes back while the daemon believes in the session`, async t => {
      t.timeout(120_000);
      // Where a second connection does not tell, the next KEEPALIVE has to.
      const hold = peer.weighsSecondConnection ? FAR_AWAY : 15;
      const meeting = new Meeting(t, peer, { ...terms, holdTimeSeconds: { ours: hold, daemon: hold } });
      const daemon = await meeting.startDaemon(theirs);
      const before = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => before.routes(), theirs);
      const watching = watch(t, () => daemon.routes(), ours, peer.pauseMs);
      if (!(await meeting.losePower('ours', () => before.kill()))) {
        skip(t, CANNOT_BREAK);
        return;
      }
      t.not(await daemon.holdTimeSeconds(), undefined);
      await meeting.restorePower('ours');
      const after = meeting.startOurs(ours, 'restarting');
      await comesToHold(t, () => after.routes(), theirs);
      await sleep(ABSENCE_MS);
      await watching.stop();
      t.deepEqual((await after.status()).session?.endOfRibSent, ['ipv4-unicast']);
      t.true([...(await daemon.routes()).values()].every(({ stale }) => !stale));
    });

    test(`${peer.name} ${name}: its host loses power and comes back while we believe in the session`, async t => {
      t.timeout(120_000);
      const holdTimeSeconds = { ours: FAR_AWAY, daemon: FAR_AWAY };
      const meeting = new Meeting(t, peer, { ...terms, holdTimeSeconds });
      const before = await meeting.startDaemon(theirs);
      const speaker = meeting.startOurs(ours);
      await comesToHold(t, () => before.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      const watching = watch(t, () => speaker.routes(), theirs, 10);
      if (!(await meeting.losePower('daemon', () => before.kill()))) {
        skip(t, CANNOT_BREAK);
        return;
      }
      t.true(await speaker.established());
      await meeting.restorePower('daemon');
      const after = await meeting.startDaemon(theirs, 'after-crash');
      await comesToHold(t, () => after.routes(), ours);
      await becomes(t, 'no stale route', async () => {
        const { counters, session, routes } = await speaker.status();
        return counters.established > 1 && session?.endOfRibReceived.length === 1 && routes.stale === 0;
      });
      await watching.stop();
      t.deepEqual([...(await speaker.routes()).keys()].toSorted(), theirs);
    });
  }
}
