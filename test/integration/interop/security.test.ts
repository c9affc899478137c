/** TCP MD5 (RFC 2385), GTSM (RFC 5082) and dynamic peers, with daemons of others on the other end. */
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const { asns, port } = relations[1]!;
const [THEIRS, OURS] = [['192.168.0.0/24'], ['10.244.0.0/24']] as const;

for (const peer of everyPeer) {
  for (const dials of ['ours', 'daemon'] as const) {
    const who = dials === 'ours' ? 'our end' : 'its end';
    test(`${peer.name}: TCP MD5, the right password, ${who} dials`, async t => {
      const password = { password: 's3cret of both' };
      if (peer.name === 'frr') password.password = 's3cret-of-both';
      const meeting = new Meeting(t, peer, { asns, port, dials, theirs: password, peer: password });
      const daemon = await meeting.startDaemon(THEIRS);
      const speaker = meeting.startOurs(OURS);
      await comesToHold(t, () => daemon.routes(), OURS);
      await comesToHold(t, () => speaker.routes(), THEIRS);
    });

    test(`${peer.name}: GTSM in a shared subnet, ${who} dials`, async t => {
      const more = { theirs: { ttlSecurity: true }, peer: { ttlSecurityHops: 1 } };
      const meeting = new Meeting(t, peer, { asns, port, dials, ...more });
      const daemon = await meeting.startDaemon(THEIRS);
      const speaker = meeting.startOurs(OURS);
      await comesToHold(t, () => daemon.routes(), OURS);
      await comesToHold(t, () => speaker.routes(), THEIRS);
    });
  }

  test(`${peer.name}: TCP MD5, a wrong password is no session and is named, put right it is one`, async t => {
    const more = { theirs: { password: 'theirs' }, peer: { password: 'ours' } };
    const meeting = new Meeting(t, peer, { asns, port, dials: 'both', ...more });
    const daemon = await meeting.startDaemon(THEIRS);
    const speaker = meeting.startOurs(OURS);
    const named = async () => /TCP MD5 mismatch.*another password/.test((await speaker.status()).info);
    await becomes(t, 'the password named', named);
    t.is((await speaker.status()).counters.established, 0);
    speaker.change({ password: 'theirs' });
    await comesToHold(t, () => daemon.routes(), OURS);
    await comesToHold(t, () => speaker.routes(), THEIRS);
  });

  test(`${peer.name}: TCP MD5, a password that changes on both ends`, async t => {
    const password = { password: 'first' };
    const meeting = new Meeting(t, peer, { asns, port, dials: 'both', theirs: password, peer: password });
    const daemon = await meeting.startDaemon(THEIRS);
    const speaker = meeting.startOurs(OURS);
    await comesToHold(t, () => daemon.routes(), OURS);
    speaker.change({ password: 'second' });
    await daemon.setPassword('second');
    speaker.announce('10.244.1.0/24');
    await comesToHold(t, () => daemon.routes(), [...OURS, '10.244.1.0/24']);
    await comesToHold(t, () => speaker.routes(), THEIRS);
    // If the session went, that was the daemon's doing: ours has not ended it, but for one of two connections that met (6/7).
    const { lastNotificationSent, counters } = await speaker.status();
    t.true(lastNotificationSent === undefined || lastNotificationSent.subcode === 7);
    t.log(`${counters.established} sessions`);
  });

  test(`${peer.name}: a dynamic peer of a range with a password`, async t => {
    const password = { password: 'of-the-range' };
    const more = { theirs: password, peer: password, range: '10.88.0.0/24' };
    const meeting = new Meeting(t, peer, { asns, port, dials: 'daemon', ...more });
    const daemon = await meeting.startDaemon(THEIRS);
    const speaker = meeting.startOurs(OURS);
    await comesToHold(t, () => daemon.routes(), OURS);
    await comesToHold(t, () => speaker.routes(), THEIRS);
    t.like(await speaker.status(), { key: 'Dynamic_10_88_0_1', dynamicFrom: 'range', asn: asns.daemon });
  });
}
