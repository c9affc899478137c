/**
 * Session control and what outlives a session, with each daemon that has the feature: shutdown communications (RFC 9003), graceful restart
 * after NOTIFICATIONs (RFC 8538), long-lived graceful restart (RFC 9494), enhanced route refresh (RFC 7313).
 */
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold, watch } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const { asns, port } = relations[1]!;
const ours = ['10.244.0.0/24', '10.244.1.0/24'];
const theirs = ['192.168.0.0/24', '192.168.1.0/24'];
const MESSAGE = 'moving racks until noon';
const LONG_SECONDS = 60;
const LLGR_STALE = '65535:6';

for (const peer of everyPeer) {
  test(`${peer.name}: shutdown communications are shown, whoever sends them`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, { asns, port, dials: 'ours', gracefulRestart: 'off' });
    const daemon = await meeting.startDaemon(theirs);
    const speaker = meeting.startOurs(ours);
    await comesToHold(t, () => daemon.routes(), ours);
    speaker.change({ administrativeState: 'down', administrativeMessage: MESSAGE });
    await comesToHold(t, () => daemon.routes(), []);
    t.is((await speaker.status()).info, `administratively down: ${MESSAGE}`);
    const shown = await daemon.shownMessage();
    t.true(shown.includes(MESSAGE), shown);
    speaker.change({ administrativeState: 'up' });
    await comesToHold(t, () => speaker.routes(), theirs);
    await daemon.shutDown(MESSAGE);
    await comesToHold(t, () => speaker.routes(), []);
    const { lastNotificationReceived, info } = await speaker.status();
    t.regex(lastNotificationReceived?.words ?? '', new RegExp(`6/2 administrative shutdown: ${MESSAGE}`));
    t.true(info.includes(MESSAGE), info);
  });
}

for (const peer of everyPeer.filter(({ name }) => name !== 'bird2')) {
  test(`${peer.name}: graceful restart after a NOTIFICATION: a reset loses no route at either end (RFC 8538)`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, { asns, port, dials: 'ours', gracefulRestart: 'on' });
    const daemon = await meeting.startDaemon(theirs);
    const speaker = meeting.startOurs(ours);
    await comesToHold(t, () => daemon.routes(), ours);
    await comesToHold(t, () => speaker.routes(), theirs);
    await becomes(t, 'in sync', async () => (await speaker.status()).session?.endOfRibReceived.length === 1);
    t.true((await speaker.status()).session?.gracefulRestart?.notification);
    const there = watch(t, () => daemon.routes(), ours, peer.pauseMs);
    const kept = new Map(theirs.map(prefix => [prefix, {}]));
    const held = async () => {
      const routes = await speaker.routes();
      const again = (await speaker.status()).counters.established > 1;
      return again && !peer.forwardsAfterReset ? kept : routes;
    };
    const here = watch(t, held, theirs, 10);
    speaker.clear('hard', 'new cable');
    await becomes(t, 'a second session', async () => {
      const { counters, session } = await speaker.status();
      return counters.established === 2 && session?.endOfRibReceived.length === 1;
    });
    await there.stop();
    await here.stop();
    await comesToHold(t, () => speaker.routes(), theirs);
    t.is((await speaker.status()).routes.stale, 0);
    speaker.change({ administrativeState: 'down', administrativeMessage: MESSAGE });
    await comesToHold(t, () => daemon.routes(), []);
    t.like((await speaker.status()).lastNotificationSent, { code: 6, subcode: 9 });
  });
}

for (const peer of everyPeer) {
  test(`${peer.name}: long-lived graceful restart: its routes outlive its restart time as the last resort (RFC 9494)`, async t => {
    t.timeout(120_000);
    const theirTerms = { restartTimeSeconds: 3, longLivedSeconds: LONG_SECONDS };
    const meeting = new Meeting(t, peer, {
      asns,
      port,
      dials: 'ours',
      gracefulRestart: 'on',
      theirs: theirTerms,
      peer: { longLivedStaleSeconds: 3600 },
    });
    const daemon = await meeting.startDaemon(theirs);
    const speaker = meeting.startOurs(ours);
    await comesToHold(t, () => speaker.routes(), theirs);
    await comesToHold(t, () => daemon.routes(), ours);
    t.deepEqual((await speaker.status()).session?.longLivedStale, [
      { family: 'ipv4-unicast', staleSeconds: LONG_SECONDS },
    ]);
    const watching = watch(t, () => speaker.routes(), theirs, 10);
    await daemon.kill();
    await becomes(t, 'long-lived stale routes', async () =>
      [...(await speaker.routes()).values()].every(({ communities }) => communities.includes(LLGR_STALE)),
    );
    t.true((await speaker.status()).longLivedDeadlineUnixMs! > Date.now());
    const after = await meeting.startDaemon(theirs, 'after-crash');
    await becomes(t, 'fresh routes', async () =>
      [...(await speaker.routes()).values()].every(({ communities }) => !communities.includes(LLGR_STALE)),
    );
    await comesToHold(t, () => after.routes(), ours);
    await watching.stop();
    await becomes(t, 'nothing left to wait for', async () => {
      const { longLivedDeadlineUnixMs, routes } = await speaker.status();
      return longLivedDeadlineUnixMs === undefined && routes.stale === 0;
    });
  });
}

for (const peer of everyPeer) {
  test(`${peer.name}: long-lived graceful restart: it keeps our routes beyond our restart time, as the last resort (RFC 9494)`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, {
      asns,
      port,
      dials: 'ours',
      gracefulRestart: 'on',
      theirs: { longLivedSeconds: LONG_SECONDS },
      peer: { restartTimeSeconds: 1, longLivedStaleSeconds: LONG_SECONDS },
    });
    const daemon = await meeting.startDaemon(theirs);
    const before = meeting.startOurs(ours);
    await comesToHold(t, () => daemon.routes(), ours);
    await comesToHold(t, () => before.routes(), theirs);
    const watching = watch(t, () => daemon.routes(), ours, peer.pauseMs);
    const marked = async () => {
      const held = await Promise.all(ours.map(prefix => daemon.attributes(prefix)));
      return held.map(each => each?.communities.includes(LLGR_STALE));
    };
    t.deepEqual(await marked(), [false, false]);
    await before.kill();
    await becomes(t, 'long-lived stale routes', async () => (await marked()).every(Boolean));
    const after = meeting.startOurs(ours, 'restarting');
    await comesToHold(t, () => after.routes(), theirs);
    await becomes(t, 'fresh routes', async () => (await marked()).every(each => each === false));
    await watching.stop();
  });
}

for (const peer of everyPeer) {
  const framed = peer.name === 'gobgp' ? '' : ', with a beginning and an end';
  test(`${peer.name}: route refresh both ways${framed}`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, { asns, port, dials: 'ours', gracefulRestart: 'on' });
    const daemon = await meeting.startDaemon(theirs);
    const speaker = meeting.startOurs(ours);
    await comesToHold(t, () => speaker.routes(), theirs);
    await comesToHold(t, () => daemon.routes(), ours);
    await becomes(t, 'in sync', async () => (await speaker.status()).session?.endOfRibReceived.length === 1);
    const before = await speaker.status();
    t.is(before.session?.routeRefresh, peer.name === 'gobgp' ? 'plain' : 'enhanced');
    speaker.clear('soft-in');
    await becomes(t, 'the routes again', async () => {
      const { counters } = await speaker.status();
      return counters.updatesReceived > before.counters.updatesReceived;
    });
    speaker.clear('soft-out');
    await becomes(t, 'ours told again', async () => {
      const { counters } = await speaker.status();
      return counters.updatesSent > before.counters.updatesSent;
    });
    // Whoever minds our BoRR and EoRR says so with a NOTIFICATION; what they frame is what was there before.
    await daemon.announce('192.168.9.0/24');
    await comesToHold(t, () => speaker.routes(), [...theirs, '192.168.9.0/24']);
    await comesToHold(t, () => daemon.routes(), ours);
    const { counters, routes } = await speaker.status();
    t.is(counters.established, 1);
    // FRR tells us our own routes, too, which are loops.
    t.is(routes.accepted, 3);
  });
}
